"""Nine numbers a band that say what a patch looks like without any network: the baseline every run must beat.

Raw images give features (N, 9 * C) float32.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from core.data.indices import INDICES, compute
from core.data.store.summary import QUANTILES, valid_pixels

NAMES = ("mean", "std", *QUANTILES)  # of one band, in the order of the columns; band follows band
BATCH = 64  # patches at a time
BOX = 5  # pixels on a side of the smoothing box
# Ratios of colours beside the bands of :func:`rich_statistics`. A kept head reads exactly these columns.
COLOURS = ("redr", "greenr", "ngrdi", "nrbdi")


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


def rich_statistics(images: np.ndarray, band_names: Sequence[str], nodata: float | None = None) -> np.ndarray:
    """(N, 18 * (C + I)) float32: :func:`band_statistics` of C bands and of I ratios of COLOURS, sharp and smoothed.

    Smoothing by a 5x5 box mean (reflected at the border) tells texture from colour.

    images: (N, C, H, W) in the bands' units.
    """
    from scipy.ndimage import uniform_filter

    indices = [INDICES[name] for name in COLOURS if set(INDICES[name].needs) <= set(band_names)]
    features = np.empty((len(images), 2 * len(NAMES) * (images.shape[1] + len(indices))), np.float32)
    for start in range(0, len(images), BATCH):
        raw = images[start : start + BATCH]
        batch = np.where(valid_pixels(raw, nodata)[1][:, None], np.nan_to_num(raw), 0).astype(np.float32)
        bands = dict(zip(band_names, batch.swapaxes(0, 1), strict=True))
        stack = np.concatenate([batch, *(value[:, None] for value in compute(indices, bands))], axis=1)
        smooth = uniform_filter(stack, size=(1, 1, BOX, BOX))
        features[start : start + BATCH] = np.concatenate([band_statistics(stack), band_statistics(smooth)], axis=1)
    return features


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
