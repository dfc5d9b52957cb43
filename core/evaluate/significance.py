"""The difference of two heads on the same patches, with its interval.

Comes in: one set of labels, two heads' decisions and probabilities, groups. Goes out: the difference of F1 and of AUC
and its paired bootstrap interval. It does not say "better": an interval that holds 0 settles nothing.
"""

from __future__ import annotations

import numpy as np

from core.evaluate.intervals import interval, resampled_metrics
from core.evaluate.metrics import metrics


def paired_difference(
    labels: np.ndarray,
    pred_a: np.ndarray,
    probs_a: np.ndarray,
    pred_b: np.ndarray,
    probs_b: np.ndarray,
    groups: np.ndarray | None = None,
    n_boot: int = 1000,
    seed: int = 0,
) -> dict[str, dict[str, float]]:
    """``{"f1": {"difference", "lo", "hi"}, "auc": {...}}`` of a minus b, both seen in the same resamples.

    labels: (N,) 0/1. pred_*: (N,) 0/1 decisions. probs_*: (N,). groups: (N,), resampled whole; none resamples
    patches. lo, hi: the 95 % interval; nan where undefined.
    """
    first, second = resampled_metrics(labels, [(pred_a, probs_a), (pred_b, probs_b)], groups, n_boot, seed)
    point_a, point_b = metrics(labels, probs_a, pred=pred_a), metrics(labels, probs_b, pred=pred_b)
    result = {}
    for name in ("f1", "auc"):
        low, high = interval(first[name] - second[name])
        result[name] = {"difference": point_a[name] - point_b[name], "lo": low, "hi": high}
    return result
