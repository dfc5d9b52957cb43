"""How synthetic patches differ from the real ones they were made of: their distance, and the detail they keep."""

from __future__ import annotations

import numpy as np

ROWS = 256  # patches whose distances to all others are held at once


def nearest_distance(rows: np.ndarray, known: np.ndarray, leave_out: np.ndarray) -> np.ndarray:
    """(M,) root mean square distance of each row of (M, ...) to its nearest of (n, ...).

    leave_out: (M, n) bool, which do not count. nan where nothing is left.
    """
    a, b = (np.asarray(values, np.float32).reshape(len(values), -1) for values in (rows, known))
    squares = np.einsum("nd,nd->n", b, b, dtype=np.float64)
    distance = np.full(len(a), np.nan)
    for start in range(0, len(a), ROWS):
        some = a[start : start + ROWS]
        own = np.einsum("nd,nd->n", some, some, dtype=np.float64)
        squared = own[:, None] + squares[None] - 2.0 * (some @ b.T)
        squared[leave_out[start : start + ROWS]] = np.inf
        nearest = squared.argmin(axis=1) if len(b) else np.zeros(len(some), np.int64)
        known_at = np.isfinite(squared[np.arange(len(some)), nearest]) if len(b) else np.zeros(len(some), bool)
        # A matrix product loses the digits of small distances, so the nearest one is measured directly.
        exact = some[known_at].astype(np.float64) - b[nearest[known_at]]
        distance[start : start + ROWS][known_at] = np.sqrt((exact**2).mean(axis=1))
    return distance


def fine_detail(images: np.ndarray) -> np.ndarray:
    """(N, C) mean square of what a 3 x 3 mean removes from patches (N, C, H, W): detail of one or two pixels."""
    from scipy.ndimage import uniform_filter

    energy = np.empty(images.shape[:2])
    for i, image in enumerate(np.asarray(images, np.float32)):
        rest = image - uniform_filter(image, size=(1, 3, 3), mode="nearest")
        energy[i] = (rest.astype(np.float64) ** 2).mean(axis=(1, 2))
    return energy


def detail_kept(made: np.ndarray, anchor: np.ndarray, neighbour: np.ndarray, anchor_weight: np.ndarray) -> np.ndarray:
    """(M,) fine detail of synthetic patches over what their parents have, by weight; arguments from ``fine_detail``.

    Where the parents' detail has nothing in common it is ``w^2 + (1 - w)^2``: half of it in the middle. nan where the
    parents have none.
    """
    weight = np.asarray(anchor_weight, np.float64)
    before = weight * anchor.sum(axis=1) + (1 - weight) * neighbour.sum(axis=1)
    return np.divide(made.sum(axis=1), before, out=np.full(len(made), np.nan), where=before > 1e-12)


def detail_expected(anchor_weight: np.ndarray) -> np.ndarray:
    """``detail_kept`` of parents whose detail has nothing in common."""
    weight = np.asarray(anchor_weight, np.float64)
    return weight**2 + (1 - weight) ** 2
