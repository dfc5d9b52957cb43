"""All-pairs structural similarity of patches, as SSIM-SMOTE needs it.

The matrix is symmetric and holds scikit-image's ``structural_similarity``, averaged over bands.

Window means and variances belong to one image and are computed once, in float64. A pair shares nothing with other
pairs but E[xy]: one fused float32 pass, blocked so that a band of 16 images stays in the L2 cache. Threads run the
compiled code without the GIL, which unlike numba's own ``prange`` is safe beside other threads and forks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import numba
import numpy as np

from core.smote.ssim_terms import C1, C2, common_windows, ranges_of, refuse_unfinite, whole_windows

BLOCK = 8  # images; two blocks of a 64 x 64 band with means and variances are 16 x 46 kB = 0.7 MB


def _compiled(function: Callable, **more: Any) -> Callable:
    """The function compiled without the GIL, kept on disk where numba finds a folder that it may write to."""
    options = {
        "nogil": True,
        "fastmath": {"reassoc", "contract", "nsz", "arcp"},  # sums may be regrouped and fused; NaN keeps its meaning
        "error_model": "numpy",  # no check before each division, which would forbid vector code; it is never by zero
        **more,
    }
    try:
        return numba.njit(cache=True, **options)(function)
    except RuntimeError:  # "no locator available": a read-only tree and no home; each process compiles for a second
        return numba.njit(**options)(function)


def _inlined(function: Callable) -> Callable:
    """The function compiled into its callers.

    Called instead, it would be the copy of its own file in the process that compiles and the caller's copy in every
    later one, which takes both from disk: the two differ in the last bits.
    """
    return _compiled(function, forceinline=True)


@_inlined
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
    exact; fills mean (N, H-6, W), each window's mean about the offset, and half (N, H-6, W), its variance + C2 / 2.
    The last 6 columns, where no window fits, are left alone.
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


@_inlined
def _pair(x, y, mean_x, mean_y, offset_x, offset_y, half_x, half_y, c1, c2, width, column):  # pragma: no cover
    """Sum of SSIM over the windows of one band of two images: x, y (H*W,) centred, the rest (H-6)*W.

    Everything is flat, so that two loops run over the whole patch in vector registers. Windows that would wrap around
    a row's end have an infinite ``half`` and add nothing. column ((H-6)*W + 6,) is scratch.
    """
    norm = np.float32(2.0 / 48.0)  # twice the sample covariance is 2/48 sum(xy) - 2 * 49/48 mean(x) mean(y)
    mean_norm = np.float32(2.0 * 49.0 / 48.0)
    two = np.float32(2.0)
    # Views, not x[t + width]: an index that might wrap around would forbid vector code.
    x1, x2, x3, x4, x5, x6 = (
        x[width:], x[2 * width :], x[3 * width :], x[4 * width :], x[5 * width :], x[6 * width :]
    )  # fmt: skip
    y1, y2, y3, y4, y5, y6 = (
        y[width:], y[2 * width :], y[3 * width :], y[4 * width :], y[5 * width :], y[6 * width :]
    )  # fmt: skip
    for t in range(mean_x.size):
        column[t] = (
            (x[t] * y[t] + x1[t] * y1[t]) + (x2[t] * y2[t] + x3[t] * y3[t]) + (x4[t] * y4[t] + x5[t] * y5[t])
        ) + x6[t] * y6[t]
    k1, k2, k3, k4, k5, k6 = column[1:], column[2:], column[3:], column[4:], column[5:], column[6:]
    total = np.float32(0.0)
    for t in range(mean_x.size):
        window = (column[t] + k1[t]) + (k2[t] + k3[t]) + (k4[t] + k5[t]) + k6[t]
        twice_cov = norm * window - mean_norm * mean_x[t] * mean_y[t]
        ux, uy = mean_x[t] + offset_x, mean_y[t] + offset_y
        total += ((two * ux * uy + c1) * (twice_cov + c2)) / ((ux * ux + uy * uy + c1) * (half_x[t] + half_y[t]))
    return total


@_compiled
def _tile_rows(
    first, last, block, width, x, mean_x, offset_x, half_x, y, mean_y, offset_y, half_y, c1, c2, out
):  # pragma: no cover - compiled
    """Adds all bands' summed SSIM of images first..last of x with every image of y to out (n_x, n_y).

    x, y: (C, n, H*W); mean and half: (C, n, (H-6)*W); offset: (C, n); as :func:`_describe` leaves them.
    """
    column = np.zeros(mean_x.shape[2] + 6, np.float32)
    for other in range(0, y.shape[1], block):
        for c in range(x.shape[0]):
            for a in range(first, last):
                for b in range(other, min(other + block, y.shape[1])):
                    out[a, b] += _pair(
                        x[c, a], y[c, b], mean_x[c, a], mean_y[c, b], offset_x[c, a], offset_y[c, b],
                        half_x[c, a], half_y[c, b], c1, c2, width, column,
                    )  # fmt: skip


@_compiled
def _listed_pairs(first, last, left, right, width, band, mean, offset, half, c1, c2, out):  # pragma: no cover
    """Adds one band's summed SSIM of the pairs first..last of (left, right) to out (P,)."""
    column = np.zeros(mean.shape[1] + 6, np.float32)
    for p in range(first, last):
        a, b = left[p], right[p]
        out[p] += _pair(
            band[a], band[b], mean[a], mean[b], offset[a], offset[b], half[a], half[b], c1, c2, width, column
        )


