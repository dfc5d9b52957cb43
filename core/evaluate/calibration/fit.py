"""Platt scaling: from a head's decision values to probabilities of the positive class.

It never turns a ranking round: the slope is kept positive, so labels that are pure noise cannot make a fold's order
look informative in reverse. Temperature and isotonic scaling: ``core.evaluate.calibration.calibrators``.

Why the slope has a floor and the shares of the classes are equalised: fold k's scaling is learnt on the other folds.
When fold k happens to hold more positives the others hold fewer, their intercept is lower, and once the slope is near
zero (noise) intercepts alone order the patches: the pooled AUC of noise drops below one half. Weighting the other
folds to the share of positives of all folds removes the intercepts' part, the floor lets the scores speak.
"""

from __future__ import annotations

import numpy as np

from core.evaluate.metrics import check_labels, check_scores

SLOPE_FLOOR = 0.1  # change of log-odds per standard deviation of the scores: far below any useful head's (1 to 3)
MAX_STEPS = 100
EDGE = 1e-6  # probabilities are kept this far from 0 and 1 where their log-odds are taken


def fit_platt(scores: np.ndarray, labels: np.ndarray, positive_share: float | None = None) -> tuple[float, float]:
    """Slope a > 0 and intercept b of ``prob = 1 / (1 + exp(-(a * score + b)))``.

    scores: (N,) decision values. labels: (N,) 0/1. positive_share: weigh the classes to this share of positives; none
    keeps their own. Targets are Platt's (1999): (n_pos + 1) / (n_pos + 2) and 1 / (n_neg + 2), so that separable
    scores and a single class still have a finite answer. Constant scores get the smallest slope and the intercept of
    the share of positives. Newton's method with halved steps (Lin, Lin, Weng 2007).
    """
    labels = check_labels(labels)
    scores = check_scores(scores, labels.size)
    if not labels.size:
        return 1.0, 0.0  # nothing is known: the plain logistic
    # A spread below what float64 resolves at this magnitude is rounding, not information.
    spread = float(scores.std())
    scale = spread if spread > 1e-12 * max(1.0, float(np.abs(scores).max())) else 1.0
    centre = float(scores.mean())
    z = (scores - centre) / scale
    targets, weights = _targets(labels, positive_share)
    a, b = _newton(z, targets, weights, free_slope=True)
    if not a > SLOPE_FLOOR:
        a, b = _newton(z, targets, weights, free_slope=False)
    return a / scale, b - a * centre / scale


def apply_platt(scores: np.ndarray, a: np.ndarray | float, b: np.ndarray | float) -> np.ndarray:
    """Probabilities (N,) float64 in 0-1 of scores (N,); a, b: numbers, or (N,) where each patch has its own."""
    return _sigmoid(np.asarray(a) * np.asarray(scores, dtype=np.float64) + np.asarray(b))


def log_odds(probs: np.ndarray | float, edge: float = EDGE) -> np.ndarray:
    """Of probabilities kept ``edge`` away from 0 and 1; float64, of the same shape."""
    from scipy.special import logit

    return logit(np.clip(np.asarray(probs, np.float64), edge, 1 - edge))


def cross_fitted_platt(scores: np.ndarray, labels: np.ndarray, fold_of: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Each fold's probabilities by the scaling learnt on the other folds.

    scores: (N,) out-of-fold decision values. labels: (N,) 0/1, or -1 (unlabelled: scaled, not learnt from). fold_of:
    (N,) 0..K-1, or -1 (in no fold: nan). Returns probabilities (N,) float64 and slope with intercept (K, 2).
    Fold k's labels enter fold k's scaling through one number only, the share of positives of all folds together.
    """
    scores, labels, fold_of = np.asarray(scores, dtype=np.float64), np.asarray(labels), np.asarray(fold_of)
    usable = (labels >= 0) & (fold_of >= 0)
    share = float((labels[usable] == 1).mean()) if usable.any() else None
    probs = np.full(scores.shape, np.nan)
    params = np.zeros((int(fold_of.max(initial=-1)) + 1, 2))
    for k in range(len(params)):
        part = usable & (fold_of != k)
        params[k] = fit_platt(scores[part], labels[part], share)
        probs[fold_of == k] = apply_platt(scores[fold_of == k], *params[k])
    return probs, params


def _targets(labels: np.ndarray, positive_share: float | None) -> tuple[np.ndarray, np.ndarray]:
    n_pos = int(labels.sum())
    n_neg = labels.size - n_pos
    targets = np.where(labels == 1, (n_pos + 1) / (n_pos + 2), 1 / (n_neg + 2))
    if positive_share is None or n_pos == 0 or n_neg == 0:
        return targets, np.ones(labels.size)
    by_class = labels.size * np.array([(1 - positive_share) / n_neg, positive_share / n_pos])
    return targets, by_class[labels]


def _newton(z: np.ndarray, targets: np.ndarray, weights: np.ndarray, *, free_slope: bool) -> tuple[float, float]:
    """Minimum of the weighted cross-entropy over (a, b), or over b alone with the slope at its floor."""
    design = np.column_stack([z if free_slope else np.zeros_like(z), np.ones_like(z)])  # (N, 2)
    offset = 0.0 if free_slope else SLOPE_FLOOR * z
    share = float(np.average(targets, weights=weights))
    params = np.array([0.0, np.log(share / (1 - share))])
    value = _loss(design @ params + offset, targets, weights)
    for _ in range(MAX_STEPS):
        probs = _sigmoid(design @ params + offset)
        gradient = design.T @ (weights * (probs - targets))
        curvature = (design.T * (weights * probs * (1 - probs))) @ design + 1e-12 * np.eye(2)
        step = np.linalg.solve(curvature, gradient)
        if float(gradient @ step) < 1e-12 * max(1.0, value):
            break
        length = 1.0
        while length > 1e-10:
            trial = params - length * step
            trial_value = _loss(design @ trial + offset, targets, weights)
            if trial_value <= value - 1e-4 * length * float(gradient @ step):
                break
            length /= 2
        else:
            break  # no smaller value can be resolved
        params, value = trial, trial_value
    return (float(params[0]) if free_slope else SLOPE_FLOOR), float(params[1])


def _loss(logits: np.ndarray, targets: np.ndarray, weights: np.ndarray) -> float:
    return float((weights * (np.logaddexp(0.0, logits) - targets * logits)).sum())


def _sigmoid(logits: np.ndarray) -> np.ndarray:
    small = np.exp(-np.abs(logits))  # never overflows
    return np.where(logits >= 0, 1.0, small) / (1.0 + small)
