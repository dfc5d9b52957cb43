"""What a model's numbers become where landslides are as frequent as they really are.

Recall and the false alarm rate stay as they are where landslides and other ground look the same; precision, F1,
accuracy, alarms and calibrated probabilities change with the share of landslides. At equal classes a precision of 0.88
can be 0.11 where two patches in a hundred are landslides.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from core.errors import ConfigError
from core.evaluate.intervals import effective_groups_by_metric
from core.evaluate.metrics import check_labels, check_scores
from core.evaluate.thresholds import NO_CHOICE, TOLERANCE
from core.stats.bootstrap import resampled_counts
from core.stats.intervals import bounded_interval, t_interval

SHARES = ("precision", "f1", "accuracy")
PER_1000 = ("alarms_per_1000", "missed_per_1000", "false_per_1000")


def check_share(share: float) -> float:
    """The share of landslides as a number. Raises ConfigError unless it lies between 0 and 1."""
    try:
        value = float(share)
    except (TypeError, ValueError):
        value = np.nan
    if not 0 < value < 1:
        raise ConfigError(f"A prevalence of {share} makes no sense: give the share of landslides, such as 0.02.")
    return value


def at_share(recall: Any, false_rate: Any, share: float) -> dict[str, Any]:
    """Numbers where ``share`` of the patches are landslides; recall and false alarm rate: numbers or arrays.

    precision, f1, accuracy (0-1), and patches in 1000: alarms, missed, false. Undefined values are nan.
    """
    found = share * np.asarray(recall, np.float64)
    false = (1 - share) * np.asarray(false_rate, np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        precision = found / (found + false)
        f1 = 2 * found / (share + found + false)
    return {
        "precision": precision, "f1": f1, "accuracy": found + (1 - share) - false,
        "alarms_per_1000": 1000 * (found + false), "missed_per_1000": 1000 * (share - found),
        "false_per_1000": 1000 * false,
    }  # fmt: skip


def of_counts(cells: Mapping[str, int], share: float) -> dict[str, float]:
    """:func:`at_share` of counts tp, fn, fp, tn; nan where a class is missing."""
    positives, negatives = cells["tp"] + cells["fn"], cells["fp"] + cells["tn"]
    recall = cells["tp"] / positives if positives else np.nan
    false_rate = cells["fp"] / negatives if negatives else np.nan
    return {name: float(value) for name, value in at_share(recall, false_rate, share).items()}


def with_intervals(
    labels: np.ndarray,
    pred: np.ndarray,
    share: float,
    groups: np.ndarray | None = None,
    n_boot: int = 1000,
    seed: int = 0,
) -> dict[str, Any]:
    """:func:`of_counts` of decisions, with ``intervals``: name -> (lo, hi), 95 %, whole groups resampled.

    labels, pred: (N,) 0/1. groups: (N,) or none.
    """
    labels, pred, share = check_labels(labels), check_labels(pred), check_share(share)
    cell = 2 * labels.astype(np.int64) + pred
    counts = np.bincount(cell, minlength=4)
    own = of_counts({"tn": counts[0], "fp": counts[1], "fn": counts[2], "tp": counts[3]}, share)
    drawn = resampled_counts((cell[:, None] == np.arange(4)).astype(np.float64), groups, n_boot, seed)
    with np.errstate(invalid="ignore", divide="ignore"):
        recall = drawn[:, 3] / (drawn[:, 2] + drawn[:, 3])
        false_rate = drawn[:, 1] / (drawn[:, 0] + drawn[:, 1])
    samples = at_share(recall, false_rate, share)
    worth = effective_groups_by_metric(labels, pred, groups)
    intervals = {name: bounded_interval(own[name], samples[name], worth[name], 0.0, 1.0) for name in SHARES}
    intervals |= {name: t_interval(own[name], samples[name], worth["accuracy"]) for name in PER_1000}
    ends = {name: (float(max(lo, 0.0)), float(hi)) for name, (lo, hi) in intervals.items()}
    return {"share": share, **own, "n": int(labels.size), "n_positive": int(labels.sum()), "intervals": ends}


def shifted(probs: np.ndarray, own_share: float, share: float) -> np.ndarray:
    """Calibrated probabilities (N,) where the share of landslides is another (Saerens, Latinne, Decaestecker 2002)."""
    probs = np.asarray(probs, np.float64)
    up, down = share / own_share, (1 - share) / (1 - own_share)
    return probs * up / (probs * up + (1 - probs) * down)


def best_f1_threshold_at(labels: np.ndarray, probs: np.ndarray, share: float) -> float:
    """The threshold on ``probs`` with the best F1 at another share of landslides; 0.5 with one class only.

    labels: (N,) 0/1. probs: (N,). Of all thresholds within 0.01 of the best F1 the middle one is taken: the top is
    flat.
    """
    labels = check_labels(labels)
    probs = check_scores(probs, labels.size)
    if not labels.size or labels.min() == labels.max():
        return NO_CHOICE
    distinct, tie = np.unique(probs, return_inverse=True)
    hit, false = (np.cumsum(np.bincount(tie, labels == kind)[::-1])[::-1] for kind in (1, 0))
    f1 = at_share(hit / hit[0], false / false[0], check_share(share))["f1"]
    good = np.flatnonzero(f1 >= f1.max() - TOLERANCE)
    best = good[len(good) // 2]
    below = distinct[best - 1] if best else min(0.0, distinct[0])
    return float(below + 0.5 * (distinct[best] - below))
