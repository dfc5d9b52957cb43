"""How alone each patch is where the network that has not seen it puts it, and which held-out patches lie together.

Spaces of different folds do not align, so everything is measured within one fold's space, on patches that its network
has not learnt from, and told in units of that fold's typical patch. Labels and answers are not looked at.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from core.embed.features import Metric, Preparation
from core.embed.neighbours import nearest

NEAREST_HELD_OUT, NEAREST_TRAINING = 3, 10
PER_CLUSTER, MOST_CLUSTERS = 40, 12  # held-out patches a cluster has on average, and clusters of a fold


@dataclass(frozen=True, eq=False)
class Spaces:
    """Of each patch, (N,); nan and -1 for a patch in no fold, or alone in its fold.

    uniqueness: mean distance from the 3 nearest other held-out patches of its fold. outlier: mean distance from the 10
    nearest patches that its fold's network learnt from. Both divided by the median over the fold's held-out patches: 1
    is typical, 0 is a copy of another. cluster: from 0 in each fold.
    """

    uniqueness: np.ndarray
    outlier: np.ndarray
    cluster: np.ndarray


def look(
    fold_of: np.ndarray, embeddings_of: Callable[[int], np.ndarray], metric: Metric = "cosine", seed: int = 0
) -> Spaces:
    """Measure every fold.

    fold_of: (N,), -1 in none. embeddings_of: fold -> (N, D) of all patches by its network. A fold of fewer than 80
    held-out patches has no clusters.
    """
    n = len(fold_of)
    found = Spaces(np.full(n, np.nan), np.full(n, np.nan), np.full(n, -1))
    for fold in np.unique(fold_of[fold_of >= 0]):
        val, train = np.flatnonzero(fold_of == fold), np.flatnonzero((fold_of >= 0) & (fold_of != fold))
        embeddings = embeddings_of(int(fold))
        rows = Preparation.fit(embeddings, train if train.size else val, metric).rows(embeddings)
        own = nearest(rows[val], rows[val], NEAREST_HELD_OUT, np.arange(len(val)))
        found.uniqueness[val] = _of_typical(own.distance)
        found.outlier[val] = _of_typical(nearest(rows[val], rows[train], NEAREST_TRAINING).distance)
        found.cluster[val] = _clusters(rows[val], seed)
    return found


def _of_typical(distance: np.ndarray) -> np.ndarray:
    """(n, k) distances -> (n,) their mean over the median of all means; nan where there are no neighbours."""
    if not distance.size:
        return np.full(len(distance), np.nan)
    mean = distance.mean(axis=1)
    typical = float(np.median(mean))
    return mean / typical if typical > 0 else np.full(len(mean), np.nan)


def _clusters(rows: np.ndarray, seed: int) -> np.ndarray:
    """(n,) by k-means; all -1 where there are too few."""
    if len(rows) < 2 * PER_CLUSTER:
        return np.full(len(rows), -1)
    from sklearn.cluster import KMeans

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of patches that are equal, so that there are fewer clusters than asked for
        return KMeans(min(len(rows) // PER_CLUSTER, MOST_CLUSTERS), n_init=4, random_state=seed).fit_predict(rows)
