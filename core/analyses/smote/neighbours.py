"""The landslides that one landslide is most like, and what those are most like: the graph that SMOTE draws from.

Comes in: a fold's landslides and one of them. Goes out: :class:`Kin`, edges with their SSIM, first and second degree.
A patch itself and its exact copies are never its neighbours, as in ``core.smote.resample``; it reads no lineage.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from core.analyses.smote.fold_minority import FoldLandslides
from core.errors import ConfigError
from core.smote.topk import listed_ssim

MOST = 12  # neighbours of each: beyond it nobody can read the graph


@dataclass(frozen=True)
class Kin:
    """id: the patch asked for. nearest: (k,) ids, most similar first; ssim: (k,).

    further: one row an edge of a nearest patch: (from, to, ssim), nearest of each first; an edge between two patches
    that are there already is among them. n: landslides that were compared.
    """

    id: str
    fold: int
    nearest: list[str]
    ssim: list[float]
    further: list[tuple[str, str, float]]
    n: int
    seconds: float


def kin_of(landslides: FoldLandslides, patch_id: str, k: int = 5, second: int = 3) -> Kin:
    """The ``k`` most similar landslides of one, and the ``second`` most similar of each of those.

    Raises RunError for a patch that is none of them, ConfigError for numbers that cannot be drawn.
    """
    began = time.monotonic()
    if not 1 <= k <= MOST or not 0 <= second <= MOST:
        raise ConfigError(f"1 to {MOST} neighbours and 0 to {MOST} of theirs can be drawn; asked: {k} and {second}.")
    (centre,) = landslides.at([patch_id])
    index, ssim = _nearest(landslides, np.array([centre]), k)[0]
    found = _nearest(landslides, index, second) if second else []
    names = landslides.ids
    further = [
        (str(names[here]), str(names[there]), float(value))
        for here, (others, values) in zip(index, found, strict=False)
        for there, value in zip(others, values, strict=True)
    ]
    nearest = [str(names[i]) for i in index]
    seconds = time.monotonic() - began
    return Kin(patch_id, landslides.fold, nearest, [float(v) for v in ssim], further, len(names), seconds)


def _nearest(landslides: FoldLandslides, asked: np.ndarray, k: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """For each position its k most similar others and their SSIM; fewer where there are fewer."""
    copies, n = landslides.copies, len(landslides.ids)
    others = [np.flatnonzero(copies != copies[one]) for one in asked]
    left = np.repeat(asked, [len(one) for one in others])
    right = np.concatenate(others) if others else np.zeros(0, np.int64)
    if not len(right):
        return [(np.zeros(0, np.int64), np.zeros(0))] * len(asked)
    values = np.full((len(asked), n), -np.inf)
    ssim = listed_ssim(landslides.patches, landslides.data_range, left, right, landslides.valid)
    start = 0
    for row, one in enumerate(others):
        values[row, one] = ssim[start : start + len(one)]
        start += len(one)
    order = np.argsort(-values, axis=1, kind="stable")[:, :k]
    kept = [(row, columns[np.isfinite(values[row, columns])]) for row, columns in enumerate(order)]
    return [(columns, values[row, columns]) for row, columns in kept]