@_compiled
def _block_row(first, block, width, band, mean, offset, half, c1, c2, ssim):  # pragma: no cover - compiled
    """Adds one band's summed SSIM of images first..first+block with all later ones to ssim (N, N), upper triangle."""
    n = band.shape[0]
    column = np.zeros(mean.shape[1] + 6, np.float32)
    last = min(first + block, n)
    for other in range(first, n, block):
        for a in range(first, last):
            for b in range(max(a + 1, other), min(other + block, n)):
                ssim[a, b] += _pair(
                    band[a], band[b], mean[a], mean[b], offset[a], offset[b], half[a], half[b], c1, c2, width, column
                )


def pairwise_ssim(
    images: np.ndarray,
    data_range: float | Sequence[float] | np.ndarray,
    valid: np.ndarray | None = None,
    device: Any = None,
) -> np.ndarray:
    """Structural similarity of every pair of patches, averaged over bands.

    Equals ``skimage.metrics.structural_similarity(x, y, channel_axis=0, data_range=...)`` with its defaults (window 7,
    uniform weights, sample covariance, mean over the interior) to 1e-4. "SSIM distance" is one minus it.

    Args:
        images: (N, C, H, W) finite numbers, H and W at least 7. Normalise per band first: with one data range over DN
            and dB, SAR bands hardly count.
        data_range: what counts as the full range of values, for all bands or one number a band, in the images' unit;
            see ``core.smote.resample.NORMALISED_RANGE`` for normalised bands.
        valid: (N, H, W) bool, False where a patch holds no data. Windows that touch such a pixel of either patch are
            left out of their mean; without a common window the similarity is -1.
        device: a CUDA device compares the pairs; any other, or none, leaves it to the CPU.

    Returns:
        (N, N) float32, exactly symmetric, 1 on the diagonal, each value in [-1, 1].

    Raises:
        FormatError: the images have another shape, are too small or not finite, or the data range cannot be used.
    """
    images = np.asarray(images)
    if device is not None:
        from core.smote import ssim_cuda

        if ssim_cuda.usable(device):
            return ssim_cuda.all_pairs(images, data_range, valid, device)
    ranges = _check(images, data_range)
    n, n_bands, height, width = images.shape
    windows = whole_windows(valid, images.shape)
    offset = np.empty(n, np.float32)
    mean = np.zeros((n, height - 6, width), np.float32)
    half = np.full_like(mean, np.inf)
    ssim = np.zeros((n, n), np.float64)
    starts = range(0, n, BLOCK)
    with ThreadPoolExecutor(numba.config.NUMBA_NUM_THREADS) as pool:
        for c in range(n_bands):  # one band at a time: the scratch is a few times one band, not the whole set
            # In units of the data range, which leaves SSIM as it is and float32 far from its limits.
            band = np.ascontiguousarray(images[:, c] / ranges[c], dtype=np.float32)  # (N, H, W)
            for step in (_describe_block, _compare_block):
                given = {"band": band, "offset": offset, "mean": mean, "half": half, "ssim": ssim, "windows": windows}
                list(pool.map(partial(step, **given), starts))
    ssim += ssim.T
    ssim = averaged(ssim, n_bands * common_windows(windows, windows, height, width))
    np.fill_diagonal(ssim, 1.0)
    return ssim.astype(np.float32)


def averaged(sums: np.ndarray, counts: np.ndarray | int) -> np.ndarray:
    """Sums of SSIM divided by what was summed; -1 where that is nothing."""
    return np.where(np.asarray(counts) > 0, sums / np.maximum(counts, 1), -1.0)


def _describe_block(first, *, band, offset, mean, half, windows, ssim=None):
    last = min(first + BLOCK, len(band))
    _describe(first, last, band, offset, mean, half, C2)
    if windows is not None:  # an infinite variance adds nothing
        half[first:last, :, : band.shape[2] - 6][~windows[first:last]] = np.inf


def _compare_block(first, *, band, offset, mean, half, ssim, windows):
    n, _, width = band.shape
    _block_row(first, BLOCK, width, band.reshape(n, -1), mean.reshape(n, -1), offset, half.reshape(n, -1), C1, C2, ssim)


def _check(images: np.ndarray, data_range: float | Sequence[float] | np.ndarray) -> np.ndarray:
    """The data range of each band (C,), float64, after looking at everything that comes in."""
    ranges = ranges_of(images.shape, images.dtype, data_range)
    refuse_unfinite(np.array([not np.isfinite(image).all() for image in images]))
    return ranges
