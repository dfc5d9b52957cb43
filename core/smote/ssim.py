"""All-pairs structural similarity of patches, as SSIM-SMOTE needs it.

Comes in: normalised patches and each band's data range. Goes out: the symmetric matrix of scikit-image's
``structural_similarity``, averaged over bands. It knows nothing of labels, folds or neighbours.

Window means and variances belong to one image and are computed once, in float64. A pair shares nothing with other
pairs but E[xy]: one fused float32 pass, blocked so that a band of 16 images stays in the L2 cache. Threads run the
compiled code without the GIL, which unlike numba's own ``prange`` is safe beside other threads and forks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numba
import numpy as np

from core.errors import FormatError

WINDOW = 7  # px; scikit-image's default, uniform weights
K1, K2 = 0.01, 0.03  # stabilising constants of Wang et al. 2004, scikit-image's defaults
BLOCK = 8  # images; two blocks of a 64 x 64 band with means and variances are 16 x 46 kB = 0.7 MB
LANES = 16  # float32 in the widest vector register; rows are padded to it so that no loop has a scalar tail


def _compiled(function: Callable) -> Callable:
    """The function compiled without the GIL, kept on disk where numba finds a folder that it may write to."""
    options = {
        "nogil": True,
        "fastmath": {"reassoc", "contract", "nsz", "arcp"},  # sums may be regrouped and fused; NaN keeps its meaning
        "error_model": "numpy",  # no check before each division, which would forbid vector code; it is never by zero
    }
    try:
        return numba.njit(cache=True, **options)(function)
    except RuntimeError:  # "no locator available": a read-only tree and no home; each process compiles for a second
        return numba.njit(**options)(function)


@_compiled
def _window_sums(values, out):  # pragma: no cover - compiled
    """Sums of values (H, W) over each WINDOW x WINDOW, into out (H-6, W-6); both float64."""
    height, width = values.shape
    column = np.empty(width, np.float64)
    c0, c1, c2, c3, c4, c5, c6 = column, column[1:], column[2:], column[3:], column[4:], column[5:], column[6:]
    for i in range(height - 6):
        v0, v1, v2, v3, v4, v5, v6 = (
            values[i], values[i + 1], values[i + 2], values[i + 3], values[i + 4], values[i + 5], values[i + 6]
        )  # fmt: skip
        for j in range(width):
            column[j] = (v0[j] + v1[j]) + (v2[j] + v3[j]) + (v4[j] + v5[j]) + v6[j]
        row = out[i]
        for j in range(width - 6):
            row[j] = (c0[j] + c1[j]) + (c2[j] + c3[j]) + (c4[j] + c5[j]) + c6[j]


@_compiled
def _describe(first, last, band, offset, mean, half, c2):  # pragma: no cover - compiled
    """Prepares images first..last of one band for :func:`_pair`.

    Centres band (N, H, W) in place by offset (N,), since covariances do not change and small numbers keep float32
    exact; fills mean (N, H-6, P), each window's mean about the offset, and half (N, H-6, P), its variance + C2 / 2.
    """
    height, width = band.shape[1:]
    values = np.empty((height, width), np.float64)
    sums = np.empty((height - 6, width - 6), np.float64)
    squares = np.empty((height - 6, width - 6), np.float64)
    for k in range(first, last):
        image = band[k]
        values[:] = image
        offset[k] = values.mean()
        image -= offset[k]
        values[:] = image
        _window_sums(values, sums)
        values *= values
        _window_sums(values, squares)
        for i in range(height - 6):
            for j in range(width - 6):
                mean[k, i, j] = sums[i, j] / 49.0
                half[k, i, j] = (squares[i, j] - sums[i, j] * sums[i, j] / 49.0) / 48.0 + 0.5 * c2


@_compiled
def _pair(x, y, mean_x, mean_y, offset_x, offset_y, half_x, half_y, c1, c2, column, total):  # pragma: no cover
    """Mean SSIM of one band of two images: x, y (H, W) centred, the rest as :func:`_describe` fills it.

    column (P + 6,) and total (P,) are scratch; beyond W, column stays 0 and total is not looked at.
    """
    height, width = x.shape
    n_rows, n_columns, padded = height - 6, width - 6, total.size
    norm = np.float32(2.0 / 48.0)  # twice the sample covariance is 2/48 sum(xy) - 2 * 49/48 mean(x) mean(y)
    mean_norm = np.float32(2.0 * 49.0 / 48.0)
    two = np.float32(2.0)
    k0, k1, k2, k3, k4, k5, k6 = column, column[1:], column[2:], column[3:], column[4:], column[5:], column[6:]
    total[:] = 0.0
    for i in range(n_rows):
        # Views, not x[i + 1, j]: an index that may wrap around would forbid vector code.
        x0, x1, x2, x3, x4, x5, x6 = x[i], x[i + 1], x[i + 2], x[i + 3], x[i + 4], x[i + 5], x[i + 6]
        y0, y1, y2, y3, y4, y5, y6 = y[i], y[i + 1], y[i + 2], y[i + 3], y[i + 4], y[i + 5], y[i + 6]
        for j in range(width):
            column[j] = (
                (x0[j] * y0[j] + x1[j] * y1[j])
                + (x2[j] * y2[j] + x3[j] * y3[j])
                + (x4[j] * y4[j] + x5[j] * y5[j])
                + x6[j] * y6[j]
            )
        mx, my, hx, hy = mean_x[i], mean_y[i], half_x[i], half_y[i]
        for j in range(padded):
            window = (k0[j] + k1[j]) + (k2[j] + k3[j]) + (k4[j] + k5[j]) + k6[j]
            twice_cov = norm * window - mean_norm * mx[j] * my[j]
            ux, uy = mx[j] + offset_x, my[j] + offset_y
            total[j] += ((two * ux * uy + c1) * (twice_cov + c2)) / ((ux * ux + uy * uy + c1) * (hx[j] + hy[j]))
    ssim = 0.0
    for j in range(n_columns):
        ssim += total[j]
    return ssim / (n_rows * n_columns)


@_compiled
def _block_row(first, block, band, mean, offset, half, c1, c2, ssim):  # pragma: no cover - compiled
    """Adds one band's SSIM of images first..first+block with all later ones to ssim (N, N), above the diagonal."""
    n, padded = band.shape[0], mean.shape[2]
    column = np.zeros(padded + 6, np.float32)
    total = np.zeros(padded, np.float32)
    last = min(first + block, n)
    for other in range(first, n, block):
        for a in range(first, last):
            for b in range(max(a + 1, other), min(other + block, n)):
                ssim[a, b] += _pair(
                    band[a], band[b], mean[a], mean[b], offset[a], offset[b], half[a], half[b], c1, c2, column, total
                )


