"""Pixels taken out of patches and filled so that nothing gives their place away (ROAD; Rong et al. 2022).

Each missing pixel becomes the weighted mean of its eight neighbours, missing ones included, plus a little noise. All
patches of a batch are solved together on the device.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

NOISE = 0.01  # standard deviation of what is added to a filled pixel, in normalised units (as in ROAD)
EDGE, DIAGONAL = 1 / 6, 1 / 12  # a neighbour's weight in the mean
STEPS = 12  # of conjugate gradients on each scale, from the coarsest to the patch's own


def impute(images: Tensor, missing: Tensor, generator: torch.Generator | None = None, noise: float = NOISE) -> Tensor:
    """Patches (N, C, H, W) with missing pixels (N, H, W) bool filled by noisy linear imputation.

    Known pixels stay as they are. The linear system (a Laplacian, so positive definite) is solved by conjugate
    gradients on ever finer scales, to within a tenth of the patch's spread. A patch without any known pixel becomes 0,
    the mean of training.
    """
    hole = missing[:, None]
    filled = _fill(images * ~hole, (~hole).to(images))
    if noise:
        device = generator.device if generator is not None else images.device
        drawn = torch.randn(filled.shape, generator=generator, device=device, dtype=filled.dtype)
        filled = filled + noise * drawn.to(filled.device)
    return torch.where(hole, filled, images)


def _fill(held: Tensor, known: Tensor) -> Tensor:
    """Patches whose unknown pixels solve the system. held: known pixels, else 0; known: (N, 1, H, W) of 0 and 1."""
    height, width = held.shape[-2:]
    if min(height, width) > 2:
        counts = F.avg_pool2d(known, 2, ceil_mode=True, count_include_pad=False)
        sums = F.avg_pool2d(held, 2, ceil_mode=True, count_include_pad=False)
        coarse = _fill(sums / counts.clamp_min(1e-6), (counts > 0).to(known))
        start = F.interpolate(coarse, (height, width), mode="bilinear", align_corners=False)
    else:
        start = (held.sum(dim=(2, 3), keepdim=True) / known.sum(dim=(2, 3), keepdim=True).clamp_min(1)).expand_as(held)
    hole = 1 - known
    return held + _solve(start * hole, _neighbours(held) * hole, hole)


def _solve(x: Tensor, right: Tensor, hole: Tensor) -> Tensor:
    """A few steps of conjugate gradients from x towards (weight x - neighbours(x)) = right, inside the hole."""
    weight = _neighbours(torch.ones_like(hole)) * hole  # of the neighbours that lie inside the patch
    residual = right - (weight * x - _neighbours(x) * hole)
    direction, power = residual, _dot(residual, residual)
    for _ in range(STEPS):
        applied = weight * direction - _neighbours(direction) * hole
        step = power / _dot(direction, applied).clamp_min(1e-20)
        x, residual = x + step * direction, residual - step * applied
        new_power = _dot(residual, residual)
        direction = residual + new_power / power.clamp_min(1e-20) * direction
        power = new_power
    return x


def _neighbours(x: Tensor) -> Tensor:
    """Weighted sum of each pixel's eight neighbours; what lies outside counts nothing. (N, C, H, W)."""
    padded = F.pad(x, (1, 1, 1, 1))
    rows = padded[..., :-2, :] + 2 * padded[..., 1:-1, :] + padded[..., 2:, :]
    around = rows[..., :-2] + 2 * rows[..., 1:-1] + rows[..., 2:]  # 1 2 1 / 2 4 2 / 1 2 1
    return (around - 4 * x) * DIAGONAL


def _dot(a: Tensor, b: Tensor) -> Tensor:
    """(N, C, 1, 1): every band of every patch is a system of its own."""
    return (a * b).sum(dim=(2, 3), keepdim=True)
