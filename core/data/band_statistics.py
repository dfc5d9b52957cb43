"""Nine numbers a band that say what a patch looks like without any network: the baseline every run must beat.

Comes in: raw images. Goes out: features (N, 9 * C) float32. It knows nothing of labels or classifiers.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from core.data.summary import QUANTILES, valid_pixels

NAMES = ("mean", "std", *QUANTILES)  # of one band, in the order of the columns
BATCH = 64  # patches at a time


def feature_names(band_names: Sequence[str]) -> tuple[str, ...]:
    """Name of each column: ``red_mean``, ``red_std``, ``red_q01``, ... band after band."""
    return tuple(f"{band}_{name}" for band in band_names for name in NAMES)


def band_statistics(images: np.ndarray, nodata: float | None = None) -> np.ndarray:
    """(N, 9 * C) float32: per band mean, standard deviation and 1/5/25/50/75/95/99 % quantiles over the pixels.

    Args:
        images: (N, C, H, W) in the bands' units.
        nodata: a pixel equal to it in all bands is left out, as are non-finite values.

    A band without any usable pixel gives 0, so that every feature is finite and no patch's features depend on others.
    """
    n, n_bands = images.shape[:2]
    features = np.empty((n, n_bands, len(NAMES)), np.float32)
    for start in range(0, n, BATCH):
        features[start : start + BATCH] = _describe(images[start : start + BATCH], nodata)
    return features.reshape(n, -1)


def _describe(images: np.ndarray, nodata: float | None) -> np.ndarray:
    finite, has_data = valid_pixels(images, nodata)
    usable = finite & has_data[:, None]
    if usable.all():
        return _describe_pixels(images.reshape(*images.shape[:2], -1))
    out = np.zeros((*images.shape[:2], len(NAMES)), np.float32)
    for patch, band in np.ndindex(images.shape[:2]):
        values = images[patch, band][usable[patch, band]]
        if values.size:
            out[patch, band] = _describe_pixels(values)
    return out


def _describe_pixels(values: np.ndarray) -> np.ndarray:
    """(..., pixels) -> (..., 9)."""
    quantiles = np.quantile(values, list(QUANTILES.values()), axis=-1)  # (7, ...)
    mean, std = values.mean(axis=-1, dtype=np.float64), values.std(axis=-1, dtype=np.float64)
    return np.stack([mean, std, *quantiles], axis=-1).astype(np.float32)
