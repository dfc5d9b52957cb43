"""Which patches may be crops of one scene, shifted or turned: few candidates out of all pairs, none missed by chance.

The candidates come with a first guess of the shift; fine detail decides (``core.data.leakage.overlap``).

A patch is averaged into 20 x 20 cells. Of two crops shifted by at most half of the side, a corner window of 10 x 10
cells of one lies wholly inside the other, at one of 11 x 11 places; so the two corner windows of every patch are
compared with all 121 windows of every other, each described by 64 numbers (the window's own mean per band taken off,
half-whitened principal components, unit length), in blocks of one matrix product. No keypoint has to be found twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from threadpoolctl import threadpool_limits

from core.data.leakage.overlap import scaled
from core.device import usable_cores
from core.progress import Progress, Steps

CELLS = 20  # on a side of a patch
WINDOW = 10  # cells on a side of a window: it lies in the overlap of any two crops shifted by up to 10 cells
PLACES = CELLS - WINDOW + 1
CORNERS = (0, (PLACES - 1) * PLACES)  # top left, bottom left: shifts of either sign, since a pair is seen from both
NUMBERS = 64  # of a descriptor
WHITENING = 0.5  # power of the components' spread that is divided out
LIKE = 0.75  # cosine from which a pair is looked at closely; simulated pairs have 0.91 and more, noisy pictures less
MOST = 8  # candidates a patch and corner
BATCH, FEW = 64, 8  # patches at a time; of which all windows are laid out
QUERIES, CACHED = 256, 3200  # windows compared with windows at a time: 3 MB of cosines stay in the cache
SAMPLE = 512  # patches that scales and components are learnt from
SMALLEST_PX = 16  # side of a patch below which there is too little detail to judge
TURNS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "flipped up-down": lambda x: x[..., ::-1, :],
    "flipped left-right": lambda x: x[..., ::-1],
    "turned by 180 degrees": lambda x: x[..., ::-1, ::-1],
    "transposed": lambda x: x.swapaxes(-1, -2),
    "turned by 90 degrees": lambda x: x.swapaxes(-1, -2)[..., ::-1, :],
    "turned by 270 degrees": lambda x: x.swapaxes(-1, -2)[..., ::-1],
    "transposed and turned by 180 degrees": lambda x: x.swapaxes(-1, -2)[..., ::-1, ::-1],
}
KEEPING_SIDES = tuple(TURNS)[:3]  # those that a patch wider than high allows
BACK = {"turned by 90 degrees": "turned by 270 degrees", "turned by 270 degrees": "turned by 90 degrees"}


class Patches(Protocol):
    """What is read by rows: ``patches[rows]`` is (n, C, H, W); an array of all patches is one."""

    @property
    def shape(self) -> tuple[int, ...]:
        """N, C, H, W."""

    def __getitem__(self, rows): ...


@dataclass(frozen=True, eq=False)
class Cells:
    """All patches averaged into cells. values: (N, C, 20, 20) float32, scaled. center, scale: (C,) in the units."""

    values: np.ndarray
    center: np.ndarray
    scale: np.ndarray

    def scaled(self, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Patches (n, C, H, W) scaled as these cells were, and what is there (n, C, H, W) bool."""
        return scaled(images, self.center, self.scale)

    def part(self, rows: np.ndarray, bands: np.ndarray) -> Cells:
        """Some patches in some bands."""
        return Cells(self.values[rows][:, bands], self.center[bands], self.scale[bands])


@dataclass
class Candidates:
    """Pairs of rows (a < b) with the cosine that brought them here and a guess: turn, dy, dx (cells)."""

    found: dict[tuple[int, int], tuple[float, str, int, int]] = field(default_factory=dict)

    def add(self, a: int, b: int, cosine: float, dy: int, dx: int, turn: str = "") -> None:
        """Keep the better of two guesses; ``a[y + dy]`` is ``b[y]``, b turned first (then dy and dx are 0)."""
        if a > b:
            a, b, dy, dx, turn = b, a, -dy, -dx, BACK.get(turn, turn)
        if a != b and self.found.get((a, b), (-2.0,))[0] < cosine:
            self.found[a, b] = (cosine, turn, dy, dx)


