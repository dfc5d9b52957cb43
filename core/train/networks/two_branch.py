"""Two encoders, one that reads the optical bands and one that reads SAR, and how the two embeddings are fused.

In training a whole modality is dropped at times, so that the network can answer without it. Bands that are neither
(elevation, slope, anything unknown) go with the optical ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from core.errors import ConfigError

OPTICAL, SAR = "optical", "sar"
FusionKind = Literal["concat", "mean", "gated"]


def channels_of(modalities: Sequence[str]) -> dict[str, list[int]]:
    """Branch -> positions of its inputs, from each input's modality; what is not SAR goes with the optical bands.

    Raises ConfigError when there is nothing for one of the two branches.
    """
    missing = [name for name in (OPTICAL, SAR) if name not in modalities]
    if missing:
        raise ConfigError(
            f"An optical and a SAR branch need bands of both; none of those chosen is {' or '.join(missing)}. "
            "Choose bands of both (data.bands), or set model.branches=one and model.modality_dropout=0."
        )
    of_sar = [i for i, modality in enumerate(modalities) if modality == SAR]
    return {OPTICAL: [i for i in range(len(modalities)) if i not in set(of_sar)], SAR: of_sar}


class TwoBranch(nn.Module):
    """Both encoders on their own inputs, their embeddings one after the other: (N, C, H, W) -> (N, D1 + D2).

    ``channels``: branch -> positions of its inputs. ``widths``: (D1, D2).
    """

    def __init__(
        self, optical: nn.Module, sar: nn.Module, channels: dict[str, list[int]], widths: tuple[int, int]
    ) -> None:
        super().__init__()
        self.optical, self.sar = optical, sar
        self.channels, self.widths = channels, widths

    def forward(self, images: Tensor) -> Tensor:
        """The optical embedding, then that of SAR."""
        return torch.cat([branch(images[:, self.channels[name]]) for name, branch in self.branches().items()], dim=1)

    def branches(self) -> dict[str, nn.Module]:
        """Branch -> its encoder."""
        return {OPTICAL: self.optical, SAR: self.sar}


def encoders_of(backbone: nn.Module) -> dict[str, nn.Module]:
    """Prefix of its parameters' names -> encoder: one without a prefix, or one for each branch."""
    if isinstance(backbone, TwoBranch):
        return {f"{name}.": encoder for name, encoder in backbone.branches().items()}
    return {"": backbone}


class Fusion(nn.Module):
    """How two embeddings, one after the other, become one: (N, D1 + D2) -> (N, ``n_features``).

    concat: as they are. mean: their mean. gated: each feature a weighted mean, with a weight that is learnt from both.
    Where the lengths differ, mean and gated first bring the shorter one to the longer's length by a linear layer.
    """

    def __init__(self, kind: FusionKind, widths: tuple[int, int]) -> None:
        super().__init__()
        self.kind, self.widths = kind, widths
        self.n_features = sum(widths) if kind == "concat" else max(widths)
        layers = [
            nn.Identity() if kind == "concat" or width == self.n_features else nn.Linear(width, self.n_features)
            for width in widths
        ]
        self.project = nn.ModuleList(layers)
        self.gate = nn.Linear(sum(widths), self.n_features) if kind == "gated" else None

    def forward(self, joined: Tensor) -> Tensor:
        """(N, D1 + D2) -> (N, n_features)."""
        if self.kind == "concat":
            return joined
        optical, sar = (layer(part) for layer, part in zip(self.project, joined.split(self.widths, 1), strict=True))
        weight = 0.5 if self.gate is None else torch.sigmoid(self.gate(joined))
        return torch.lerp(sar, optical, weight)


class ModalityDropout(nn.Module):
    """While training, a share of the patches loses all optical or all SAR bands, half of them each; never both.

    A lost band is 0 after normalisation, its usual value: what the policy "mean" gives for a band that is missing.
    Indices and statistics are computed from what is left. Draws come from torch's generator, which the loop seeds.
    """

    def __init__(self, share: float, channels: dict[str, list[int]]) -> None:
        super().__init__()
        self.share = share
        n = sum(len(positions) for positions in channels.values())
        for name, positions in channels.items():
            mask = torch.zeros(n, dtype=torch.bool)
            mask[positions] = True
            self.register_buffer(f"is_{name}", mask, persistent=False)  # (C,)

    def forward(self, images: Tensor) -> Tensor:
        """(N, C, H, W) -> the same shape; the same tensor in evaluation mode."""
        if not self.training:
            return images
        draw = torch.rand(len(images), 1, device=images.device)
        lost = (draw < self.share / 2) & self.is_optical | (draw >= 1 - self.share / 2) & self.is_sar  # (N, C)
        return images.masked_fill(lost[:, :, None, None], 0.0)
