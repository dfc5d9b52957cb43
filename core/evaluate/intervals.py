"""95 % intervals of metrics from resamples of whole groups, so that patches of one scene do not count as independent.

Decisions are held as they are: the intervals do not include variation between training runs. How resamples become an
interval: ``core.stats.intervals``. The effective number of groups is that behind the metric's denominator: for recall
the groups with positives count, for precision those with alarms.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from core.evaluate.calibration.ece_interval import ece_interval
from core.evaluate.metrics import ECE_BINS, METRIC_NAMES, check_labels, check_scores, ece_bin, metrics, rates, ratio
from core.stats.bootstrap import by_group, group_draws, group_index, kish
from core.stats.intervals import bounded_interval


def bootstrap_intervals(
    labels: np.ndarray,
    probs: np.ndarray,
    pred: np.ndarray,
    groups: np.ndarray | None = None,
    n_boot: int = 1000,
    seed: int = 0,
) -> dict[str, tuple[float, float]]:
    """95 % interval of every one of ``METRIC_NAMES``.

    labels: (N,) 0/1. probs: (N,) for what is of probabilities. pred: (N,) 0/1, the decisions. groups: (N,) any labels,
    resampled whole; none resamples patches. (nan, nan) where fewer than half of the resamples define the metric, and
    everywhere when there are fewer than two groups.
    """
    labels = check_labels(labels)
    samples = resampled_metrics(labels, [(pred, probs)], groups, n_boot, seed)[0]
    worth = effective_groups_by_metric(labels, check_labels(pred), groups)
    point = metrics(labels, probs, pred=pred)
    found = {name: interval(point[name], samples[name], worth[name], name) for name in METRIC_NAMES if name != "ece"}
    found["ece"] = ece_interval(labels, probs, groups, n_boot, seed)
    return {name: found[name] for name in METRIC_NAMES}


def resampled_metrics(
    labels: np.ndarray,
    heads: Sequence[tuple[np.ndarray, np.ndarray]],
    groups: np.ndarray | None,
    n_boot: int,
    seed: int,
) -> list[dict[str, np.ndarray]]:
    """Each head's metrics in the same n_boot resamples: one dict a head, metric -> (n_boot,), nan where undefined.

    heads: (pred (N,), probs (N,)) each, for the same patches.
    """
    labels = check_labels(labels)
    group_of, n_groups = group_index(groups, labels.size)
    prepared = [
        _Head(labels, check_labels(pred), check_scores(probs, labels.size), group_of, n_groups) for pred, probs in heads
    ]
    return _drawn(prepared, n_groups, n_boot, seed)


def resampled_sets(
    sets: Sequence[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]], n_boot: int, seed: int
) -> list[dict[str, np.ndarray]]:
    """Metrics of several sets of patches in the same n_boot resamples of the groups of all of them together.

    sets: labels, pred, probs and groups, (N,) each, of as many patches as that set has; a group of one name in two sets
    is the same group, and is drawn as often in both. One dict a set, as :func:`resampled_metrics`.
    """
    names, index = np.unique(np.concatenate([np.asarray(groups, str) for *_, groups in sets]), return_inverse=True)
    ends = np.cumsum([len(groups) for *_, groups in sets])
    prepared = []
    for (labels, pred, probs, _), of in zip(sets, np.split(index, ends[:-1]), strict=True):
        labels = check_labels(labels)
        prepared.append(_Head(labels, check_labels(pred), check_scores(probs, labels.size), of, len(names)))
    return _drawn(prepared, len(names), n_boot, seed)


def effective_groups_by_metric(labels: np.ndarray, pred: np.ndarray, groups: np.ndarray | None) -> dict[str, float]:
    """By metric: the effective number of groups behind its denominator (see the module)."""
    group_of, n_groups = group_index(groups, labels.size)
    tn, fp, fn, tp = by_group(_cells(labels, pred), group_of, n_groups).T
    positives, negatives, everyone = kish(tp + fn), kish(tn + fp), kish(tn + fp + fn + tp)
    both = min(positives, negatives)
    found = dict.fromkeys(METRIC_NAMES, both)
    return found | {
        "f1": kish(2 * tp + fp + fn),
        "precision": kish(tp + fp),
        "recall": positives,
        "specificity": negatives,
        "accuracy": everyone,
        "brier": everyone,
    }


def interval(point: float, samples: np.ndarray, n_groups: float, name: str = "f1") -> tuple[float, float]:
    """The 95 % interval of the metric ``name`` with value ``point``, from resamples of ``n_groups`` effective groups.

    Of ECE, which resamples do not scatter about, see ``core.evaluate.calibration.ece_interval``.
    """
    return bounded_interval(point, samples, n_groups, -1.0 if name == "mcc" else 0.0, 1.0)


def _drawn(heads: Sequence[_Head], n_groups: int, n_boot: int, seed: int) -> list[dict[str, np.ndarray]]:
    """Every head's metrics in the same resamples."""
    chunks: list[list[dict[str, np.ndarray]]] = [[] for _ in heads]
    for draws in group_draws(n_groups, n_boot, seed):
        for head, parts in zip(heads, chunks, strict=True):
            parts.append(head.metrics(draws))
    return [{name: np.concatenate([part[name] for part in parts]) for name in METRIC_NAMES} for parts in chunks]


