"""A cheap stand-in for SSIM that says which pairs are worth comparing: its formula on a coarse grid, texture left out.

Comes in: normalised patches. Goes out: for each the positions of the likeliest neighbours. SSIM of a window is
``l * (2 cov + C2) / (var_x + var_y + C2)``; of patches of different ground the covariance is near 0 and l, the
agreement of means, and the variances decide. Both are averaged over grid cells; the formula's mean over cells and bands
ranks the pairs: a grid of 4 x 4 cells over all pairs, then one of 8 x 8 over what is left.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np

from core.smote import ssim

COARSE, FINE = 4, 8  # cells on a side of the two grids
KEPT = 512  # pairs a patch that the coarse grid leaves to the fine one
ROWS = 128  # patches whose scores with all others are held at once, by each thread


@ssim._compiled
def _scores(first, last, mean, square, half, c1, out):  # pragma: no cover - compiled
    """Sums over cells of the formula for patches first..last with all: out (last - first, N). mean..: (N, D)."""
    two = np.float32(2.0)
    for start in range(0, mean.shape[0], 64):
        for a in range(first, last):
            mean_a, square_a, half_a = mean[a], square[a], half[a]
            for b in range(start, min(start + 64, mean.shape[0])):
                mean_b, square_b, half_b = mean[b], square[b], half[b]
                total = np.float32(0.0)
                for d in range(mean_a.size):
                    total += (two * mean_a[d] * mean_b[d] + c1) / (
                        (square_a[d] + square_b[d]) * (half_a[d] + half_b[d])
                    )
                out[a - first, b] = total


@ssim._compiled
def _listed_scores(first, last, listed, mean, square, half, c1, out):  # pragma: no cover - compiled
    """The same for listed (N, m) positions only: out (N, m)."""
    two = np.float32(2.0)
    for a in range(first, last):
        mean_a, square_a, half_a = mean[a], square[a], half[a]
        for p in range(listed.shape[1]):
            b = listed[a, p]
            mean_b, square_b, half_b = mean[b], square[b], half[b]
            total = np.float32(0.0)
            for d in range(mean_a.size):
                total += (two * mean_a[d] * mean_b[d] + c1) / ((square_a[d] + square_b[d]) * (half_a[d] + half_b[d]))
            out[a, p] = total


def describe(images: np.ndarray, data_range: float | Sequence[float]) -> np.ndarray:
    """(2, N, C, FINE, FINE) float32: window means and window variances + C2 / 2, averaged over grid cells."""
    n, n_bands, height, width = images.shape
    ranges = np.broadcast_to(np.asarray(data_range, np.float64), (n_bands,))
    fine = min(FINE, height - 6, width - 6)
    out = np.empty((2, n, n_bands, fine, fine), np.float32)
    edges = [np.linspace(0, side - 6, fine + 1).astype(int) for side in (height, width)]
    counts = np.outer(np.diff(edges[0]), np.diff(edges[1])).astype(np.float32)

    def some(start: int) -> None:
        rows = slice(start, min(start + 256, n))
        size = rows.stop - start
        offset, mean = np.empty(size, np.float32), np.zeros((size, height - 6, width), np.float32)
        half = np.zeros_like(mean)
        for c in range(n_bands):
            band = np.divide(images[rows, c], ranges[c], dtype=np.float32)
            given = {"band": band, "offset": offset, "mean": mean, "half": half, "windows": None}
            for first in range(0, size, ssim.BLOCK):
                ssim._describe_block(first, **given)
            for part, values in enumerate((mean, half)):
                sums = np.add.reduceat(values[:, :, : width - 6], edges[0][:-1], axis=1)
                out[part, rows, c] = np.add.reduceat(sums, edges[1][:-1], axis=2) / counts
            out[0, rows, c] += offset[:, None, None]

    with ThreadPoolExecutor(ssim.numba.config.NUMBA_NUM_THREADS) as pool:
        list(pool.map(some, range(0, n, 256)))
    return out


def likeliest(descriptor: np.ndarray, candidates: int) -> np.ndarray:
    """(N, candidates) int64: for each patch others, in no order, that the formula ranks highest. Below N each."""
    n = descriptor.shape[1]
    kept = min(max(KEPT, candidates), n - 1)
    coarse, fine = _terms(_pooled(descriptor)), _terms(descriptor)
    listed = np.empty((n, kept), np.int64)

    def rows(first: int) -> None:
        last = min(first + ROWS, n)
        scores = np.empty((last - first, n), np.float32)
        _scores(first, last, *coarse, ssim.C1, scores)
        scores[np.arange(last - first), np.arange(first, last)] = -np.inf
        listed[first:last] = np.argpartition(scores, n - kept, axis=1)[:, n - kept :]

    with ThreadPoolExecutor(ssim.numba.config.NUMBA_NUM_THREADS) as pool:
        list(pool.map(rows, range(0, n, ROWS)))
        if kept == candidates:
            return listed
        scores = np.empty(listed.shape, np.float32)
        some = partial(_finer, listed=listed, terms=fine, out=scores)
        list(pool.map(some, range(0, n, ROWS)))
    best = np.argpartition(scores, kept - candidates, axis=1)[:, kept - candidates :]
    return np.take_along_axis(listed, best, 1)


def _finer(first: int, *, listed: np.ndarray, terms: tuple, out: np.ndarray) -> None:
    _listed_scores(first, min(first + ROWS, len(listed)), listed, *terms, ssim.C1, out)


def _pooled(descriptor: np.ndarray) -> np.ndarray:
    """The same on the coarse grid, where the fine one can be halved."""
    parts, n, n_bands, rows, columns = descriptor.shape
    if rows != FINE or columns != FINE:
        return descriptor
    step = FINE // COARSE
    return descriptor.reshape(parts, n, n_bands, COARSE, step, COARSE, step).mean(axis=(4, 6))


def _terms(descriptor: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """mean, mean^2 + C1 / 2 and variance + C2 / 2, each (N, D) float32."""
    mean, half = (np.ascontiguousarray(part.reshape(len(part), -1)) for part in descriptor)
    return mean, mean**2 + ssim.C1 / 2, half
