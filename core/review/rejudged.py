"""The same answers under other labels: a run's metrics before and after its labels were corrected, with intervals.

Decisions and probabilities stay as they were; nothing is fitted or trained.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from core.arrays import pair
from core.errors import DataError
from core.evaluate.intervals import bootstrap_intervals, effective_groups_by_metric, resampled_metrics
from core.evaluate.metrics import metrics
from core.stats.intervals import t_interval

METRICS = ("f1", "auc", "precision", "recall", "specificity", "accuracy", "average_precision")
N_BOOT, SEED = 1000, 0


@dataclass(frozen=True)
class Row:
    """One metric of one head. before, after: of all patches that are labelled then, each with its 95 % interval.

    difference: after minus before on the patches that are labelled both times, with the interval of the same resamples.
    """

    head: str
    metric: str
    before: float
    before_interval: tuple[float, float]
    after: float
    after_interval: tuple[float, float]
    difference: float
    difference_interval: tuple[float, float]

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


@dataclass(frozen=True)
class Rejudged:
    """rows: by head and metric. n_before, n_after, n_both: labelled patches that the run has answers for.

    n_changed: of those the ones whose label changed. n_right: labels that were changed to what the headline says.
    """

    rows: tuple[Row, ...]
    n_before: int
    n_after: int
    n_both: int
    n_changed: int
    n_right: int


def rejudge(
    before: np.ndarray,
    after: np.ndarray,
    heads: Mapping[str, tuple[np.ndarray, np.ndarray]],
    groups: np.ndarray | None,
    headline: str,
) -> Rejudged:
    """Judge each head's out-of-fold answers by both sets of labels.

    before, after: (N,) 1, 0, or -1 for none. heads: by name decisions (N,) 0/1 and probabilities (N,). groups: (N,) or
    none, resampled whole. Raises DataError where one set has no labelled patch.
    """
    masks = before >= 0, after >= 0
    if not all(mask.any() for mask in masks):
        raise DataError("No patch that the run has answered for is labelled. Choose another version of the labels.")
    both = masks[0] & masks[1]
    rows = [row for name, answers in heads.items() for row in _rows(name, before, after, masks, both, answers, groups)]
    changed = both & (before != after)
    pred = heads[headline][0]
    return Rejudged(
        tuple(rows),
        int(masks[0].sum()),
        int(masks[1].sum()),
        int(both.sum()),
        int(changed.sum()),
        int((pred[changed] == after[changed]).sum()),
    )


def _rows(
    name: str,
    before: np.ndarray,
    after: np.ndarray,
    masks: tuple[np.ndarray, np.ndarray],
    both: np.ndarray,
    answers: tuple[np.ndarray, np.ndarray],
    groups: np.ndarray | None,
) -> list[Row]:
    pred, probs = answers
    whole = [
        _judged(labels[mask], probs[mask], pred[mask], None if groups is None else groups[mask])
        for labels, mask in zip((before, after), masks, strict=True)
    ]
    kept = None if groups is None else groups[both]
    points, samples, worth = [], [], []
    for labels in (before[both], after[both]):  # the same groups and seed: the same resamples
        points.append(metrics(labels, probs[both], pred=pred[both]))
        samples.append(resampled_metrics(labels, [(pred[both], probs[both])], kept, N_BOOT, SEED)[0])
        worth.append(effective_groups_by_metric(labels, pred[both], kept))
    found = []
    for metric in METRICS:
        difference = float(points[1][metric]) - float(points[0][metric])
        spread = t_interval(
            difference, samples[1][metric] - samples[0][metric], min(worth[0][metric], worth[1][metric])
        )
        sides = [(float(values[metric]), pair(intervals[metric])) for values, intervals in whole]
        found.append(Row(name, metric, *sides[0], *sides[1], difference, pair(spread)))
    return found


def _judged(
    labels: np.ndarray, probs: np.ndarray, pred: np.ndarray, groups: np.ndarray | None
) -> tuple[dict[str, Any], dict[str, tuple[float, float]]]:
    return metrics(labels, probs, pred=pred), bootstrap_intervals(labels, probs, pred, groups, N_BOOT, SEED)
