"""Which patches of one set show the pixels of another set's: near-duplicates, shifted, flipped and turned copies.

Both sets are given as planes (``core.data.origin.fingerprints``), so that the pixels of neither are needed. As within
one set, corner windows are compared with all windows (``shifted_crops``) and fine detail decides (``overlap``).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_limits

from core.data.leakage.overlap import agreement, detail_of
from core.data.leakage.shifted_crops import (
    BACK,
    CELLS,
    KEEPING_SIDES,
    LIKE,
    MOST,
    PLACES,
    SMALLEST_PX,
    TURNS,
    WINDOW,
    averaging,
    on_all_cores,
    unit,
    window_components,
    window_descriptors,
)
from core.progress import Progress, Steps

CORNERS = (0, PLACES - 1, (PLACES - 1) * PLACES, PLACES**2 - 1)  # of a window; one of the four lies in any overlap
BLOCK = 512  # known patches whose windows are held at once: 13 MB
QUERIES = 256  # windows that are compared with a block at a time
CLOSELY = 64  # new patches whose candidates are looked at in one piece of work


@dataclass(frozen=True, eq=False)
class NearPairs:
    """known, new: (n,) int64 rows of the two sets with the same pixels. detail: (n,) correlation of fine detail."""

    known: np.ndarray
    new: np.ndarray
    detail: np.ndarray


def near_pairs(known: np.ndarray, new: np.ndarray, square: bool = True) -> Steps[NearPairs]:
    """Pairs of planes (N, S, S) and (M, T, T) uint8 (0: no data) that show the same pixels, shifted by up to 45 %.

    square: whether patches are, so that quarter turns are looked for too. Planes without contrast are in no pair, nor
    are those with fewer than 16 pixels a side, in which there is too little detail to judge.
    """
    side = min(known.shape[1], new.shape[1])
    if side < SMALLEST_PX or not len(known) or not len(new):
        return NearPairs(*(np.empty(0, kind) for kind in (np.int64, np.int64, np.float64)))
    with threadpool_limits(1, "blas"):
        best = yield from _candidates(known, new, side, tuple(TURNS) if square else KEEPING_SIDES)
        rows = sorted(best)
        pieces = [rows[start : start + CLOSELY] for start in range(0, len(rows), CLOSELY)]
        found: list[tuple[int, int, float]] = []
        work = on_all_cores(lambda piece: _confirmed(known, new, side, {row: best[row] for row in piece}), pieces)
        for done, pairs in enumerate(work, 1):
            found += pairs
            yield Progress(0.7 + 0.3 * done / len(pieces), "Comparing patches that look alike closely.")
    a, b, detail = zip(*found, strict=True) if found else ((), (), ())
    return NearPairs(np.array(a, np.int64), np.array(b, np.int64), np.array(detail, np.float64))


Candidate = tuple[float, int, str, int, int]  # cosine, known row, turn, dy and dx in cells


def _candidates(
    known: np.ndarray, new: np.ndarray, side: int, turns: tuple[str, ...]
) -> Steps[dict[int, dict[int, Candidate]]]:
    """New row -> known row -> the better guess. Of each corner window and turn the most similar ones of all."""
    sample = _cells(known[:: max(1, len(known) // BLOCK)], side)
    of_windows, of_wholes = window_components(sample, WINDOW), window_components(_halved(sample), CELLS // 2)
    places = np.array(CORNERS)
    queries = np.empty((len(new), len(CORNERS), of_windows.shape[1]), np.float32)
    plain = np.empty((len(new), of_wholes.shape[1]), np.float32)
    for start in range(0, len(new), BLOCK):
        cells = _cells(new[start : start + BLOCK], side)
        queries[start : start + BLOCK] = window_descriptors(cells, of_windows)[:, places]
        plain[start : start + BLOCK] = unit(_halved(cells).reshape(len(cells), -1) @ of_wholes)
    kept = [_Best(len(new)) for _ in range(len(CORNERS) + len(turns))]
    for start in range(0, len(known), BLOCK):
        cells = _cells(known[start : start + BLOCK], side)
        windows = window_descriptors(cells, of_windows)
        for k in range(len(CORNERS)):
            kept[k].look(queries[:, k], windows, start)
        coarse = _halved(cells)
        for k, name in enumerate(turns, len(CORNERS)):
            turned = unit(TURNS[BACK.get(name, name)](coarse).reshape(len(coarse), -1) @ of_wholes)
            kept[k].look(plain, turned[:, None], start)
        yield Progress(0.7 * min(1.0, (start + BLOCK) / len(known)), "Comparing every window with all others.")
    found: dict[int, dict[int, Candidate]] = {}
    for k, best in enumerate(kept):
        for row, slot in zip(*np.nonzero(best.cosine >= LIKE), strict=True):
            known_row, cosine = int(best.row[row, slot]), float(best.cosine[row, slot])
            of_new = found.setdefault(int(row), {})
            if known_row not in of_new or of_new[known_row][0] < cosine:
                dy, dx, turn = 0, 0, ""
                if k < len(CORNERS):
                    (own_y, own_x), (y, x) = divmod(CORNERS[k], PLACES), divmod(int(best.place[row, slot]), PLACES)
                    dy, dx = y - own_y, x - own_x
                else:
                    turn = turns[k - len(CORNERS)]
                of_new[known_row] = (cosine, known_row, turn, dy, dx)
    return found


class _Best:
    """For each query the known patches with the most similar window so far: row, place, cosine, each (n, MOST)."""

    def __init__(self, n: int) -> None:
        self.row = np.zeros((n, MOST), np.int64)
        self.place = np.zeros((n, MOST), np.int64)
        self.cosine = np.full((n, MOST), -1.0, np.float32)

    def look(self, queries: np.ndarray, windows: np.ndarray, first: int) -> None:
        """Look at a block of known patches' windows (n, places, numbers), the first of which is known row ``first``."""
        n, n_places, _ = windows.shape
        flat = np.ascontiguousarray(windows.reshape(n * n_places, -1).T)

        def some(start: int) -> None:
            rows = slice(start, start + QUERIES)
            cosine = (queries[rows] @ flat).reshape(-1, n, n_places)
            place = cosine.argmax(axis=2)
            peak = np.take_along_axis(cosine, place[..., None], axis=2)[..., 0]
            both = np.concatenate([self.cosine[rows], peak], axis=1)
            top = np.argpartition(both, both.shape[1] - MOST, axis=1)[:, -MOST:]
            row = np.broadcast_to(first + np.arange(n), peak.shape)
            self.row[rows] = np.take_along_axis(np.concatenate([self.row[rows], row], axis=1), top, axis=1)
            self.place[rows] = np.take_along_axis(np.concatenate([self.place[rows], place], axis=1), top, axis=1)
            self.cosine[rows] = np.take_along_axis(both, top, axis=1)

        for _ in on_all_cores(some, range(0, len(queries), QUERIES)):
            pass


