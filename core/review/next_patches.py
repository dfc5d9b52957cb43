"""Which patches to label next, so that a batch of labels teaches the most: uncertain, novel and unlike each other.

Probabilities and embeddings of unlabelled patches, or scene cells, come in; a batch goes out. The choice is that of
Zhdanov (2019, "Diverse mini-batch active learning"): of the most informative candidates one from each of n clusters,
where informative means uncertain here and, less so, far from everything that is labelled.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.errors import DataError

BETA = 5  # candidates for each patch of the batch
NOVELTY = 0.25  # weight of being far from what is labelled, beside being uncertain


@dataclass(frozen=True)
class Kinds:
    """One of each kind. index: (n,) positions among the candidates, the worthiest first.

    kind: (n,) the cluster that each is of, from 0. alike: (n,) how many candidates that cluster holds beside it.
    """

    index: np.ndarray
    kind: np.ndarray
    alike: np.ndarray


def uncertain(probs: np.ndarray, threshold: float = 0.5) -> np.ndarray:
    """(N,) 0-1: 1 at the threshold, 0 where a probability is 0 or 1; log-odds scale it evenly on both sides."""
    p = np.clip(np.asarray(probs, float), 1e-6, 1 - 1e-6)
    t = min(max(threshold, 1e-6), 1 - 1e-6)
    odds = p / (1 - p) * (1 - t) / t
    return 4 * odds / (1 + odds) ** 2


def ranks(distance: np.ndarray) -> np.ndarray:
    """(N,) 0-1, the share of distances that are smaller; ties alike."""
    order = np.sort(distance)
    return np.searchsorted(order, distance) / max(len(distance) - 1, 1)


def worth_of(uncertainty: np.ndarray, novelty: np.ndarray | None, weight: float = NOVELTY) -> np.ndarray:
    """(N,) 0-1: the weighted mean of uncertainty and novelty (see :func:`ranks`); uncertainty where that is unknown."""
    return uncertainty if novelty is None else (1 - weight) * uncertainty + weight * novelty


def worthiest(worth: np.ndarray, n: int) -> np.ndarray:
    """Positions of the ``BETA`` times n candidates with the highest worth (N,), the highest first.

    Raises DataError without candidates.
    """
    if not len(worth):
        raise DataError("There is nothing to choose from: everything here has a label already.")
    return np.lexsort((np.arange(len(worth)), -worth))[: BETA * n]


def one_of_each(features: np.ndarray, worth: np.ndarray, n: int, seed: int = 0) -> Kinds:
    """The worthiest candidate of each of n clusters, which are drawn to where the worth lies; all where there are few.

    features: (m, D) rows between which Euclidean distance means likeness, of one network. worth: (m,) in 0-1.
    """
    if len(worth) <= n:
        order = np.argsort(-worth, kind="stable")
        return Kinds(order, np.arange(len(order)), np.zeros(len(order), int))
    from sklearn.cluster import KMeans

    weight = np.maximum(worth, 1e-9)
    clusters = KMeans(n, n_init=2, random_state=seed).fit_predict(np.asarray(features, float), sample_weight=weight)
    order = np.lexsort((-worth, clusters))
    first = order[np.unique(clusters[order], return_index=True)[1]]
    left = np.setdiff1d(np.arange(len(worth)), first)
    spare = left[np.argsort(-worth[left], kind="stable")][: n - len(first)]  # where patches are equal, clusters are few
    chosen = np.concatenate([first, spare])
    chosen = chosen[np.argsort(-worth[chosen], kind="stable")]
    return Kinds(chosen, clusters[chosen], np.bincount(clusters, minlength=n)[clusters[chosen]] - 1)


def reason(prob: float, threshold: float, novelty: float | None, alike: int) -> str:
    """Why one patch was chosen, in plain words.

    novelty: share of the candidates that lie nearer to training. alike: other candidates of its cluster.
    """
    words = [f"p {prob:.2f} beside the threshold {threshold:.2f}"]
    if novelty is not None and np.isfinite(novelty):
        share = "99%" if novelty > 0.99 else f"{novelty:.0%}"
        words.append(f"farther from training than {share} of the others")
    if alike:
        words.append(f"stands for {alike:,} like it")
    return "; ".join(words)


@dataclass(frozen=True)
class Gain:
    """Average precision above that of labels drawn at random, with its 95 % interval over seeds, on one data set."""

    data: str
    mean: float
    low: float
    high: float


# By the share of landslides: the simulation of benchmarks/experiments/review/next_patches.py, from 20 to 300 labels.
MEASURED = {
    0.05: (Gain("Landslide4Sense", 0.133, 0.110, 0.156), Gain("Bijie", 0.135, 0.112, 0.157)),
    0.10: (Gain("Landslide4Sense", 0.113, 0.094, 0.131), Gain("Bijie", 0.098, 0.082, 0.115)),
    0.25: (Gain("Landslide4Sense", 0.041, 0.031, 0.052), Gain("Bijie", 0.037, 0.030, 0.044)),
    0.50: (Gain("Landslide4Sense", 0.003, -0.003, 0.008),),
}


def measured_near(share: float) -> tuple[float, tuple[Gain, ...]]:
    """What was measured where landslides are about as frequent as this share: that share, and a gain a data set."""

    def odds(p: float) -> float:
        return float(np.log(max(p, 1e-6) / max(1 - p, 1e-6)))

    nearest = min(MEASURED, key=lambda one: abs(odds(one) - odds(share)))
    return nearest, MEASURED[nearest]