def _cells(labels: np.ndarray, pred: np.ndarray) -> np.ndarray:
    return ((2 * labels + pred)[:, None] == np.arange(4)).astype(np.float64)  # (N, 4): tn, fp, fn, tp


class _Head:
    """One head's decisions and probabilities, added up by group and sorted once for all resamples."""

    def __init__(self, labels: np.ndarray, pred: np.ndarray, probs: np.ndarray, group_of: np.ndarray, n_groups: int):
        squared = (probs - labels) ** 2
        gaps = (ece_bin(probs)[:, None] == np.arange(ECE_BINS)) * (labels - probs)[:, None]  # (N, bins)
        parts = np.concatenate([_cells(labels, pred), squared[:, None], gaps], axis=1)
        self.parts = by_group(parts, group_of, n_groups)
        order = np.argsort(-probs, kind="stable")
        self.group_of = group_of[order]
        descending = probs[order]
        self.starts = np.flatnonzero(np.concatenate([[True], descending[1:] < descending[:-1]]))  # of tied scores
        self.positive = labels[order].astype(np.float64)

    def metrics(self, draws: np.ndarray) -> dict[str, np.ndarray]:
        """Of each row of draws (R, G)."""
        if not self.positive.size:
            return {name: np.full(len(draws), np.nan) for name in METRIC_NAMES}
        sums = draws @ self.parts
        n = sums[:, :4].sum(axis=1)
        return {
            **rates(*sums[:, :4].T),
            "brier": ratio(sums[:, 4], n),
            "ece": ratio(np.abs(sums[:, 5:]).sum(axis=1), n),
            **self._areas(draws),
        }

    def _areas(self, draws: np.ndarray) -> Mapping[str, np.ndarray]:
        """Areas under both curves: sums over distinct scores, descending, of what each adds."""
        weights = draws[:, self.group_of]
        hit = weights * self.positive
        if self.starts.size < self.positive.size:
            hit, weights = np.add.reduceat(hit, self.starts, axis=1), np.add.reduceat(weights, self.starts, axis=1)
        tp, called = np.cumsum(hit, axis=1), np.cumsum(weights, axis=1)
        n_pos, n = tp[:, -1], called[:, -1]
        false = weights - hit
        right = (false * (tp - 0.5 * hit)).sum(axis=1)  # ties count half
        precision = np.divide(tp, called, out=np.zeros_like(tp), where=called > 0)
        found = ratio((hit * precision).sum(axis=1), n_pos)
        both = (n_pos > 0) & (n_pos < n)
        return {
            "auc": ratio(right, n_pos * (n - n_pos)),
            "average_precision": np.where(both, found, np.nan),
        }