def pairwise_ssim(images: np.ndarray, data_range: float | Sequence[float]) -> np.ndarray:
    """Structural similarity of every pair of patches, averaged over bands.

    Equals ``skimage.metrics.structural_similarity(x, y, channel_axis=0, data_range=...)`` with its defaults (window 7,
    uniform weights, sample covariance, mean over the interior) to 1e-4. "SSIM distance" is one minus it.

    Args:
        images: (N, C, H, W) finite numbers, H and W at least 7. Normalise per band first: with one data range over DN
            and dB, SAR bands hardly count.
        data_range: what counts as the full range of values, for all bands or one number a band, in the images' unit;
            see ``core.smote.resample.NORMALISED_RANGE`` for normalised bands.

    Returns:
        (N, N) float32, exactly symmetric, 1 on the diagonal, each value in [-1, 1].

    Raises:
        FormatError: the images have another shape, are too small or not finite, or the data range cannot be used.
    """
    images = np.asarray(images)
    ranges = _check(images, data_range)
    n, n_bands, height, width = images.shape
    padded = -(-(width - WINDOW + 1) // LANES) * LANES
    offset = np.empty(n, np.float32)
    mean = np.zeros((n, height - 6, padded), np.float32)
    half = np.ones_like(mean)
    ssim = np.zeros((n, n), np.float64)
    starts = range(0, n, BLOCK)
    with ThreadPoolExecutor(numba.config.NUMBA_NUM_THREADS) as pool:
        for c in range(n_bands):  # one band at a time: the scratch is a few times one band, not the whole set
            band = images[:, c].astype(np.float32, order="C", copy=True)  # (N, H, W)
            c1, c2 = np.float32((K1 * ranges[c]) ** 2), np.float32((K2 * ranges[c]) ** 2)
            for step in (
                lambda i, band=band, c2=c2: _describe(i, min(i + BLOCK, n), band, offset, mean, half, c2),
                lambda i, band=band, c1=c1, c2=c2: _block_row(i, BLOCK, band, mean, offset, half, c1, c2, ssim),
            ):
                list(pool.map(step, starts))
    ssim /= n_bands
    ssim += ssim.T
    np.fill_diagonal(ssim, 1.0)
    return ssim.astype(np.float32)


def _check(images: np.ndarray, data_range: float | Sequence[float]) -> np.ndarray:
    """The data range of each band (C,), float64, after looking at everything that comes in."""
    if images.ndim != 4:
        raise FormatError(f"SSIM compares patches of shape (N, C, H, W); this array has the shape {images.shape}.")
    n, n_bands, height, width = images.shape
    if n < 1 or n_bands < 1:
        raise FormatError(f"SSIM needs at least one patch with at least one band; there are {n} with {n_bands}.")
    if min(height, width) < WINDOW:
        raise FormatError(
            f"SSIM looks through a window of {WINDOW} x {WINDOW} pixels; these patches are {height} x {width}. "
            f"Use patches of at least {WINDOW} x {WINDOW} pixels."
        )
    if not (np.issubdtype(images.dtype, np.floating) or np.issubdtype(images.dtype, np.integer)):
        raise FormatError(f"SSIM compares numbers; these patches hold {images.dtype}.")
    bad = [k for k in range(n) if not np.isfinite(images[k]).all()]
    if bad:
        raise FormatError(
            f"{len(bad)} of {n} patches hold NaN or infinite values, the first at position {bad[0]}. "
            "Normalise them first: the normaliser replaces such pixels."
        )
    ranges = np.asarray(data_range, dtype=np.float64)
    if ranges.ndim > 1 or (ranges.ndim == 1 and ranges.size != n_bands):
        raise FormatError(f"data_range is one number, or one for each of the {n_bands} bands; found {ranges.size}.")
    if not (np.isfinite(ranges) & (ranges > 0)).all():
        raise FormatError("data_range must be positive and finite in every band.")
    return np.broadcast_to(ranges, (n_bands,))
