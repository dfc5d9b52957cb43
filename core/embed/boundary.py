"""A head's decision boundary drawn on a projection, and how faithful that drawing is.

A boundary fitted in the plane (paper A's Figure 6) shows what a new two-dimensional SVM would do. Here the decision
values that the head gave in its own high-dimensional space are interpolated from the nearest patches; the 2-D SVM is
fitted only for comparison. docs/boundary.md says what else was tried.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.spatial import cKDTree

from core.errors import DataError

N_NEIGHBORS = 10  # patches that a value is carried from: 5 draw every accident, 60 blur the line
MARGIN = 0.05  # of the projection's extent, added on each side
NEAR_NEIGHBOR, NEAR_QUANTILE = 5, 0.95  # near: as close as 95 % of patches are to their fifth neighbour


@dataclass(frozen=True)
class Boundary:
    """A raster of a head's decision over the plane, and its fidelity.

    x, y: (G,) float64 centres of columns and rows. values: (G, G) float64, ``values[row, column]``, positive where the
    landslide side is. near: (G, G) bool, True where there are data within ``radius`` of the cell. Over the n_heldout
    patches not used for drawing: agreement, the share whose interpolated value and true decision have one sign;
    majority, the share that the best constant answer gets; refit_agreement, the share that a plain RBF-SVM on the
    plane, fitted to the labels, gets. nan where undefined. n_near: how many of them lie where data are near, and
    near_agreement: the share of those. map_agreement: the share whose true decision is that of the other held-out
    patches around them, about what any drawing on this projection could reach. n_neighbors: over how many patches
    values were interpolated.
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
    n_near: int
    near_agreement: float
    map_agreement: float
    n_neighbors: int

    def card(self) -> dict[str, Any]:
        """The fidelity: agreement, majority, refit_agreement (nan: undefined), n_heldout, and how it was drawn."""
        names = ("agreement", "majority", "refit_agreement", "n_heldout", "n_near", "near_agreement")
        return {name: getattr(self, name) for name in (*names, "map_agreement", "n_neighbors")}


@dataclass(frozen=True)
class Plane:
    """What the boundaries of all heads on one projection share: known and held-out places, raster, plain refit.

    known: (n, 2), heldout: (m, 2) float64. x, y: (G,), near: (G, G) bool, is_near: (m,) bool, radius: see
    :class:`Boundary`. refit: (m,) bool, what a plain RBF-SVM on the plane says of the held-out patches; or none.
    """

    known: np.ndarray
    heldout: np.ndarray
    tree: cKDTree
    x: np.ndarray
    y: np.ndarray
    near: np.ndarray
    is_near: np.ndarray
    radius: float
    refit: np.ndarray | None

    @classmethod
    def of(cls, xy_known: np.ndarray, labels_known: np.ndarray, xy_heldout: np.ndarray, grid: int = 60) -> Plane:
        """xy_*: (n, 2) places on one projection. labels_known: (n,) 0/1 or -1, for the refit. grid: cells on a side.

        Raises DataError when there is no known patch or a number is not finite.
        """
        known, heldout = _places(xy_known, "known"), _places(xy_heldout, "held-out")
        if not len(known):
            raise DataError("No known patch is projected, so no boundary can be drawn. Give the fold's training part.")
        x, y = _axes(np.concatenate([known, heldout]), grid)
        tree = cKDTree(known)
        radius = _radius(tree, known, x, y)
        near = (tree.query(_cells(x, y))[0] <= radius).reshape(grid, grid)
        is_near = tree.query(heldout)[0] <= radius if len(heldout) else np.zeros(0, bool)
        refit = _refit(known, np.asarray(labels_known), heldout)
        return cls(known, heldout, tree, x, y, near, is_near, radius, refit)

    def boundary(
        self, decision_known: np.ndarray, decision_heldout: np.ndarray, n_neighbors: int = N_NEIGHBORS
    ) -> Boundary:
        """One head's boundary. decision_*: (n,) its values, positive = landslide.

        Raises DataError when a value is not finite.
        """
        values = _decisions(decision_known, len(self.known), "known")
        asked = _decisions(decision_heldout, len(self.heldout), "held-out")
        truth, k = asked >= 0, min(n_neighbors, len(values))
        right = (interpolate(self.tree, values, self.heldout, k) >= 0) == truth
        return Boundary(
            x=self.x,
            y=self.y,
            values=interpolate(self.tree, values, _cells(self.x, self.y), k).reshape(self.near.shape),
            near=self.near,
            radius=self.radius,
            agreement=_share(right),
            majority=max(_share(truth), _share(~truth)) if len(truth) else math.nan,
            refit_agreement=math.nan if self.refit is None else _share(self.refit == truth),
            n_heldout=len(self.heldout),
            n_near=int(self.is_near.sum()),
            near_agreement=_share(right[self.is_near]),
            map_agreement=_of_others(self.heldout, asked, n_neighbors),
            n_neighbors=k,
        )


def _of_others(xy: np.ndarray, values: np.ndarray, n_neighbors: int) -> float:
    """The share of values (n,) that have the sign of what the n_neighbors nearest others at xy (n, 2) carry."""
    k = min(n_neighbors, len(xy) - 1)
    if k < 1:
        return math.nan
    distance, index = cKDTree(xy).query(xy, k=np.arange(1, k + 2))
    others = index != np.arange(len(xy))[:, None]  # in one place with others it need not be the first itself
    others[others.all(axis=1), -1] = False
    distance, index = (found[others].reshape(len(xy), k) for found in (distance, index))
    return _share((_carried(distance, values[index]) >= 0) == (values >= 0))


def interpolate(tree: cKDTree, values: np.ndarray, xy: np.ndarray, n_neighbors: int = N_NEIGHBORS) -> np.ndarray:
    """Values (n,) carried from the tree's points to places xy (m, 2): (m,) float64.

    A mean over the n_neighbors nearest points with Gaussian weights whose width is half the distance to the farthest
    of them, so that dense parts keep their detail and empty parts stay smooth.
    """
    if not len(xy):
        return np.empty(0)
    k = min(n_neighbors, len(values))
    distance, index = tree.query(xy, k=np.arange(1, k + 1))  # (m, k) each, ascending
    return _carried(distance, values[index])


def _carried(distance: np.ndarray, values: np.ndarray) -> np.ndarray:
    """(m,) weighted means of ``values`` (m, k) at ``distance`` (m, k), ascending."""
    width = np.maximum(0.5 * distance[:, -1:], np.finfo(np.float64).tiny ** 0.5)
    weights = np.exp(-0.5 * (distance / width) ** 2)
    return (weights * values).sum(axis=1) / weights.sum(axis=1)


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


def _refit(known: np.ndarray, labels: np.ndarray, heldout: np.ndarray) -> np.ndarray | None:
    labelled = labels >= 0
    if not len(heldout) or np.unique(labels[labelled]).size < 2:
        return None
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC

    model = make_pipeline(StandardScaler(), SVC(C=1.0)).fit(known[labelled], labels[labelled])
    return model.predict(heldout) == 1


def _cells(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)  # (G * G, 2), row by row


def _share(hits: np.ndarray) -> float:
    return float(hits.mean()) if hits.size else math.nan
