"""Bootstrap intervals of metrics, resampling whole groups so that patches of one scene are not counted as independent.

Comes in: labels, probabilities, decisions, groups. Goes out: a 95 % interval a metric. Decisions are held as they
are: the interval speaks of other patches of the same kind, not of training again.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from core.errors import DataError
from core.evaluate.metrics import METRIC_NAMES, check_labels, check_scores, rates, ratio

PERCENTILES = (2.5, 97.5)
MIN_DEFINED = 0.5  # share of resamples in which a metric must exist for its interval to be given
CHUNK = 100  # resamples at a time: bounds memory and stays in the processor's cache


def bootstrap_intervals(
    labels: np.ndarray,
    probs: np.ndarray,
    pred: np.ndarray,
    groups: np.ndarray | None = None,
    n_boot: int = 1000,
    seed: int = 0,
) -> dict[str, tuple[float, float]]:
    """95 % percentile interval of f1, auc, precision, recall, specificity and accuracy.

    labels: (N,) 0/1. probs: (N,) for the AUC. pred: (N,) 0/1, the decisions. groups: (N,) any labels, resampled
    whole; none resamples patches. (nan, nan) where fewer than half of the resamples define the metric, and
    everywhere when there are fewer than two groups.
    """
    samples = resampled_metrics(labels, [(pred, probs)], groups, n_boot, seed)[0]
    return {name: interval(samples[name]) for name in METRIC_NAMES}


def resampled_metrics(
    labels: np.ndarray,
    heads: list[tuple[np.ndarray, np.ndarray]],
    groups: np.ndarray | None,
    n_boot: int,
    seed: int,
) -> list[dict[str, np.ndarray]]:
    """Each head's metrics in the same n_boot resamples: one dict a head, metric -> (n_boot,), nan where undefined.

    heads: (pred (N,), probs (N,)) each, for the same patches.
    """
    labels = check_labels(labels)
    prepared = [_Head(labels, check_labels(pred), check_scores(probs, labels.size)) for pred, probs in heads]
    chunks: list[list[dict[str, np.ndarray]]] = [[] for _ in prepared]
    for weights in resample_weights(groups, labels.size, n_boot, seed):
        for head, parts in zip(prepared, chunks, strict=True):
            parts.append(head.metrics(weights))
    return [{name: np.concatenate([part[name] for part in parts]) for name in METRIC_NAMES} for parts in chunks]


def resample_weights(groups: np.ndarray | None, n: int, n_boot: int, seed: int) -> Iterator[np.ndarray]:
    """How often each patch is drawn when groups are drawn with replacement: (at most CHUNK, n) float64 at a time."""
    if groups is not None and len(groups) != n:
        raise DataError(f"There are {n} patches but {len(groups)} group names. One group a patch is needed.")
    group_of = np.arange(n) if groups is None else np.unique(np.asarray(groups), return_inverse=True)[1]
    n_groups = int(group_of.max(initial=-1)) + 1
    rng = np.random.default_rng(seed)
    for start in range(0, n_boot, CHUNK):
        rows = min(CHUNK, n_boot - start)
        drawn = rng.integers(n_groups, size=(rows, n_groups)) if n_groups else np.empty((rows, 0), dtype=np.int64)
        flat = (drawn + n_groups * np.arange(rows)[:, None]).ravel()
        counts = np.bincount(flat, minlength=rows * n_groups).reshape(rows, n_groups)
        if n_groups < 2:
            counts = np.zeros_like(counts)  # one group drawn again and again has no spread: undefined, not certain
        yield counts[:, group_of].astype(np.float64)


def interval(samples: np.ndarray) -> tuple[float, float]:
    """The 2.5 and 97.5 percentiles of the defined samples; (nan, nan) when fewer than half of them are defined."""
    defined = samples[np.isfinite(samples)]
    if not samples.size or defined.size < MIN_DEFINED * samples.size:
        return (float("nan"), float("nan"))
    low, high = np.percentile(defined, PERCENTILES)
    return (float(low), float(high))


class _Head:
    """One head's decisions and probabilities, sorted once for all resamples."""

    def __init__(self, labels: np.ndarray, pred: np.ndarray, probs: np.ndarray):
        cell = 2 * labels + pred
        self.cells = (cell[:, None] == np.arange(4)).astype(np.float64)  # (N, 4): tn, fp, fn, tp
        self.order = np.argsort(probs, kind="stable")
        ascending = probs[self.order]
        self.ties = np.flatnonzero(np.concatenate([[True], ascending[1:] > ascending[:-1]])) if probs.size else None
        self.positive = labels[self.order].astype(np.float64)

    def metrics(self, weights: np.ndarray) -> dict[str, np.ndarray]:
        counts = weights @ self.cells
        return {**rates(*counts.T), "auc": self.auc(weights)}

    def auc(self, weights: np.ndarray) -> np.ndarray:
        """AUC of each row of weights (R, N): pairs in the right order, ties counting half; nan without both classes."""
        if self.ties is None:
            return np.full(len(weights), np.nan)
        ordered = weights[:, self.order]
        n_pos = np.add.reduceat(ordered * self.positive, self.ties, axis=1)
        n_neg = np.add.reduceat(ordered * (1 - self.positive), self.ties, axis=1)
        right = (n_pos * (np.cumsum(n_neg, axis=1) - 0.5 * n_neg)).sum(axis=1)
        return ratio(right, n_pos.sum(axis=1) * n_neg.sum(axis=1))