def averaged(patches: Patches) -> Steps[Cells]:
    """Read every patch once and average it into cells."""
    n, n_bands, height, width = patches.shape
    center, scale = _scales(patches)
    rows_of, columns_of = averaging(height), averaging(width)
    values = np.empty((n, n_bands, CELLS, CELLS), np.float32)
    for start in range(0, n, BATCH):
        z, _ = scaled(np.asarray(patches[np.arange(start, min(start + BATCH, n))]), center, scale)
        values[start : start + len(z)] = rows_of @ z @ columns_of.T
        yield Progress((start + len(z)) / n, f"Averaging {start + len(z):,} of {n:,} patches.")
    return Cells(values, center, scale)


def find_candidates(cells: Cells, square: bool) -> Steps[Candidates]:
    """Pairs that may be shifted crops of one scene (by at most half of a side), or turned copies of one patch."""
    candidates = Candidates()
    values = cells.values
    components = window_components(values, WINDOW)
    if not components.shape[1]:  # nothing but even patches: there is no detail to compare
        return candidates
    windows = window_descriptors(values, components)  # (N, 121, 64)
    for done, corner in enumerate(CORNERS):
        own_row, own_column = divmod(corner, PLACES)
        for a, b, cosine, place in _best(np.ascontiguousarray(windows[:, corner]), windows):
            row, column = divmod(place, PLACES)
            candidates.add(a, b, cosine, own_row - row, own_column - column)
        yield Progress((1 + done) / (len(CORNERS) + 1), "Comparing every window with all others.")
    _add_turned(values, candidates, tuple(TURNS) if square else KEEPING_SIDES)
    yield Progress(1.0, "Comparing flipped and turned patches.")
    return candidates


