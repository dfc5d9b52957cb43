"""Nine numbers a band that say what a patch looks like without any network: the baseline every run must beat.

Raw images give features (N, 9 * C) float32.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from core.data.indices import INDICES, compute
from core.data.store.summary import QUANTILES

NAMES = ("mean", "std", *QUANTILES)  # of one band, in the order of the columns; band follows band
BATCH = 64  # patches at a time
BOX = 5  # pixels on a side of the smoothing box
# Ratios of colours beside the bands of :func:`rich_statistics`. A kept head reads exactly these columns.
COLOURS = ("redr", "greenr", "ngrdi", "nrbdi")


def band_statistics(images: np.ndarray) -> np.ndarray:
    """(N, 9 * C) float32: per band mean, standard deviation and 1/5/25/50/75/95/99 % quantiles over the pixels.

    images: (N, C, H, W) in the bands' units; what is not finite is missing and left out. A band without any usable
    pixel gives 0, so that every feature is finite and no patch's features depend on others.
    """
    n, n_bands = images.shape[:2]
    features = np.empty((n, n_bands, len(NAMES)), np.float32)
    for start in range(0, n, BATCH):
        features[start : start + BATCH] = _describe(images[start : start + BATCH])
    return features.reshape(n, -1)


def rich_statistics(images: np.ndarray, band_names: Sequence[str]) -> np.ndarray:
    """(N, 18 * (C + I)) float32: :func:`band_statistics` of C bands and of I ratios of COLOURS, sharp and smoothed.

    Smoothing by a 5x5 box mean (reflected at the border) tells texture from colour. What is missing is left out of the
    box as it is of the statistics, and stays missing.

    images: (N, C, H, W) in the bands' units.
    """
    indices = [INDICES[name] for name in COLOURS if set(INDICES[name].needs) <= set(band_names)]
    features = np.empty((len(images), 2 * len(NAMES) * (images.shape[1] + len(indices))), np.float32)
    for start in range(0, len(images), BATCH):
        batch = images[start : start + BATCH].astype(np.float32, copy=False)
        if not (usable := np.isfinite(batch)).all():
            batch = np.where(usable, batch, np.float32(np.nan))  # an infinite one would spoil the ratios
        bands = dict(zip(band_names, batch.swapaxes(0, 1), strict=True))
        stack = np.concatenate([batch, *(value[:, None] for value in compute(indices, bands))], axis=1)
        described = [band_statistics(stack), band_statistics(_smoothed(stack))]
        features[start : start + BATCH] = np.concatenate(described, axis=1)
    return features


def _smoothed(stack: np.ndarray) -> np.ndarray:
    """The mean of what is there in each box of (N, C, H, W), nan where the pixel itself is missing."""
    from scipy.ndimage import uniform_filter

    size, usable = (1, 1, BOX, BOX), np.isfinite(stack)
    if usable.all():
        return uniform_filter(stack, size=size)
    total = uniform_filter(np.where(usable, stack, 0).astype(np.float64), size=size)
    share = uniform_filter(usable.astype(np.float64), size=size)
    smooth = np.where(usable, total / np.where(usable, share, 1.0), np.nan).astype(np.float32)
    whole = usable.all(axis=(1, 2, 3))
    if whole.any():  # the same numbers as in a batch in which nothing is missing
        smooth[whole] = uniform_filter(stack[whole], size=size)
    return smooth


def _describe(images: np.ndarray) -> np.ndarray:
    usable = np.isfinite(images)
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
