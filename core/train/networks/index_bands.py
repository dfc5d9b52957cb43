"""Indices as further input bands, computed inside the network from the bands it is given.

Inside the network an index always agrees with its bands: after MixUp, SMOTE, occlusion or a colour change. The
standardised indices are appended to the bands. Edges are computed at the patch's own size, before any resizing; Canny
passes no gradient on to its bands, all others do.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from core.data.bands import Band
from core.data.indices import Index, compute

_CHUNK = 256  # patches at once while fitting


class IndexBands(nn.Module):
    """Appends index bands, without parameters; call :meth:`fit` on the training part first.

    ``band_center_`` and ``band_scale_`` undo the normalisation: value = normalised * scale + center, in the band's
    unit. ``center_`` and ``scale_`` standardise the indices.
    """

    band_center_: Tensor  # (C, 1, 1)
    band_scale_: Tensor  # (C, 1, 1)
    center_: Tensor  # (I, 1, 1)
    scale_: Tensor  # (I, 1, 1)

    def __init__(self, indices: Sequence[Index], bands: Sequence[Band]) -> None:
        super().__init__()
        self.indices, self.records = tuple(indices), {band.name: band for band in bands}
        for name, n in (("band", len(self.records)), ("", len(self.indices))):
            prefix = f"{name}_" if name else ""
            self.register_buffer(f"{prefix}center_", torch.zeros(n, 1, 1))
            self.register_buffer(f"{prefix}scale_", torch.ones(n, 1, 1))

    def set_units(self, center: np.ndarray, scale: np.ndarray) -> None:
        """The normaliser's center and scale, (C,) each."""
        self.band_center_.copy_(torch.as_tensor(center).reshape(-1, 1, 1))
        self.band_scale_.copy_(torch.as_tensor(scale).reshape(-1, 1, 1))

    @torch.no_grad()
    def fit(self, images: Tensor) -> None:
        """Learns mean and spread of each index from ``images``: (N, C, H, W) float32, normalised; N >= 1."""
        total = torch.zeros(len(self.indices), dtype=torch.float64)
        squares, n = torch.zeros_like(total), 0
        for start in range(0, len(images), _CHUNK):
            values = self._values(torch.as_tensor(images[start : start + _CHUNK]).to(self.center_.device)).double()
            total += values.sum(dim=(0, 2, 3)).cpu()
            squares += values.square().sum(dim=(0, 2, 3)).cpu()
            n += values[:, 0].numel()
        mean = total / n
        spread = (squares / n - mean.square()).clamp(min=0).sqrt()
        self.center_.copy_(mean.reshape(-1, 1, 1))
        self.scale_.copy_(torch.where(spread > 1e-6, spread, torch.ones_like(spread)).reshape(-1, 1, 1))

    def forward(self, images: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C + I, H, W), float32 both."""
        return torch.cat([images, (self._values(images.float()) - self.center_) / self.scale_], dim=1)

    def _values(self, images: Tensor) -> Tensor:
        with torch.autocast(images.device.type, enabled=False):  # a ratio of rounded bands is no ratio
            raw = images * self.band_scale_ + self.band_center_
            bands = dict(zip(self.records, raw.unbind(dim=1), strict=True))
            return torch.stack(compute(self.indices, bands, self.records), dim=1)  # (N, I, H, W)
