"""Out-of-fold scores of every head, judged: probabilities, decisions, metrics with intervals, differences.

The decision values are of patches that the models have not seen. Calibration and thresholds of fold k are learnt from
the other folds' scores only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.evaluate.calibration.fit import apply_platt, cross_fitted_platt
from core.evaluate.comparison.significance import paired_difference
from core.evaluate.intervals import bootstrap_intervals
from core.evaluate.metrics import metrics
from core.evaluate.thresholds import best_f1_threshold, cross_fitted_thresholds, decisions

HALF = 0.5


@dataclass(frozen=True)
class Rule:
    """From a decision value to a probability and a decision, for one head.

    slope, intercept: (K,) each fold's Platt scaling; none where the score is a log-odds already (a softmax's).
    thresholds: (K,) in 0-1. deployed: the threshold for new patches, learnt on all out-of-fold probabilities.
    """

    slope: tuple[float, ...] | None
    intercept: tuple[float, ...] | None
    thresholds: tuple[float, ...]
    deployed: float

    def log_odds(self, scores: np.ndarray, fold: int) -> np.ndarray:
        """Log-odds (N,) of fold ``fold``'s decision values (N,)."""
        if self.slope is None or self.intercept is None:
            return np.asarray(scores, np.float64)
        return self.slope[fold] * np.asarray(scores, np.float64) + self.intercept[fold]

    def to_dict(self) -> dict:
        """Plain values for JSON."""
        return {
            "slope": self.slope,
            "intercept": self.intercept,
            "thresholds": self.thresholds,
            "deployed": self.deployed,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Rule:
        """The inverse of :meth:`to_dict`."""
        pair = [None if values[key] is None else tuple(values[key]) for key in ("slope", "intercept")]
        return cls(pair[0], pair[1], tuple(values["thresholds"]), values["deployed"])


@dataclass(frozen=True)
class HeadJudgement:
    """One head, out of fold. probs: (N,) float64; pred: (N,) int8 at the fold's threshold; metrics: plain numbers."""

    rule: Rule
    probs: np.ndarray
    pred: np.ndarray
    metrics: dict[str, Any]
    intervals: dict[str, tuple[float, float]]
    folds: list[dict[str, Any]]


def judge_head(
    labels: np.ndarray,
    scores: np.ndarray,
    fold_of: np.ndarray,
    groups: np.ndarray | None,
    *,
    threshold: str,
    is_log_odds: bool,
) -> HeadJudgement:
    """Judge one head's out-of-fold scores.

    labels: (N,) 0/1. scores: (N,) decision values. fold_of: (N,) 0..K-1. groups: (N,) or none. threshold: "best_f1"
    (cross-fitted) or "half". is_log_odds: the scores are a softmax's logit differences, used as they are. With one fold
    there are no others to learn from: the head's own boundary decides (probability 0.5, plain logistic).
    """
    rule, probs, pred = decide(labels, scores, fold_of, threshold=threshold, is_log_odds=is_log_odds)
    per_fold = [
        metrics(labels[fold_of == k], probs[fold_of == k], rule.thresholds[k], pred=pred[fold_of == k])
        for k in range(len(rule.thresholds))
    ]
    return HeadJudgement(
        rule=rule,
        probs=probs,
        pred=pred,
        metrics=metrics(labels, probs, rule.deployed, pred=pred),
        intervals=bootstrap_intervals(labels, probs, pred, groups),
        folds=[{"fold": k, **values} for k, values in enumerate(per_fold)],
    )


def decide(
    labels: np.ndarray, scores: np.ndarray, fold_of: np.ndarray, *, threshold: str, is_log_odds: bool
) -> tuple[Rule, np.ndarray, np.ndarray]:
    """The rule of :func:`judge_head`, and the probabilities (N,) and decisions (N,) that it gives."""
    n_folds = int(fold_of.max()) + 1
    slope = intercept = None
    if is_log_odds:
        probs = apply_platt(scores, 1.0, 0.0)
    else:
        probs, params = cross_fitted_platt(scores, labels, fold_of)
        slope, intercept = tuple(map(float, params[:, 0])), tuple(map(float, params[:, 1]))
    if threshold == "half" or n_folds == 1:
        thresholds, deployed = np.full(n_folds, HALF), HALF
    else:
        thresholds, deployed = cross_fitted_thresholds(labels, probs, fold_of), best_f1_threshold(labels, probs)
    rule = Rule(slope, intercept, tuple(map(float, thresholds)), float(deployed))
    return rule, probs, decisions(probs, fold_of, thresholds)


def difference(
    labels: np.ndarray, a: HeadJudgement, b: HeadJudgement, groups: np.ndarray | None
) -> dict[str, dict[str, float]]:
    """F1 and AUC of ``a`` minus ``b`` with 95 % intervals, both seen in the same resamples of groups."""
    return paired_difference(labels, a.pred, a.probs, b.pred, b.probs, groups)


def judge_answer(labels: np.ndarray, probs: np.ndarray, threshold: float, groups: np.ndarray | None) -> dict[str, Any]:
    """Metrics of probabilities on patches that are in no fold, at a threshold learnt elsewhere, with intervals.

    labels: (N,) 0/1. probs: (N,). groups: (N,) or none.
    """
    pred = (probs >= threshold).astype(np.int8)
    intervals = bootstrap_intervals(labels, probs, pred, groups)
    return {**metrics(labels, probs, threshold), "f1_interval": intervals["f1"], "intervals": intervals}
