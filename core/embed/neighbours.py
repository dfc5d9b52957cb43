"""Which patches a network finds similar: nearest neighbours among the prepared embeddings of one fold.

What lies together on a projection need not be together among the embeddings; this says which is which.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

BLOCK = 512  # rows asked for at once; with 20 000 others that is 80 MB


@dataclass(frozen=True)
class Neighbours:
    """index: (m, k) positions, nearest first. distance: (m, k) float64 in the preparation's metric."""

    index: np.ndarray
    distance: np.ndarray


def nearest(asked: np.ndarray, known: np.ndarray, k: int, leave_out: np.ndarray | None = None) -> Neighbours:
    """The k nearest rows of ``known`` (n, D) for each row of ``asked`` (m, D); equal distances in the order of rows.

    leave_out: (m,) a position in ``known`` to leave out for this row (the patch itself), -1 for none.
    k is lowered to what there is.
    """
    fewest = len(known) - (leave_out is not None and bool((np.asarray(leave_out) >= 0).any()))
    k = max(0, min(k, fewest))
    found = [_block(asked, known, k, leave_out, start) for start in range(0, len(asked), BLOCK)]
    if not found or not k:
        return Neighbours(np.empty((len(asked), k), np.int64), np.empty((len(asked), k)))
    return Neighbours(*(np.concatenate(part) for part in zip(*found, strict=True)))


def _block(
    asked: np.ndarray, known: np.ndarray, k: int, leave_out: np.ndarray | None, start: int
) -> tuple[np.ndarray, np.ndarray]:
    some = asked[start : start + BLOCK]
    squared = (some**2).sum(1)[:, None] + (known**2).sum(1)[None, :] - 2.0 * (some @ known.T)  # (b, n)
    if leave_out is not None:
        own = np.asarray(leave_out)[start : start + BLOCK]
        squared[np.flatnonzero(own >= 0), own[own >= 0]] = np.inf
    if k < squared.shape[1]:
        candidates = np.argpartition(squared, k - 1, axis=1)[:, :k] if k else np.empty((len(some), 0), int)
    else:
        candidates = np.broadcast_to(np.arange(squared.shape[1]), squared.shape)
    # A product of matrices loses the digits of small distances: those that are shown are measured by themselves.
    exact = np.linalg.norm(some[:, None, :].astype(np.float64) - known[candidates], axis=2)
    if leave_out is not None:
        exact = np.where(np.isinf(np.take_along_axis(squared, candidates, 1)), np.inf, exact)
    order = np.lexsort((candidates, exact), axis=1)[:, :k]
    return np.take_along_axis(candidates, order, 1), np.take_along_axis(exact, order, 1)
