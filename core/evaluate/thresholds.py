"""Thresholds that a fold's own labels have not chosen.

Each fold's threshold is learnt on the other folds, the deployed one on all; the best F1, the recall that is wanted, or
the least cost may choose. Every threshold's metrics at once: ``core.evaluate.sweep``.

The F1 curve is flat and jagged near its top, so its very highest point is mostly luck: on 7146 real Zindi scores the
highest points of five folds lie between 0.25 and 0.55. For calibrated probabilities the best threshold is known to be
half of the best F1 (Lipton, Elkan, Naryanaswamy 2014). Of all thresholds within TOLERANCE of the top we take the one
nearest to that: chosen on 1500 of those scores and judged on the others it gives 0.003 more F1 than the highest point,
on average over 100 draws.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from core.errors import ConfigError
from core.evaluate.calibration.fit import fit_platt, log_odds
from core.evaluate.metrics import check_labels, check_scores, metrics

TOLERANCE = 0.01  # of F1: about half a standard error at 1000 patches
NO_CHOICE = 0.5  # where labels of one class, or none, give nothing to choose by


Chooser = Callable[[np.ndarray, np.ndarray], float]  # labels (n,) 0/1, probs (n,) -> threshold


@dataclass(frozen=True)
class Nested:
    """A rule of choosing, judged on folds that did not choose.

    thresholds: (K,) fold k's, chosen on the other folds. deployed: chosen on all, for new patches. pred: (N,) int8 at
    the fold's threshold, -1 in no fold. metrics: of those decisions, plain numbers (``metrics.metrics``). folds: one
    dict a fold: fold, threshold and its metrics.
    """

    thresholds: tuple[float, ...]
    deployed: float
    pred: np.ndarray
    metrics: dict
    folds: list[dict]


def chooser(
    rule: str = "best_f1", *, recall: float = 0.95, cost_miss: float = 10.0, cost_alarm: float = 1.0
) -> Chooser:
    """A rule of choosing by name: ``best_f1``, ``recall`` (at least), ``cost`` (least), ``half`` (0.5, no choice).

    Raises ConfigError for another name or impossible values.
    """
    if not 0 < recall <= 1:
        raise ConfigError(f"A recall of {recall} cannot be asked for: give a share above 0 and at most 1.")
    if min(cost_miss, cost_alarm) < 0 or cost_miss + cost_alarm == 0:
        raise ConfigError("Costs must not be negative, and one of them must be above 0.")
    rules: dict[str, Chooser] = {
        "best_f1": best_f1_threshold,
        "recall": lambda labels, probs: recall_threshold(labels, probs, recall),
        "cost": lambda labels, probs: cost_threshold(labels, probs, cost_miss, cost_alarm),
        "half": lambda labels, probs: NO_CHOICE,
    }
    if rule not in rules:
        raise ConfigError(f"There is no threshold rule '{rule}'. Choose one of {', '.join(rules)}.")
    return rules[rule]


def nested(labels: np.ndarray, probs: np.ndarray, fold_of: np.ndarray, choose: Chooser) -> Nested:
    """Choose fold k's threshold on the other folds, decide fold k with it, judge all decisions together.

    labels: (N,) 0/1, or -1. probs: (N,) out-of-fold. fold_of: (N,) 0..K-1, or -1.
    """
    labels, probs, fold_of = np.asarray(labels), np.asarray(probs, np.float64), np.asarray(fold_of)
    usable = (labels >= 0) & (fold_of >= 0)
    thresholds = cross_fitted_thresholds(labels, probs, fold_of, choose)
    pred = decisions(probs, fold_of, thresholds)
    deployed = float(choose(labels[usable], probs[usable]))
    folds = []
    for k, threshold in enumerate(thresholds):
        part = usable & (fold_of == k)
        folds.append({"fold": k, **metrics(labels[part], probs[part], float(threshold), pred=pred[part])})
    return Nested(
        thresholds=tuple(map(float, thresholds)),
        deployed=deployed,
        pred=pred,
        metrics=metrics(labels[usable], probs[usable], deployed, pred=pred[usable]),
        folds=folds,
    )


def recall_threshold(labels: np.ndarray, probs: np.ndarray, recall: float) -> float:
    """The highest threshold whose recall on these patches is at least ``recall``.

    labels: (N,) 0/1. probs: (N,). It lies midway to the next lower probability. No positives: 0.5. It promises nothing
    of other patches: about half the time their recall is less (``core.evaluate.risk_control`` promises).
    """
    labels = check_labels(labels)
    probs = check_scores(probs, labels.size)
    positive = np.sort(probs[labels == 1])[::-1]
    if not positive.size:
        return NO_CHOICE
    least = positive[int(np.ceil(recall * positive.size - 1e-9)) - 1]  # 1e-9: 0.95 * 20 is 19.000000000000004
    distinct = np.unique(probs)
    return float(_midpoints(distinct)[np.searchsorted(distinct, least)])


def cost_threshold(labels: np.ndarray, probs: np.ndarray, cost_miss: float, cost_alarm: float) -> float:
    """The threshold of the least total cost on these patches, a miss and a false alarm costing as given.

    labels: (N,) 0/1. probs: (N,). Among equally cheap ones the nearest to cost_alarm / (cost_alarm + cost_miss), which
    is the best for calibrated probabilities. A threshold above all probabilities (nothing is called) may be cheapest.
    """
    labels = check_labels(labels)
    probs = check_scores(probs, labels.size)
    anchor = cost_alarm / (cost_alarm + cost_miss)
    if not labels.size:
        return anchor
    distinct, tie = np.unique(probs, return_inverse=True)
    missed = np.concatenate([[0.0], np.cumsum(np.bincount(tie, labels == 1))])  # below each candidate
    alarms = np.concatenate([np.cumsum(np.bincount(tie, labels == 0)[::-1])[::-1], [0.0]])
    cost = cost_miss * missed + cost_alarm * alarms
    above = distinct[-1] + 0.5 * (1 - distinct[-1]) if distinct[-1] < 1 else np.nextafter(1.0, 2.0)
    candidates = np.append(_midpoints(distinct), above)
    cheapest = candidates[cost <= cost.min() + 1e-9 * max(cost_miss, cost_alarm)]
    return float(cheapest[np.argmin(np.abs(cheapest - anchor))])


def best_f1_threshold(labels: np.ndarray, probs: np.ndarray) -> float:
    """The threshold of the best F1 when ``prob >= threshold`` is called positive, chosen so that it lasts.

    labels: (N,) 0/1. probs: (N,) in 0-1. Candidates lie midway between neighbouring distinct probabilities, and
    midway between 0 and the lowest (everything positive: all that constant scores allow). Of those whose F1 is within
    0.01 of the highest, the one nearest to half the highest F1 is taken, on the scale on which these probabilities
    are calibrated. One class only, or nothing: 0.5.
    """
    labels = check_labels(labels)
    probs = check_scores(probs, labels.size)
    if labels.size == 0 or labels.min() == labels.max():
        return NO_CHOICE
    distinct, tie = np.unique(probs, return_inverse=True)
    positives = np.bincount(tie, labels == 1)
    called = np.cumsum(np.bincount(tie)[::-1])[::-1]  # at or above each distinct probability
    hit = np.cumsum(positives[::-1])[::-1]
    f1 = 2 * hit / (called + positives.sum())
    thresholds = _midpoints(distinct)
    good = thresholds[f1 >= f1.max() - TOLERANCE]
    a, b = fit_platt(log_odds(probs), labels)
    anchor = (log_odds(f1.max() / 2) - b) / a
    return float(good[np.argmin(np.abs(log_odds(good) - anchor))])


def cross_fitted_thresholds(
    labels: np.ndarray, probs: np.ndarray, fold_of: np.ndarray, choose: Chooser = best_f1_threshold
) -> np.ndarray:
    """Fold k's threshold, by default of the best F1, learnt on every other fold.

    labels: (N,) 0/1, or -1 (unlabelled: not learnt from). probs: (N,) out-of-fold. fold_of: (N,) 0..K-1, or -1 (in no
    fold: not learnt from). Returns (K,) float64.
    """
    labels, probs, fold_of = np.asarray(labels), np.asarray(probs), np.asarray(fold_of)
    usable = (labels >= 0) & (fold_of >= 0)
    n_folds = int(fold_of.max(initial=-1)) + 1
    parts = [usable & (fold_of != k) for k in range(n_folds)]
    return np.array([choose(labels[part], probs[part]) for part in parts])


def decisions(probs: np.ndarray, fold_of: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    """Each patch's decision at its fold's threshold: (N,) int8 of 0 and 1, and -1 where it is in no fold."""
    fold_of = np.asarray(fold_of)
    if fold_of.max(initial=-1) < 0:
        return np.full(fold_of.shape, -1, dtype=np.int8)
    pred = np.asarray(probs) >= np.asarray(thresholds)[np.maximum(fold_of, 0)]
    return np.where(fold_of >= 0, pred, -1).astype(np.int8)


def _midpoints(distinct: np.ndarray) -> np.ndarray:
    """For each distinct probability, ascending, the threshold that lets it and all above through and none below."""
    below = np.concatenate([[min(0.0, distinct[0])], distinct[:-1]])
    middle = below + 0.5 * (distinct - below)
    return np.where(middle > below, middle, distinct)  # adjacent floats have nothing between them
