"""What is done with raw Grad-CAM maps once they exist: find the dead, scale one for the eye, lay it over a patch.

Torch is not loaded: the dashboard imports this module.
"""

from __future__ import annotations

import numpy as np
from PIL import Image

CONSTANT = 1e-4  # of its peak: a map that varies by less is constant


def dead_maps(maps: np.ndarray) -> np.ndarray:
    """(N,) bool: True where a map (N, h, w) holds no evidence at all (all zero) or is not finite."""
    highest = np.asarray(maps).max(axis=(1, 2), initial=0.0)
    return ~(np.isfinite(highest) & (highest > 0.0))


def constant_maps(maps: np.ndarray) -> np.ndarray:
    """(N,) bool: True where a map (N, h, w) is the same everywhere, so that it says nothing of where (1x1 ones too)."""
    maps = np.asarray(maps, dtype=np.float64)
    highest, lowest = maps.max(axis=(1, 2), initial=0.0), maps.min(axis=(1, 2), initial=np.inf)
    return (highest > 0) & (highest - lowest <= CONSTANT * highest)


def scale_maps(maps: np.ndarray) -> np.ndarray:
    """Each map divided by its own highest value: (N, h, w) float32 in 0-1; dead maps stay zero.

    For looking at one patch only: after it magnitudes cannot be compared between patches.
    """
    maps = np.asarray(maps, dtype=np.float32)
    highest = maps.max(axis=(1, 2), keepdims=True, initial=0.0)
    return np.divide(maps, highest, out=np.zeros_like(maps), where=np.isfinite(highest) & (highest > 0))


def upsample_maps(maps: np.ndarray, size_hw: tuple[int, int]) -> np.ndarray:
    """Maps (N, h, w) drawn at a patch's size, bilinear between cell centres: (N, H, W) float32."""
    maps = np.asarray(maps, dtype=np.float32)
    down, across = (_weights(n, size) for n, size in zip(maps.shape[1:], size_hw, strict=True))
    return np.matmul(np.matmul(down, maps), across.T)


def _weights(n: int, size: int) -> np.ndarray:
    """(size, n) float32: what each of ``n`` cells in a row gives to each pixel; Pillow's, as it resizes a unit matrix.

    Resizing is linear and goes row by row, then column by column, so that two products draw thousands of maps at once.
    """
    return np.asarray(Image.fromarray(np.eye(n, dtype=np.float32)).resize((n, size), Image.Resampling.BILINEAR))
