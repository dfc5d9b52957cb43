"""The five-layer network of paper B (IV.1): three convolutions, a dense layer, and the last layer of every network."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from core.errors import ConfigError

BASELINE = "baseline_cnn"
_ACCEPTED = "widths (filters of each convolution), kernel (odd, pixels) and dense (length of the embedding)"


class BaselineCnn(nn.Module):
    """Convolutions with padding "same" and ReLU, each followed by 2x2 pooling; flattened into one dense layer.

    The paper prints neither widths nor kernel: 16, 32, 64 and 3 are Keras's introductory example, which at 150 pixels
    has about the 2.8 M parameters of its Table III.
    """

    first_conv = "stages.0.0"  # in timm's words: the layer that reads the bands

    def __init__(self, n_bands: int, hw: tuple[int, int], widths: tuple[int, ...], kernel: int, dense: int) -> None:
        super().__init__()
        ends = (n_bands, *widths)
        self.stages = nn.Sequential(
            *(
                nn.Sequential(nn.Conv2d(a, b, kernel, padding="same"), nn.ReLU(), nn.MaxPool2d(2))
                for a, b in zip(ends[:-1], ends[1:], strict=True)
            )
        )
        side = [pixels // 2 ** len(widths) for pixels in hw]
        self.dense = nn.Linear(widths[-1] * side[0] * side[1], dense)
        self.num_features = dense

    def forward(self, images: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, dense)."""
        return torch.relu(self.dense(self.stages(images).flatten(1)))


def baseline_cnn(n_bands: int, hw: tuple[int, int], arguments: dict[str, Any]) -> BaselineCnn:
    """The network with its variants. Raises ConfigError for others, and for patches too small for its poolings."""
    settings = {"widths": (16, 32, 64), "kernel": 3, "dense": 128, **arguments}
    widths, kernel, dense = settings["widths"], settings["kernel"], settings["dense"]
    numbers = (*widths, kernel, dense) if isinstance(widths, list | tuple) and widths else ()
    if len(settings) > 3 or not numbers or not all(isinstance(n, int) and n > 0 for n in numbers) or kernel % 2 == 0:
        raise ConfigError(f"{BASELINE} takes in model.arguments: {_ACCEPTED}; it was given {arguments}.")
    if min(hw) < 2 ** len(widths):
        raise ConfigError(
            f"{BASELINE} halves a patch {len(widths)} times; {hw[0]}x{hw[1]} pixels are too few. Set model.image_size."
        )
    return BaselineCnn(n_bands, hw, tuple(widths), kernel, dense)
