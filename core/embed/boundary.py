"""The decision boundary drawn on a map, and how faithful that drawing is.

Comes in: places on the plane with the decision values that a head gave in its own high-dimensional space. Goes out: a
raster of interpolated values, where data stand near enough to believe it, and its agreement with the head on patches
that were not used. It knows nothing of heads, images or colours.

A boundary learnt in the plane (paper A's Figure 6) shows what a new two-dimensional SVM would do. Here the head's true
values are carried over from the nearest patches; the plane's SVM is fitted only to be compared with. Over how many of
them is settled among the known patches alone, each asked as if it were not there.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.spatial import cKDTree

from core.errors import DataError

N_NEIGHBORS = 15  # known patches that a value is interpolated from where there are too few to choose by
CHOICES = (5, 10, 15, 25, 40, 60)  # what is chosen from; a larger one draws a smoother line
FEWEST_TO_CHOOSE = 40
MARGIN = 0.05  # of the map's extent, added on each side
NEAR_NEIGHBOR, NEAR_QUANTILE = 5, 0.95  # near: as close as 95 % of patches are to their fifth neighbour


@dataclass(frozen=True)
class Boundary:
    """A raster of a head's decision over the plane, and its fidelity.

    x, y: (G,) float64 centres of columns and rows. values: (G, G) float64, ``values[row, column]``, positive where the
    landslide side is. near: (G, G) bool, True where data stand within ``radius`` of the cell. Over the n_heldout
    patches not used for drawing: agreement, the share whose interpolated value and true decision have one sign;
    majority, the share that the best constant answer gets; refit_agreement, the share that a plain RBF-SVM on the
    plane, fitted to the labels, gets. nan where undefined. n_near: how many of them lie where data are near, and
    near_agreement: the share of those. n_neighbors: over how many patches values were carried.
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
    n_neighbors: int

    def card(self) -> dict[str, Any]:
        """The fidelity: agreement, majority, refit_agreement (nan: undefined), n_heldout, and how it was drawn."""
        names = ("agreement", "majority", "refit_agreement", "n_heldout", "n_near", "near_agreement", "n_neighbors")
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True)
class Plane:
    """What the boundaries of every head on one map share: known and held-out places, the raster, the plain refit.

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
        """xy_*: (n, 2) places on one map. labels_known: (n,) 0/1 or -1, for the refit only. grid: cells on a side.

        Raises DataError when there is no known patch or a number is not finite.
        """
        known, heldout = _places(xy_known, "known"), _places(xy_heldout, "held-out")
        if not len(known):
            raise DataError("No known patch is on the map, so no boundary can be drawn. Give the fold's training part.")
        x, y = _axes(np.concatenate([known, heldout]), grid)
        tree = cKDTree(known)
        radius = _radius(tree, known, x, y)
        near = (tree.query(_cells(x, y))[0] <= radius).reshape(grid, grid)
        is_near = tree.query(heldout)[0] <= radius if len(heldout) else np.zeros(0, bool)
        refit = _refit(known, np.asarray(labels_known), heldout)
        return cls(known, heldout, tree, x, y, near, is_near, radius, refit)

    def boundary(
        self, decision_known: np.ndarray, decision_heldout: np.ndarray, n_neighbors: int | None = None
    ) -> Boundary:
        """One head's boundary. decision_*: (n,) its values, positive = landslide.

        n_neighbors: none chooses by :func:`choose_neighbors`. Raises DataError when a value is not finite.
        """
        values = _decisions(decision_known, len(self.known), "known")
        truth = _decisions(decision_heldout, len(self.heldout), "held-out") >= 0
        k = n_neighbors or choose_neighbors(self.tree, values)
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
            n_neighbors=k,
        )


def draw_boundary(
    xy_known: np.ndarray,
    decision_known: np.ndarray,
    labels_known: np.ndarray,
    xy_heldout: np.ndarray,
    decision_heldout: np.ndarray,
    grid: int = 60,
    n_neighbors: int | None = None,
    offset: float = 0.0,
) -> Boundary:
    """The raster of one head's decisions, drawn from known patches and judged on held-out ones.

    offset: is taken off the decision values: the value at which the head's threshold lies, so that 0 is the boundary.
    The rest: see :class:`Plane`, which several heads on one map share.
    """
    plane = Plane.of(xy_known, labels_known, xy_heldout, grid)
    return plane.boundary(np.asarray(decision_known) - offset, np.asarray(decision_heldout) - offset, n_neighbors)


def choose_neighbors(tree: cKDTree, values: np.ndarray) -> int:
    """Which of ``CHOICES`` carries the decisions of known patches best, each from the others; the larger of equals."""
    n = len(values)
    if n < FEWEST_TO_CHOOSE:
        return min(N_NEIGHBORS, n)
    choices = [k for k in CHOICES if k < n]
    distance, index = tree.query(tree.data, k=np.arange(2, choices[-1] + 2))  # the first is the patch itself
    right = {k: _share((_carried(distance[:, :k], values[index[:, :k]]) >= 0) == (values >= 0)) for k in choices}
    return max(choices, key=lambda k: (right[k], k))


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