def _scales(patches: Patches) -> tuple[np.ndarray, np.ndarray]:
    """Median and q95 - q05 of each band over evenly spaced patches."""
    n, n_bands, height, width = patches.shape
    rows = np.unique(np.linspace(0, n - 1, min(n, SAMPLE)).astype(int))
    every = max(1, min(height, width) // 20)
    images = np.asarray(patches[rows], np.float32)[..., ::every, ::every].copy()
    images[~np.isfinite(images)] = np.nan
    flat = images.swapaxes(0, 1).reshape(n_bands, -1)
    empty = np.isnan(flat).all(axis=1)
    flat[empty] = 0.0
    low, middle, high = np.nanquantile(flat, (0.05, 0.5, 0.95), axis=1)
    spread = high - low
    return middle.astype(np.float32), np.where(spread > 0, spread, 1.0).astype(np.float32)


def averaging(size: int, cells: int = CELLS) -> np.ndarray:
    """(cells, size) float32: each cell's mean of the pixels it covers, parts of pixels by their share."""
    edges = np.linspace(0, size, cells + 1)
    pixels = np.arange(size)
    cover = np.minimum(edges[1:, None], pixels + 1) - np.maximum(edges[:-1, None], pixels)
    cover = np.maximum(cover, 0.0)
    return (cover / cover.sum(axis=1, keepdims=True)).astype(np.float32)


def _centred(windows: np.ndarray) -> np.ndarray:
    """(..., C, h, w) -> (..., C h w), each band's mean over the window taken off."""
    centred = windows - windows.mean(axis=(-1, -2), keepdims=True)
    return centred.reshape(*windows.shape[:-3], -1)


def window_components(values: np.ndarray, size: int) -> np.ndarray:
    """(C size size, 64) float32: half-whitened principal components of windows at random places, of unit length.

    Each is 0 on average over a band, so that a window's own mean changes nothing.
    """
    rng = np.random.default_rng(0)
    rows = np.unique(np.linspace(0, len(values) - 1, min(len(values), SAMPLE)).astype(int))
    places = rng.integers(0, values.shape[-1] - size + 1, size=(len(rows), 2))
    sample = np.stack([values[k, :, i : i + size, j : j + size] for k, (i, j) in zip(rows, places, strict=True)])
    sample = unit(_centred(sample)).astype(np.float64)  # (m, C size size)
    directions, spread = principal(sample, NUMBERS)
    return (directions / (spread + 1e-3 * spread.max(initial=1e-6)) ** WHITENING).astype(np.float32)


def principal(sample: np.ndarray, most: int) -> tuple[np.ndarray, np.ndarray]:
    """Principal directions (d, at most ``most``) of sample (m, d) about 0, unit length, and their spread; m is few."""
    from scipy.linalg import eigh  # here: the command line loads this module

    m = len(sample)
    power, basis = eigh(sample @ sample.T, subset_by_index=(max(0, m - most), m - 1))
    keep = power > 1e-6 * max(power.max(), 1e-6)
    return sample.T @ (basis[:, keep] / np.sqrt(power[keep])), np.sqrt(power[keep] / m)


def window_descriptors(values: np.ndarray, components: np.ndarray) -> np.ndarray:
    """(N, 121, 64) float32 of unit length; 0 for a window without any contrast."""
    out = np.empty((len(values), PLACES**2, components.shape[1]), np.float32)
    for start in range(0, len(values), FEW):
        part = values[start : start + FEW]
        views = np.lib.stride_tricks.sliding_window_view(part, (WINDOW, WINDOW), axis=(2, 3))
        windows = views.transpose(0, 2, 3, 1, 4, 5).reshape(len(part) * PLACES**2, -1)
        out[start : start + len(part)] = unit(windows @ components).reshape(len(part), PLACES**2, -1)
    return out


def unit(vectors: np.ndarray) -> np.ndarray:
    """Vectors (n, d) at unit length, float32; 0 for one that is shorter than 1e-6."""
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.where(length > 1e-6, vectors / np.maximum(length, 1e-6), 0.0).astype(np.float32)


def _best(queries: np.ndarray, windows: np.ndarray) -> list[tuple[int, int, float, int]]:
    """For each query (N, 64) the patches that hold the most similar window (N, places, 64): a, b, cosine, place."""
    starts = range(0, len(queries), QUERIES)
    return [row for rows in on_all_cores(lambda k: _best_of_some(queries, windows, k), starts) for row in rows]


def _best_of_some(queries: np.ndarray, windows: np.ndarray, start: int) -> list[tuple[int, int, float, int]]:
    n, n_places, numbers = windows.shape
    flat = windows.reshape(-1, numbers)
    query = queries[start : start + QUERIES]
    peak = np.empty((len(query), n), np.float32)
    block = max(1, CACHED // n_places)  # patches whose windows are compared at once
    for first in range(0, n, block):
        cosine = query @ flat[first * n_places : (first + block) * n_places].T
        cosine.reshape(len(query), -1, n_places).max(axis=2, out=peak[:, first : first + block])
    peak[np.arange(len(query)), start + np.arange(len(query))] = -1.0
    most = min(MOST, n)
    top = np.argpartition(peak, n - most, axis=1)[:, n - most :]
    found = []
    for a, k in zip(*np.nonzero(np.take_along_axis(peak, top, axis=1) >= LIKE), strict=True):
        b = top[a, k]
        found.append((int(start + a), int(b), float(peak[a, b]), int((windows[b] @ query[a]).argmax())))
    return found


def on_all_cores(work: Callable, items: Iterable) -> Iterator:
    """``work(item)`` of each item, in order; a thread a core, each with a BLAS of its own.

    BLAS's own threads would wait for each other at each of thousands of small products, and stall beside other work.
    """
    with threadpool_limits(1, "blas"), ThreadPoolExecutor(usable_cores()) as pool:
        yield from pool.map(work, items)


def _add_turned(values: np.ndarray, candidates: Candidates, turns: tuple[str, ...]) -> None:
    """Whole patches that are alike after a flip or a quarter turn, looked at in 10 x 10 cells."""
    n, n_bands = values.shape[:2]
    half = CELLS // 2
    coarse = values.reshape(n, n_bands, half, 2, half, 2).mean(axis=(3, 5))
    components = window_components(coarse, half)
    if not components.shape[1]:
        return
    plain = unit(coarse.reshape(n, -1) @ components)
    for name in turns:
        turned = unit(TURNS[name](coarse).reshape(n, -1) @ components)
        for a, b, cosine, _ in _best(plain, turned[:, None]):
            candidates.add(a, b, cosine, 0, 0, name)