def _confirmed(
    known: np.ndarray, new: np.ndarray, side: int, candidates: dict[int, dict[int, Candidate]]
) -> list[tuple[int, int, float]]:
    """Those of some candidates that fine detail confirms: (known row, new row, detail)."""
    rows = sorted(candidates)
    theirs = sorted({row for of_new in candidates.values() for row in of_new})
    z_new, fine_new = _detailed(new[rows], side)
    z_known, fine_known = _detailed(known[theirs], side)
    at = {row: k for k, row in enumerate(theirs)}
    reach = int(np.ceil(side / CELLS)) + 1
    found = []
    for k, row in enumerate(rows):
        for _, other, turn, dy, dx in candidates[row].values():
            move = TURNS[turn] if turn else np.asarray
            a, b = z_known[at[other]], move(z_new[k])
            guess = np.round(np.array([dy, dx]) * side / CELLS)
            seen = agreement(a, b, fine_known[at[other]], move(fine_new[k]), guess, reach)
            if seen.same:
                found.append((other, row, seen.detail))
    return found


def _detailed(planes: np.ndarray, side: int) -> tuple[np.ndarray, list[np.ndarray]]:
    z, has_data = _values(planes, side)
    return z, [detail_of(one, there) for one, there in zip(z, has_data, strict=True)]


def _values(planes: np.ndarray, side: int) -> tuple[np.ndarray, np.ndarray]:
    """(n, 1, side, side) float32 of zero mean, 0 without data, and where there is data, of the same shape."""
    there = (planes > 0).astype(np.float32)
    z = planes.astype(np.float32) / 128.0
    count = np.maximum(there.sum(axis=(1, 2), keepdims=True), 1.0)
    z = (z - z.sum(axis=(1, 2), keepdims=True) / count) * there
    if planes.shape[1] != side:
        to_side = averaging(planes.shape[1], side)
        z, there = to_side @ z @ to_side.T, to_side @ there @ to_side.T
    return z[:, None], there[:, None] >= 0.5


def _cells(planes: np.ndarray, side: int) -> np.ndarray:
    """(n, 1, CELLS, CELLS) float32."""
    to_cells = averaging(side)
    return to_cells @ _values(planes, side)[0] @ to_cells.T


def _halved(cells: np.ndarray) -> np.ndarray:
    n, n_bands, rows, columns = cells.shape
    return cells.reshape(n, n_bands, rows // 2, 2, columns // 2, 2).mean(axis=(3, 5))
