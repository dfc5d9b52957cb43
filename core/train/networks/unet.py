"""A U-Net as an encoder of whole patches: a timm network, a decoder over its stages, and pooling at both ends.

The embedding is the mean of the decoder's last map (what is where, at the finest stage), followed by the mean of the
encoder's last one (Ronneberger et al., 2015; paper A, Figure 5, names U-Net variants without their head: the pooling is
ours).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from core.config.training import UNET
from core.errors import ConfigError

__all__ = ["UNET", "UNet", "unet"]

WIDTHS = (256, 128, 64, 32)  # channels of the decoder from the deepest stage on, as far as there are stages


class UNet(nn.Module):
    """``encoder``: a timm network; ``decoder``: one block for each stage before its last, from the deepest on."""

    cam_part = "encoder"  # Grad-CAM's default layer is the encoder's last that serves (FACTS)

    def __init__(self, encoder: nn.Module, channels: Sequence[int], stages: Sequence[int], widths: Sequence[int]):
        """channels: of the encoder's ``stages``, from the finest on. widths: of the decoder's blocks."""
        super().__init__()
        self.encoder, self.stages = encoder, list(stages)
        skips = list(reversed(channels[:-1]))
        into = [channels[-1], *widths[:-1]]
        self.n_pixel = widths[-1] if widths else channels[-1]  # channels of the finest map
        self.decoder = nn.ModuleList(
            UpBlock(before + skip, width) for before, skip, width in zip(into, skips, widths, strict=True)
        )

    def forward(self, images: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, D)."""
        return self.with_map(images)[0]

    def with_map(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """(N, C, H, W) -> the embedding (N, D), and the decoder's finest map (N, n_pixel, h, w)."""
        maps = self.encoder.forward_intermediates(images, indices=self.stages, intermediates_only=True)
        deepest = up = maps[-1]
        for block, skip in zip(self.decoder, reversed(maps[:-1]), strict=True):
            up = block(up, skip)
        return torch.cat([up.mean(dim=(2, 3)), deepest.mean(dim=(2, 3))], dim=1), up


class UpBlock(nn.Module):
    """Enlarge to the skip's size, join it, and two convolutions with batch normalisation and ReLU."""

    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__()
        self.convs = nn.Sequential(
            *(
                nn.Sequential(nn.Conv2d(a, b, 3, padding=1, bias=False), nn.BatchNorm2d(b), nn.ReLU())
                for a, b in pairwise((n_in, n_out, n_out))
            )
        )

    def forward(self, deep: Tensor, skip: Tensor) -> Tensor:
        """(N, A, h, w) and (N, B, 2h, 2w) -> (N, n_out, 2h, 2w)."""
        return self.convs(torch.cat([F.interpolate(deep, skip.shape[-2:], mode="nearest"), skip], dim=1))


def unet(encoder: nn.Module, name: str, hw: tuple[int, int], n_bands: int, arguments: dict[str, Any]) -> UNet:
    """A U-Net around ``encoder``; ``arguments["decoder"]``: the widths of its decoder, from the deepest stage on.

    Raises ConfigError when the widths do not suit the encoder's stages.
    """
    stages = _stages(encoder, n_bands, hw)
    encoder.prune_intermediate_layers(indices=[index for index, _ in stages], prune_norm=False, prune_head=True)
    n_blocks = len(stages) - 1
    widths = arguments.get("decoder", WIDTHS[:n_blocks] + WIDTHS[-1:] * max(0, n_blocks - len(WIDTHS)))
    whole = isinstance(widths, list | tuple) and all(isinstance(n, int) and n > 0 for n in widths)
    if not whole or len(widths) != n_blocks:
        raise ConfigError(
            f"{name} takes in its arguments decoder: {n_blocks} whole numbers, the channels of its decoder from the "
            f"deepest stage on; it was given {arguments.get('decoder')}."
        )
    return UNet(encoder, [channels for _, channels in stages], [index for index, _ in stages], tuple(widths))


def _stages(encoder: nn.Module, n_bands: int, hw: tuple[int, int]) -> list[tuple[int, int]]:
    """Of each size of map the deepest: its number in the encoder and its channels, from the finest on."""
    with torch.inference_mode():
        maps = encoder.eval().forward_intermediates(torch.zeros(1, n_bands, *hw), intermediates_only=True)
    encoder.train()
    deepest = {tuple(stage.shape[-2:]): (index, stage.shape[1]) for index, stage in enumerate(maps)}
    if len(deepest) > 1:
        return list(deepest.values())
    # All of one size (a vision transformer): four of them evenly spread, as dense heads take them.
    chosen = sorted({round((len(maps) - 1) * share) for share in (0.25, 0.5, 0.75, 1.0)})
    return [(index, maps[index].shape[1]) for index in chosen]
