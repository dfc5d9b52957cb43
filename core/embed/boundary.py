"""The decision boundary drawn on a map, and how faithful that drawing is.

Comes in: places on the plane with the decision values that a head gave in its own high-dimensional space. Goes out: a
raster of interpolated values, where data stand near enough to believe it, and its agreement with the head on patches
that were not used. It knows nothing of heads, images or colours.

A boundary learnt in the plane (paper A's Figure 6) shows what a new two-dimensional SVM would do. Here the head's true
values are carried over from the nearest patches; the plane's SVM is fitted only to be compared with.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.spatial import cKDTree

from core.errors import DataError

N_NEIGHBORS = 15  # known patches that a value is interpolated from
MARGIN = 0.05  # of the map's extent, added on each side
NEAR_NEIGHBOR, NEAR_QUANTILE = 5, 0.95  # near: as close as 95 % of patches are to their fifth neighbour


@dataclass(frozen=True)
class Boundary:
    """A raster of a head's decision over the plane, and its fidelity.

    x, y: (G,) float64 centres of columns and rows. values: (G, G) float64, ``values[row, column]``, positive where the
    landslide side is. near: (G, G) bool, True where data stand within ``radius`` of the cell. Over the n_heldout
    patches not used for drawing: agreement, the share whose interpolated value and true decision have one sign;
    majority, the share that the best constant answer gets; refit_agreement, the share that a plain RBF-SVM on the
    plane, fitted to the labels, gets. nan where undefined.
    """

    x: np.ndarray
    y: np.ndarray
    values: np.ndarray
    near: np.ndarray
    radius: float
    agreement: float
    majority: float
    refit_agreement: float
    n_heldout: int

    def card(self) -> dict[str, Any]:
        """The fidelity: agreement, majority, refit_agreement (nan: undefined) and n_heldout."""
        names = ("agreement", "majority", "refit_agreement", "n_heldout")
        return {name: getattr(self, name) for name in names}


def draw_boundary(
    xy_known: np.ndarray,
    decision_known: np.ndarray,
    labels_known: np.ndarray,
    xy_heldout: np.ndarray,
    decision_heldout: np.ndarray,
    grid: int = 60,
    n_neighbors: int = N_NEIGHBORS,
    offset: float = 0.0,
) -> Boundary:
    """The raster of a head's decisions, drawn from known patches and judged on held-out ones.

    xy_*: (n, 2) places on one map. decision_*: (n,) the head's values, positive = landslide once ``offset`` is taken
    off: the value at which the head's threshold lies, so that 0 is the boundary. labels_known: (n,) 0/1 or -1, for the
    comparison only. grid: cells on a side. x, y and near depend on the places alone, so heads share them. Raises
    DataError when there is no known patch or a number is not finite.
    """
    known, heldout = _places(xy_known, "known"), _places(xy_heldout, "held-out")
    values_known = _decisions(decision_known, len(known), "known") - offset
    truth = _decisions(decision_heldout, len(heldout), "held-out") - offset >= 0
    if not len(known):
        raise DataError("No known patch is on the map, so no boundary can be drawn. Give the fold's training part.")
    x, y = _axes(np.concatenate([known, heldout]), grid)
    cells = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)  # (G * G, 2), row by row
    tree = cKDTree(known)
    radius = _radius(tree, known, x, y)
    distance = tree.query(cells)[0]
    return Boundary(
        x=x,
        y=y,
        values=interpolate(tree, values_known, cells, n_neighbors).reshape(grid, grid),
        near=(distance <= radius).reshape(grid, grid),
        radius=radius,
        agreement=_share((interpolate(tree, values_known, heldout, n_neighbors) >= 0) == truth),
        majority=max(_share(truth), _share(~truth)) if len(truth) else math.nan,
        refit_agreement=_refit_agreement(known, np.asarray(labels_known), heldout, truth),
        n_heldout=len(heldout),
    )


def interpolate(tree: cKDTree, values: np.ndarray, xy: np.ndarray, n_neighbors: int = N_NEIGHBORS) -> np.ndarray:
    """Values (n,) carried from the tree's points to places xy (m, 2): (m,) float64.

    A mean over the n_neighbors nearest points with Gaussian weights whose width is half the distance to the farthest
    of them, so that dense parts keep their detail and empty parts stay smooth.
    """
    if not len(xy):
        return np.empty(0)
    k = min(n_neighbors, len(values))
    distance, index = tree.query(xy, k=np.arange(1, k + 1))  # (m, k) each, ascending
    width = np.maximum(0.5 * distance[:, -1:], np.finfo(np.float64).tiny ** 0.5)
    weights = np.exp(-0.5 * (distance / width) ** 2)
    return (weights * values[index]).sum(axis=1) / weights.sum(axis=1)


def _places(xy: np.ndarray, which: str) -> np.ndarray:
    xy = np.asarray(xy, dtype=np.float64)
    if xy.ndim != 2 or xy.shape[1] != 2 or not np.isfinite(xy).all():
        raise DataError(f"Places of {which} patches must be finite (n, 2) numbers; found shape {xy.shape}.")
    return xy


def _decisions(values: np.ndarray, n: int, which: str) -> np.ndarray:
    values = np.asarray(values, dtype=np.float64)
    if values.shape != (n,) or not np.isfinite(values).all():
        raise DataError(f"Decisions of the {n} {which} patches must be finite ({n},) numbers; found {values.shape}.")
    return values


def _axes(xy: np.ndarray, grid: int) -> tuple[np.ndarray, np.ndarray]:
    low, high = xy.min(axis=0), xy.max(axis=0)
    extent = np.where(high > low, high - low, 1.0)
    low, high = low - MARGIN * extent, high + MARGIN * extent
    return np.linspace(low[0], high[0], grid), np.linspace(low[1], high[1], grid)


def _radius(tree: cKDTree, known: np.ndarray, x: np.ndarray, y: np.ndarray) -> float:
    """How far from data a cell may lie and still be believed; at least a cell's diagonal, or gaps would show."""
    diagonal = math.hypot(x[1] - x[0], y[1] - y[0]) if len(x) > 1 else 0.0
    neighbor = min(NEAR_NEIGHBOR + 1, len(known))  # the first is the patch itself
    distance = tree.query(known, k=[neighbor])[0][:, 0]
    return max(diagonal, float(np.quantile(distance, NEAR_QUANTILE)))


def _refit_agreement(known: np.ndarray, labels: np.ndarray, heldout: np.ndarray, truth: np.ndarray) -> float:
    labelled = labels >= 0
    if not len(heldout) or np.unique(labels[labelled]).size < 2:
        return math.nan
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC

    model = make_pipeline(StandardScaler(), SVC(C=1.0)).fit(known[labelled], labels[labelled])
    return _share((model.predict(heldout) == 1) == truth)


def _share(hits: np.ndarray) -> float:
    return float(hits.mean()) if hits.size else math.nan
