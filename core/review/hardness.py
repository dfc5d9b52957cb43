"""How hard each patch is for all heads of a run together, and how far they disagree."""

from __future__ import annotations

import numpy as np

SMALLEST_PROB = 1e-7  # keeps the loss of a sure mistake finite


def hardness(labels: np.ndarray, probs: np.ndarray) -> np.ndarray:
    """(N,) the mean over the heads of the negative log of the true class's probability; 0 where no head has any.

    labels: (N,) 0/1. probs: (N, H) out-of-fold probability of class 1, nan where a head has none.
    """
    known = np.isfinite(probs)
    of_truth = np.where(np.asarray(labels)[:, None] == 1, probs, 1.0 - probs)
    loss = -np.log(np.clip(np.where(known, of_truth, 1.0), SMALLEST_PROB, 1.0))
    return loss.sum(axis=1) / np.maximum(known.sum(axis=1), 1)


def disagreement(probs: np.ndarray) -> np.ndarray:
    """(N,) the standard deviation of the heads' probabilities (N, H), nan left out."""
    known = np.isfinite(probs)
    n = np.maximum(known.sum(axis=1), 1)
    mean = np.where(known, probs, 0.0).sum(axis=1) / n
    return np.sqrt((np.where(known, probs - mean[:, None], 0.0) ** 2).sum(axis=1) / n)
