"""Which patches to label next, so that a batch of labels teaches the most: uncertain, novel and unlike each other.

Probabilities and embeddings of unlabelled patches, or scene cells, come in; a batch goes out. The choice is that of
Zhdanov (2019, "Diverse mini-batch active learning"): of the most informative candidates one from each of n clusters,
where informative means uncertain here and, less so, far from everything that is labelled.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.embed.neighbours import nearest
from core.errors import DataError

BETA = 5  # candidates for each patch of the batch
NOVELTY = 0.25  # weight of being far from what is labelled, beside being uncertain


@dataclass(frozen=True)
class Batch:
    """index: (n,) positions of the chosen, the most informative first. uncertainty, novelty, worth: (N,) of all.

    uncertainty: 0-1, 1 where the answer is a coin's. novelty: 0-1, the rank of the distance to the nearest labelled
    patch. worth: their weighted mean.
    """

    index: np.ndarray
    uncertainty: np.ndarray
    novelty: np.ndarray
    worth: np.ndarray


def next_batch(
    probs: np.ndarray, features: np.ndarray, labelled: np.ndarray, n: int, threshold: float = 0.5, seed: int = 0
) -> Batch:
    """The n candidates to label next; fewer where there are fewer.

    probs: (N,) of class 1, of models that were not trained on the candidates. features: (N, D) and labelled: (M, D)
    rows between which Euclidean distance means likeness, of one network. threshold: where a decision turns.

    Raises DataError without candidates.
    """
    if not len(probs):
        raise DataError("There is no unlabelled patch to choose from. Import patches without labels beside the others.")
    uncertainty = uncertain(probs, threshold)
    novelty = _rank(nearest(features, labelled, 1).distance[:, 0]) if len(labelled) else np.ones(len(probs))
    worth = (1 - NOVELTY) * uncertainty + NOVELTY * novelty
    order = np.lexsort((np.arange(len(worth)), -worth))
    candidates = order[: BETA * n]
    if len(candidates) > n:
        candidates = candidates[_one_of_each(features[candidates], worth[candidates], n, seed)]
    return Batch(candidates[np.argsort(-worth[candidates], kind="stable")], uncertainty, novelty, worth)


def uncertain(probs: np.ndarray, threshold: float = 0.5) -> np.ndarray:
    """(N,) 0-1: 1 at the threshold, 0 where a probability is 0 or 1; log-odds scale it evenly on both sides."""
    p = np.clip(np.asarray(probs, float), 1e-6, 1 - 1e-6)
    t = min(max(threshold, 1e-6), 1 - 1e-6)
    odds = p / (1 - p) * (1 - t) / t
    return 4 * odds / (1 + odds) ** 2


def _one_of_each(features: np.ndarray, worth: np.ndarray, n: int, seed: int) -> np.ndarray:
    """Positions of the worthiest candidate of each of n clusters, which are drawn to where the worth lies."""
    from sklearn.cluster import KMeans

    weight = np.maximum(worth, 1e-9)
    clusters = KMeans(n, n_init=2, random_state=seed).fit_predict(np.asarray(features, float), sample_weight=weight)
    order = np.lexsort((-worth, clusters))
    first = order[np.unique(clusters[order], return_index=True)[1]]
    left = np.setdiff1d(np.arange(len(worth)), first)
    spare = left[np.argsort(-worth[left], kind="stable")][: n - len(first)]  # where patches are equal, clusters are few
    return np.concatenate([first, spare])


def _rank(values: np.ndarray) -> np.ndarray:
    """(N,) 0-1, the share of values that are smaller; ties alike."""
    order = np.sort(values)
    return np.searchsorted(order, values) / max(len(values) - 1, 1)
