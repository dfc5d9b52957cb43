"""The statistics branch: the values of each band, in addition to the network's view of where they are.

Per band its mean, standard deviation and quantiles, standardised by those of the training part.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

QUANTILES = (0.01, 0.05, 0.25, 0.50, 0.75, 0.95, 0.99)
PER_BAND = 2 + len(QUANTILES)  # mean, standard deviation, quantiles
_CHUNK = 256  # patches at once while fitting


class StatisticsBranch(nn.Module):
    """Standardised band statistics as features, without parameters; call :meth:`fit` on the training part first."""

    center_: Tensor  # (S,)
    scale_: Tensor  # (S,)

    def __init__(self, n_bands: int) -> None:
        super().__init__()
        self.n_features = PER_BAND * n_bands
        self.register_buffer("center_", torch.zeros(self.n_features))
        self.register_buffer("scale_", torch.ones(self.n_features))

    @torch.no_grad()
    def fit(self, images: Tensor | np.ndarray) -> None:
        """Learns mean and spread of each feature from ``images``: (N, C, H, W) float32, normalised; N >= 1."""
        pieces = [torch.as_tensor(images[i : i + _CHUNK]) for i in range(0, len(images), _CHUNK)]
        features = torch.cat([band_features(piece) for piece in pieces])
        spread = features.std(dim=0, correction=0)
        self.center_.copy_(features.mean(dim=0))
        self.scale_.copy_(torch.where(spread > 1e-6, spread, torch.ones_like(spread)))

    def forward(self, images: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, 9 C) float32, without a gradient."""
        with torch.no_grad():
            return (band_features(images) - self.center_) / self.scale_


def band_features(images: Tensor) -> Tensor:
    """Per band mean, standard deviation and the quantiles above: (N, C, H, W) -> (N, 9 C) float32, band after band.

    Quantiles are interpolated linearly, as numpy's and scikit-learn's defaults are.
    """
    pixels = images.detach().float().flatten(2)  # (N, C, H*W)
    ordered = _sorted(pixels)
    place = torch.tensor(QUANTILES, dtype=torch.float64) * (pixels.shape[-1] - 1)
    low = place.floor().long()
    high = (low + 1).clamp(max=pixels.shape[-1] - 1)
    share = (place - low).to(pixels.dtype).to(pixels.device)
    quantiles = torch.lerp(ordered[..., low.to(pixels.device)], ordered[..., high.to(pixels.device)], share)
    mean = pixels.mean(-1, keepdim=True)
    spread = (pixels - mean).square_().mean(-1, keepdim=True).sqrt_()  # several times faster than torch's std
    return torch.cat([mean, spread, quantiles], dim=-1).flatten(1)  # (N, C, 9) -> (N, 9 C)


def _sorted(pixels: Tensor) -> Tensor:
    """Sorted along the last axis; on a CPU by numpy, whose vectorised sort is an order of magnitude faster."""
    if pixels.device.type == "cpu" and not (torch.compiler.is_compiling() or torch.jit.is_tracing()):
        return torch.from_numpy(np.sort(pixels.numpy(), axis=-1))
    return pixels.sort(dim=-1).values
