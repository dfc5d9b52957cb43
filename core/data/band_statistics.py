"""Numbers that say what a patch looks like without any network: the baselines that every run must beat.

Three sets, from raw images: ``statistics`` (N, 9 * C), ``rich`` (N, 18 * (C + I)) and ``full`` (N, 15 * (C + J)), all
float32. A kept head reads exactly the columns of its set, so a set is never changed: what is better gets a name of its
own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from core.data.indices import INDICES, Index, compute
from core.data.store.summary import QUANTILES

NAMES = ("mean", "std", *QUANTILES)  # of one band, in the order of the columns; band follows band
BATCH = 64  # patches at a time
BOX = 5  # pixels on a side of the smoothing box
# Ratios of colours beside the bands of :func:`rich_statistics`. A kept head reads exactly these columns.
COLOURS = ("redr", "greenr", "ngrdi", "nrbdi")
# What full_statistics computes beside the bands: ratios of optical bands of one unit, and VV - VH in dB.
FULL_INDICES = (*COLOURS, "ndvi", "gndvi", "ndwi", "desc_vv_minus_vh", "asc_vv_minus_vh")
FULL_NAMES = (*NAMES, "min", "max", "skewness", "kurtosis", "entropy", "gradient")
BINS = 32  # of the histogram whose entropy is taken


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
        stack = _with_indices(images[start : start + BATCH], indices, band_names)
        described = [band_statistics(stack), band_statistics(_smoothed(stack))]
        features[start : start + BATCH] = np.concatenate(described, axis=1)
    return features


def full_statistics(images: np.ndarray, band_names: Sequence[str]) -> np.ndarray:
    """(N, 15 * (C + J)) float32: FULL_NAMES of C bands and of those J of FULL_INDICES that they allow, band by band.

    Beside the nine of :func:`band_statistics`: minimum and maximum; skewness m3 / m2^(3/2) and excess kurtosis
    m4 / m2^2 - 3 with m_k the mean of (x - mean)^k (Fisher 1930), 0 where all pixels are equal; Shannon's entropy in
    bits (1948) of a histogram of 32 equal bins from minimum to maximum; and the mean of |x - its neighbour| along rows
    and columns. What is not finite is left out, with every pair and index that it is part of.

    images: (N, C, H, W) in the bands' units.
    """
    indices = [INDICES[name] for name in FULL_INDICES if set(INDICES[name].needs) <= set(band_names)]
    features = np.empty((len(images), len(FULL_NAMES) * (images.shape[1] + len(indices))), np.float32)
    for start in range(0, len(images), BATCH):
        stack = _with_indices(images[start : start + BATCH], indices, band_names)
        n, n_channels = stack.shape[:2]
        further = np.concatenate([_shape_of(stack), _gradient(stack)[..., None]], axis=-1)
        both = np.concatenate([_describe(stack), further], axis=-1)  # (n, C + J, 15)
        features[start : start + BATCH] = both.reshape(n, n_channels * len(FULL_NAMES))
    return features


FEATURES: dict[str, Callable[[np.ndarray, Sequence[str]], np.ndarray]] = {
    "statistics": lambda images, band_names: band_statistics(images),
    "rich": rich_statistics,
    "full": full_statistics,
}  # what a head may read instead of embeddings -> from raw images (N, C, H, W) and the names of their bands


def _with_indices(images: np.ndarray, indices: Sequence[Index], band_names: Sequence[str]) -> np.ndarray:
    """(N, C + I, H, W) float32: bands, nan where they are not finite, and indices of them."""
    batch = images.astype(np.float32, copy=False)
    if not (usable := np.isfinite(batch)).all():
        batch = np.where(usable, batch, np.float32(np.nan))  # an infinite one would spoil the ratios
    bands = dict(zip(band_names, batch.swapaxes(0, 1), strict=True))
    return np.concatenate([batch, *(value[:, None] for value in compute(indices, bands))], axis=1)


def _shape_of(stack: np.ndarray) -> np.ndarray:
    """(N, C, H, W) -> (N, C, 5): minimum, maximum, skewness, kurtosis and entropy of what is there, else 0."""
    n, n_channels = stack.shape[:2]
    pixels = stack.reshape(n * n_channels, -1).astype(np.float64)
    usable = np.isfinite(pixels)
    count = usable.sum(axis=1)
    some, there = np.maximum(count, 1), count > 0
    low = np.where(there, np.where(usable, pixels, np.inf).min(axis=1), 0.0)
    high = np.where(there, np.where(usable, pixels, -np.inf).max(axis=1), 0.0)
    values = np.where(usable, pixels, 0.0)
    mean = values.sum(axis=1) / some
    off = np.where(usable, values - mean[:, None], 0.0)
    square = off * off
    m2, m3, m4 = (part.sum(axis=1) / some for part in (square, square * off, square * square))
    varies = high > low
    spread = np.where(varies & (m2 > 0), m2, 1.0)
    skewness = np.where(varies, m3 / spread**1.5, 0.0)
    kurtosis = np.where(varies, m4 / spread**2 - 3.0, 0.0)
    width = np.where(varies, high - low, 1.0)
    place = np.minimum((values - low[:, None]) / width[:, None] * BINS, BINS - 1).clip(0).astype(np.int64)
    place += BINS * np.arange(len(pixels))[:, None]
    counts = np.bincount(place[usable], minlength=BINS * len(pixels)).reshape(-1, BINS)
    share = counts / some[:, None]
    entropy = -(share * np.log2(np.where(share > 0, share, 1.0))).sum(axis=1)
    return np.stack([low, high, skewness, kurtosis, entropy], axis=-1).reshape(n, n_channels, 5).astype(np.float32)


def _gradient(stack: np.ndarray) -> np.ndarray:
    """(N, C, H, W) -> (N, C): mean of |x - its neighbour| over rows and columns, of pairs that are there; else 0."""
    total = np.zeros(stack.shape[:2])
    n_pairs = np.zeros(stack.shape[:2], np.int64)
    for axis in (2, 3):
        step = np.abs(np.diff(stack, axis=axis))
        usable = np.isfinite(step)
        total += np.where(usable, step, 0.0).sum(axis=(2, 3), dtype=np.float64)
        n_pairs += usable.sum(axis=(2, 3))
    return (total / np.maximum(n_pairs, 1)).astype(np.float32)


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
    quantiles = _quantiles(values, np.array(list(QUANTILES.values())))  # (7, ...)
    mean, std = values.mean(axis=-1, dtype=np.float64), values.std(axis=-1, dtype=np.float64)
    return np.stack([mean, std, *quantiles], axis=-1).astype(np.float32)


def _quantiles(values: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """(..., pixels) -> (Q, ...): the very numbers of ``np.quantile``, in a fifth of its time (it does not sort)."""
    place = (values.shape[-1] - 1) * shares
    low = np.floor(place).astype(np.intp)
    high = np.minimum(low + 1, values.shape[-1] - 1)
    ordered = np.sort(values, axis=-1)
    below, above = (np.moveaxis(ordered[..., at], -1, 0) for at in (low, high))
    share = (place - low).reshape(-1, *[1] * (values.ndim - 1))
    return np.where(share >= 0.5, above - (above - below) * (1 - share), below + (above - below) * share)
