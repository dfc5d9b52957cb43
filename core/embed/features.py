"""Embeddings prepared for a metric: rows between which Euclidean distance is that metric.

One preparation serves UMAP, PCA, t-SNE and nearest neighbours alike.

cosine: rows of length 1; what counts is which features are active beside each other, not how strongly altogether.
correlation: the same after each row's own mean is taken off. euclidean: standardised by the training part, which is how
the SVM head measures.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from core.errors import DataError

Metric = Literal["cosine", "euclidean", "correlation"]
METRICS: tuple[str, ...] = get_args(Metric)


@dataclass(frozen=True)
class Preparation:
    """How rows are prepared. centre, spread: (D,) float64 of the training part, for ``euclidean`` alone."""

    metric: Metric
    centre: np.ndarray
    spread: np.ndarray

    @classmethod
    def fit(cls, embeddings: np.ndarray, train_index: np.ndarray, metric: Metric = "cosine") -> Preparation:
        """Learn it from the training part. Raises DataError when that is empty, or an embedding is not finite."""
        if metric not in METRICS:
            raise DataError(f"There is no metric '{metric}'. Known: {', '.join(METRICS)}.")
        if not np.size(train_index):
            raise DataError("The training part is empty. Give the positions of the fold's training patches.")
        check_finite(embeddings)
        learnt = np.asarray(embeddings, np.float32)[train_index].astype(np.float64)
        centre, spread = learnt.mean(axis=0), learnt.std(axis=0)
        constant = spread <= 1e-6 * np.maximum(1.0, np.abs(centre))  # rounding of float32, not information
        return cls(metric, centre, np.where(constant, 1.0, spread))

    def rows(self, embeddings: np.ndarray) -> np.ndarray:
        """(N, D) embeddings -> (N, D) float32. Raises DataError when one is not finite."""
        check_finite(embeddings)
        rows = np.asarray(embeddings, dtype=np.float64)
        if self.metric == "euclidean":
            return ((rows - self.centre) / self.spread).astype(np.float32)
        if self.metric == "correlation":
            rows = rows - rows.mean(axis=1, keepdims=True)
        length = np.linalg.norm(rows, axis=1, keepdims=True)
        return (rows / np.where(length > 1e-12, length, 1.0)).astype(np.float32)


def check_finite(embeddings: np.ndarray) -> None:
    """Raises DataError when an embedding is not finite."""
    n_bad = int((~np.isfinite(embeddings).all(axis=1)).sum())
    if n_bad:
        raise DataError(f"{n_bad} of {len(embeddings)} embeddings are not finite numbers. Train the fold again.")
