"""A cheap stand-in for SSIM that says which pairs are worth comparing: its formula on a coarse grid, without texture.

SSIM of a window is ``l * (2 cov + C2) / (var_x + var_y + C2)``; for patches of different ground the covariance is near
0, so l, the agreement of means, and the variances decide. Both are averaged over grid cells. The formula's mean over
cells and bands ranks the pairs: a grid of 2 x 2 cells ranks all of them, grids of 4 x 4 and 8 x 8 what is left.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from core.smote import ssim, ssim_terms

FINE = 8  # cells on a side of the finest grid
COARSER = ((2, 2048), (4, 512))  # cells on a side of those before it, others of a patch that each leaves to the next
ROWS = 128  # patches whose scores with all others are held at once, by each thread


@ssim._compiled
def _scores(first, last, mean, square, half, c1, out):  # pragma: no cover - compiled
    """Sums over cells of the formula for patches first..last with all: out (last - first, N).

    mean, half: (N, D); square: mean^2 + C1 / 2.
    """
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
def _listed_scores(first, last, rows, listed, bands, mean, half, c1, out):  # pragma: no cover - compiled
    """The same for the listed (n, m) others of rows (n,), over some bands: out (n, m). mean, half: (N, C, cells)."""
    two = np.float32(2.0)
    for r in range(first, last):
        a = rows[r]
        for p in range(listed.shape[1]):
            b = listed[r, p]
            total = np.float32(0.0)
            for c in bands:
                mean_a, half_a, mean_b, half_b = mean[a, c], half[a, c], mean[b, c], half[b, c]
                for d in range(mean_a.size):
                    total += (two * mean_a[d] * mean_b[d] + c1) / (
                        (mean_a[d] * mean_a[d] + mean_b[d] * mean_b[d] + c1) * (half_a[d] + half_b[d])
                    )
            out[r, p] = total


def describe(images: np.ndarray, data_range: float | Sequence[float] | np.ndarray) -> np.ndarray:
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
    coarse, *finer = [(grid, max(kept, candidates)) for grid, kept in _grids(descriptor, candidates)]
    mean, half = _whole_registers(coarse[0])
    square = mean**2 + ssim_terms.C1 / 2
    chosen = np.empty((n, candidates), np.int64)

    def rows(first: int) -> None:
        some = np.arange(first, min(first + ROWS, n))
        scores = np.empty((len(some), n), np.float32)
        _scores(first, first + len(some), mean, square, half, ssim_terms.C1, scores)
        scores[some - first, some] = -np.inf
        listed = _highest(scores, coarse[1])
        for grid, kept in finer:
            if kept < listed.shape[1]:
                scores = np.empty(listed.shape, np.float32)
                _listed_scores(0, len(some), some, listed, np.arange(grid.shape[2]), *grid, ssim_terms.C1, scores)
                listed = np.take_along_axis(listed, _highest(scores, kept), 1)
        chosen[some] = listed

    with ThreadPoolExecutor(ssim.numba.config.NUMBA_NUM_THREADS) as pool:
        list(pool.map(rows, range(0, n, ROWS)))
    return chosen


def _grids(descriptor: np.ndarray, candidates: int) -> list[tuple[np.ndarray, int]]:
    """Descriptors (2, N, C, cells) from coarse to fine, and how many others each leaves to the next."""
    parts, n, n_bands, rows, columns = descriptor.shape
    fine = [(descriptor.reshape(parts, n, n_bands, -1), min(candidates, n - 1))]
    if rows != FINE or columns != FINE:  # of small patches there is one grid
        return fine
    made = []
    for side, kept in COARSER:
        cells = descriptor.reshape(parts, n, n_bands, side, FINE // side, side, FINE // side).mean(axis=(4, 6))
        made.append((cells.reshape(parts, n, n_bands, -1), min(kept, n - 1)))
    return made + fine


def _whole_registers(grid: np.ndarray) -> np.ndarray:
    """(2, N, D) of (2, N, C, cells), D filled up to what the processor takes at once with cells that add nothing."""
    flat = grid.reshape(2, grid.shape[1], -1)
    out = np.zeros((*flat.shape[:2], -(-flat.shape[2] // 64) * 64), np.float32)
    out[1] = np.inf
    out[..., : flat.shape[2]] = flat
    return out


def _highest(scores: np.ndarray, kept: int) -> np.ndarray:
    """(n, kept) positions of the highest of (n, m) scores, in no order."""
    return np.argpartition(scores, scores.shape[1] - kept, axis=1)[:, scores.shape[1] - kept :]


def scores_of(
    descriptor: np.ndarray,
    listed: np.ndarray,
    bands: Sequence[int] | None = None,
    rows: np.ndarray | None = None,
) -> np.ndarray:
    """What SSIM of the listed (n, m) others is likely to be, summed over some bands or all: (n, m) float32.

    rows: (n,) the patches that they are compared with; none: all in order.
    """
    _, n, n_bands = descriptor.shape[:3]
    mean, half = descriptor.reshape(2, n, n_bands, -1)
    bands = np.arange(n_bands) if bands is None else np.asarray(bands, np.int64)
    rows = np.arange(n) if rows is None else rows
    out = np.empty(listed.shape, np.float32)

    def some(first: int) -> None:
        _listed_scores(first, min(first + ROWS, len(rows)), rows, listed, bands, mean, half, ssim_terms.C1, out)

    with ThreadPoolExecutor(ssim.numba.config.NUMBA_NUM_THREADS) as pool:
        list(pool.map(some, range(0, len(rows), ROWS)))
    return out * (ssim_terms.C2 / mean.shape[2])
