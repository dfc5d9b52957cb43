"""The k most similar patches of each, without the matrix of all pairs: exact and tiled, or pre-selected and then exact.

Patches are normalised: an array or anything that can be sliced like one (a memory map). They are the only candidates.
numba compares tiles on the CPU, Triton on a CUDA device; both give scikit-image's SSIM.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from core.errors import ConfigError
from core.smote import ssim_terms

SMALL = 3000  # patches whose matrix of all pairs is simply held: 36 MB, and twice that in double precision
TILE = 512  # patches; two described tiles of 12 bands of 64 x 64 are 0.6 GB
PAIRS = 4096  # listed pairs that a thread takes at once
Progress = Callable[[float], None]


@dataclass(frozen=True)
class Neighbours:
    """The most similar others of each patch, best first; equal ones in the order of their positions."""

    index: np.ndarray  # (N, k) int64, -1 where there are fewer
    ssim: np.ndarray  # (N, k) float32, -1 there
    exact: bool = True  # or found among candidates that a cheap descriptor chose

    @property
    def counts(self) -> np.ndarray:
        """(N,) int64: how many of a row count."""
        return (self.index >= 0).sum(axis=1)


def nearest_patches(
    images: np.ndarray,
    data_range: float | Sequence[float] | np.ndarray,
    k_neighbors: int,
    *,
    valid: np.ndarray | None = None,
    copies: np.ndarray | None = None,
    device: Any = None,
    tile: int | None = None,
    progress: Progress | None = None,
) -> Neighbours:
    """The exact k most similar others of every patch; memory grows with N times k, never with N times N.

    Args:
        images: (N, C, H, W) normalised, finite, H and W at least 7.
        data_range: as of :func:`core.smote.ssim.pairwise_ssim`.
        k_neighbors: clamped to N - 1.
        valid: (N, H, W) bool, False where a patch holds no data; see ``pairwise_ssim``.
        copies: (N,) equal numbers mark patches that are never each other's neighbours.
        device: a CUDA device compares the tiles; any other, or none, leaves it to numba on the CPU.
        tile: patches on a side of a tile; none: what suits the device.
        progress: told the share that is done.
    """
    n = len(images)
    best = _Best(n, k_neighbors, np.arange(n) if copies is None else copies)
    if n < 2:
        return best.found()
    if on_cuda(device):
        from core.smote.ssim_cuda import nearest

        given = {"valid": valid, "copies": best.copies, "device": device, "tile": tile, "progress": progress}
        return Neighbours(*nearest(images, data_range, best.k, **given))
    if n <= SMALL:
        from core.smote.ssim import pairwise_ssim

        best.merge(slice(0, n), slice(0, n), pairwise_ssim(images, data_range, valid))
        return best.found()
    compare, tile = _on_cpu(images, data_range), tile or TILE
    starts = range(0, n, tile)
    done, total = 0, len(starts) * (len(starts) + 1) // 2
    for i in starts:
        rows = slice(i, min(i + tile, n))
        mine = compare.describe(images[rows], None if valid is None else valid[rows])
        for j in range(i, n, tile):
            columns = slice(j, min(j + tile, n))
            other = mine if i == j else compare.describe(images[columns], None if valid is None else valid[columns])
            similarity = compare.tile(mine, other)
            best.merge(rows, columns, similarity)
            if i != j:  # the same pairs from the other side
                best.merge(columns, rows, similarity.T)
            done += 1
            if progress:
                progress(done / total)
    return best.found()


def nearest_of_anchors(
    images: np.ndarray,
    data_range: float | Sequence[float] | np.ndarray,
    anchors: np.ndarray,
    k_neighbors: int,
    **settings: Any,
) -> Neighbours:
    """The exact k most similar others of some patches only, (a, k): what a recall is measured against."""
    from core.smote.ssim import pairwise_ssim  # noqa: F401 - compiled before the clock of a benchmark runs

    valid, tile = settings.get("valid"), settings.get("tile", TILE)
    n = len(images)
    best = _Best(n, k_neighbors, np.arange(n) if settings.get("copies") is None else settings["copies"], anchors)
    compare = _on_cpu(images, data_range)
    mine = compare.describe(images[anchors], None if valid is None else valid[anchors])
    for j in range(0, n, tile):
        columns = slice(j, min(j + tile, n))
        other = compare.describe(images[columns], None if valid is None else valid[columns])
        best.merge(slice(0, len(anchors)), columns, compare.tile(mine, other))
    return best.found()


class _Best:
    """The best so far of each row. rows: positions of the rows among all patches; none: all of them."""

    def __init__(self, n: int, k_neighbors: int, copies: np.ndarray, rows: np.ndarray | None = None):
        if k_neighbors < 1:
            raise ConfigError(f"A patch needs at least one neighbour; k_neighbors is {k_neighbors}.")
        self.k, self.copies = max(min(k_neighbors, n - 1), 0), np.asarray(copies)
        self.rows = np.arange(n) if rows is None else np.asarray(rows)
        self.index = np.full((len(self.rows), self.k), -1, np.int64)
        self.ssim = np.full((len(self.rows), self.k), -np.inf, np.float32)

    def merge(self, rows: slice, columns: slice, similarity: np.ndarray) -> None:
        """Take a tile in, (rows, columns)."""
        positions = np.arange(columns.start, columns.stop)
        allowed = self.copies[self.rows[rows]][:, None] != self.copies[positions][None]
        allowed &= (self.rows[rows][:, None] != positions[None]) & (similarity > -1.0)  # -1: nothing in common
        self.merge_listed(rows, np.where(allowed, similarity, -np.inf), np.broadcast_to(positions, similarity.shape))

    def merge_listed(self, rows: slice, similarity: np.ndarray, positions: np.ndarray) -> None:
        """Take candidates in, (rows, m) each; -inf marks what is none."""
        values = np.concatenate([self.ssim[rows], similarity.astype(np.float32)], axis=1)
        index = np.concatenate([self.index[rows], positions], axis=1)
        order = np.lexsort((index, -values), axis=1)[:, : self.k]  # equal ones by position, whatever tile they came in
        self.ssim[rows] = np.take_along_axis(values, order, 1)
        self.index[rows] = np.where(np.isfinite(self.ssim[rows]), np.take_along_axis(index, order, 1), -1)

    def found(self) -> Neighbours:
        return Neighbours(self.index, np.where(self.index >= 0, self.ssim, np.float32(-1.0)))


# ------------------------------------------------------------------------------------------------------- tiles


@dataclass(frozen=True)
class _on_cpu:  # noqa: N801 - reads as what it does
    """Tiles by the compiled kernel of ``core.smote.ssim``, rows shared among threads."""

    images: np.ndarray
    data_range: float | Sequence[float] | np.ndarray

    def describe(self, part: np.ndarray, valid: np.ndarray | None) -> tuple:
        """What of some patches a pair needs; see ``core.smote.ssim._tile_rows``."""
        from core.smote import ssim

        part = np.asarray(part)
        ranges = ssim._check(part, self.data_range)
        n, n_bands, height, width = part.shape
        windows = ssim_terms.whole_windows(valid, part.shape)
        values = np.empty((n_bands, n, height, width), np.float32)
        offset = np.empty((n_bands, n), np.float32)
        mean = np.zeros((n_bands, n, height - 6, width), np.float32)
        half = np.full_like(mean, np.inf)

        def of_band(c: int) -> None:
            values[c] = part[:, c] / ranges[c]
            for first in range(0, n, ssim.BLOCK):
                ssim._describe_block(
                    first, band=values[c], offset=offset[c], mean=mean[c], half=half[c], windows=windows
                )

        with ThreadPoolExecutor(_threads()) as pool:
            list(pool.map(of_band, range(n_bands)))
        flat = [array.reshape(n_bands, n, -1) for array in (values, mean, half)]
        if windows is None and valid is not None:
            windows = np.ones((n, height - 6, width - 6), bool)
        return (flat[0], flat[1], offset, flat[2]), windows, (height, width)

    def tile(self, left: tuple, right: tuple) -> np.ndarray:
        """(n, m) float32 similarity."""
        from core.smote import ssim

        (x, windows_x, (height, width)), (y, windows_y, _) = left, right
        out = np.zeros((x[0].shape[1], y[0].shape[1]), np.float64)

        def rows(first: int) -> None:
            last = min(first + ssim.BLOCK, len(out))
            ssim._tile_rows(first, last, ssim.BLOCK, width, *x, *y, ssim_terms.C1, ssim_terms.C2, out)

        with ThreadPoolExecutor(_threads()) as pool:
            list(pool.map(rows, range(0, len(out), ssim.BLOCK)))
        counts = len(x[0]) * ssim_terms.common_windows(windows_x, windows_y, height, width)
        return ssim.averaged(out, counts).astype(np.float32)


def on_cuda(device: Any) -> bool:
    """Whether a CUDA device does the work; torch is loaded only where a device is named."""
    if device is None:
        return False
    from core.smote.ssim_cuda import usable

    return usable(device)


def _threads() -> int:
    import numba

    return numba.config.NUMBA_NUM_THREADS


# ------------------------------------------------------------------------------------------------ listed pairs


class PairsByBand:
    """Exact sums of SSIM of listed pairs, one band at a time, so that the scratch is about three times one band."""

    def __init__(self, images: Any, data_range: float | Sequence[float] | np.ndarray, valid: np.ndarray | None = None):

        self.images, (n, n_bands, height, width) = images, images.shape
        self.ranges = np.broadcast_to(np.asarray(data_range, np.float64), (n_bands,))
        self.windows = ssim_terms.whole_windows(valid, images.shape)
        self.offset, self.mean = np.empty(n, np.float32), np.zeros((n, height - 6, width), np.float32)
        self.half = np.full_like(self.mean, np.inf)
        self.pool = ThreadPoolExecutor(_threads())

    def sums(self, band: int, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        """(P,) float64: of one band, over the windows of each pair."""
        from core.smote import ssim

        n, _, _, width = self.images.shape
        values = np.divide(self.images[:, band], self.ranges[band], dtype=np.float32)
        given = {"band": values, "offset": self.offset, "mean": self.mean, "half": self.half, "windows": self.windows}
        list(self.pool.map(partial(ssim._describe_block, **given), range(0, n, ssim.BLOCK)))
        flat = (values.reshape(n, -1), self.mean.reshape(n, -1), self.offset, self.half.reshape(n, -1))
        out = np.zeros(len(left), np.float64)

        def some(first: int) -> None:
            last = min(first + PAIRS, len(left))
            ssim._listed_pairs(first, last, left, right, width, *flat, ssim_terms.C1, ssim_terms.C2, out)

        list(self.pool.map(some, range(0, len(left), PAIRS)))
        return out

    def counts(self, left: np.ndarray, right: np.ndarray) -> np.ndarray | int:
        """(P,), or one number for all: the windows that two patches share."""
        if self.windows is None:
            return (self.images.shape[2] - 6) * (self.images.shape[3] - 6)
        starts = range(0, len(left), PAIRS)
        parts = [(self.windows[left[s : s + PAIRS]] & self.windows[right[s : s + PAIRS]]).sum((1, 2)) for s in starts]
        return np.concatenate(parts) if parts else np.zeros(0, np.int64)


def listed_ssim(
    images: np.ndarray,
    data_range: float | Sequence[float] | np.ndarray,
    left: np.ndarray,
    right: np.ndarray,
    valid: np.ndarray | None = None,
) -> np.ndarray:
    """Exact SSIM of the listed pairs, (P,) float64; -1 without a common window."""
    from core.smote.ssim import averaged

    left, right = np.asarray(left, np.int64), np.asarray(right, np.int64)
    pairs, n_bands = PairsByBand(images, data_range, valid), images.shape[1]
    sums = sum((pairs.sums(band, left, right) for band in range(n_bands)), start=np.zeros(len(left)))
    return averaged(sums, n_bands * pairs.counts(left, right))
