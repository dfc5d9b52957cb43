"""The landslides that one landslide is most similar to, and their neighbours: the graph that SMOTE draws from.

A patch itself and its exact copies are never its neighbours, as in ``core.smote.resample``; the lineage is not read.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from core.analyses.smote.fold_minority import FoldLandslides
from core.errors import ConfigError
from core.smote.topk import listed_ssim

MOST = 12  # neighbours of each: nobody can read a graph with more
SHOWN = (5, 3)  # neighbours of the patch, and of each of those, where nobody says how many


@dataclass(frozen=True)
class NeighbourGraph:
    """A landslide, its neighbours and theirs, with the SSIM of each pair.

    id: the patch in the middle. nearest: (k,) ids, most similar first; ssim: (k,). further: a row an edge of a nearest
    patch: (from, to, ssim), most similar first; ``to`` may be a patch that is in the graph already. n: landslides that
    were compared.
    """

    id: str
    fold: int
    nearest: list[str]
    ssim: list[float]
    further: list[tuple[str, str, float]]
    n: int
    seconds: float


def neighbour_graph(
    landslides: FoldLandslides, patch_id: str, k: int = SHOWN[0], second: int = SHOWN[1]
) -> NeighbourGraph:
    """The ``k`` most similar landslides of one, and the ``second`` most similar of each of those.

    Raises RunError for a patch that is not among them, ConfigError for numbers that cannot be drawn.
    """
    began = time.monotonic()
    if not 1 <= k <= MOST or not 0 <= second <= MOST:
        raise ConfigError(f"1 to {MOST} neighbours and 0 to {MOST} of theirs can be drawn; asked: {k} and {second}.")
    (centre,) = landslides.at([patch_id])
    index, ssim = _nearest(landslides, np.array([centre]), k)[0]
    of_nearest = _nearest(landslides, index, second) if second else []
    names = landslides.ids
    further = [
        (str(names[start]), str(names[end]), float(value))
        for start, (ends, values) in zip(index, of_nearest, strict=False)
        for end, value in zip(ends, values, strict=True)
    ]
    nearest = [str(names[i]) for i in index]
    seconds = time.monotonic() - began
    return NeighbourGraph(patch_id, landslides.fold, nearest, [float(v) for v in ssim], further, len(names), seconds)


def _nearest(landslides: FoldLandslides, centres: np.ndarray, k: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """For each position its k most similar others and their SSIM; fewer where there are fewer."""
    copies, n = landslides.copies, len(landslides.ids)
    others = [np.flatnonzero(copies != copies[centre]) for centre in centres]
    left = np.repeat(centres, [len(rows) for rows in others])
    right = np.concatenate(others) if others else np.zeros(0, np.int64)
    if not len(right):
        return [(np.zeros(0, np.int64), np.zeros(0))] * len(centres)
    values = np.full((len(centres), n), -np.inf)
    ssim = listed_ssim(landslides.patches, landslides.data_range, left, right, landslides.valid)
    start = 0
    for row, columns in enumerate(others):
        values[row, columns] = ssim[start : start + len(columns)]
        start += len(columns)
    order = np.argsort(-values, axis=1, kind="stable")[:, :k]
    kept = [(row, columns[np.isfinite(values[row, columns])]) for row, columns in enumerate(order)]
    return [(columns, values[row, columns]) for row, columns in kept]
