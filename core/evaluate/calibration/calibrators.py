"""Three ways to make probabilities honest, each learnt on the other folds: temperature, Platt, isotonic.

Temperature keeps the decision at 0.5, Platt also moves it, isotonic bends freely and wants most data.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from core.errors import ConfigError, DataError
from core.evaluate.calibration.fit import EDGE, apply_platt, fit_platt, log_odds
from core.evaluate.calibration.reliability import BrierParts, brier_parts
from core.evaluate.intervals import bootstrap_intervals
from core.evaluate.metrics import check_labels, check_scores, metrics

METHODS = ("none", "temperature", "platt", "isotonic")
FEWEST = {"none": 0, "temperature": 5, "platt": 10, "isotonic": 50}  # patches of each class to learn from
LEAST, MOST = 0.01, 100.0  # of the factor on the log-odds that a temperature may be

Calibrator = Callable[[np.ndarray], np.ndarray]  # probabilities (n,) -> probabilities (n,)


@dataclass(frozen=True)
class Calibrated:
    """One way on one set. probs: (N,) cross-fitted, nan in no fold. reason: why it was left out, or "".

    values: ece, brier, log_loss, auc. intervals: of ece, brier, auc. parts: of the Brier score.
    """

    method: str
    probs: np.ndarray
    values: dict[str, float]
    intervals: dict[str, tuple[float, float]]
    parts: BrierParts
    reason: str = ""


def fit_calibrator(labels: np.ndarray, probs: np.ndarray, method: str) -> Calibrator:
    """A map from probabilities to calibrated ones, never turning a ranking round.

    labels: (N,) 0/1. probs: (N,) in 0-1. Raises DataError naming the number needed when a class has too few patches,
    ConfigError for an unknown method.
    """
    if method not in METHODS:
        raise ConfigError(f"There is no calibration '{method}'. Choose one of {', '.join(METHODS)}.")
    labels = check_labels(labels)
    probs = check_scores(probs, labels.size)
    n_pos = int(labels.sum())
    fewest = min(n_pos, labels.size - n_pos)
    if fewest < FEWEST[method]:
        raise DataError(
            f"Calibration by {method} needs at least {FEWEST[method]} patches of each class outside the fold it is "
            f"used in; there are {fewest}. Label more patches, or choose a simpler way."
        )
    if method == "none":
        return lambda new: np.asarray(new, np.float64)
    if method == "isotonic":
        x, y = fit_isotonic(probs, labels)
        return lambda new: np.interp(new, x, y)
    if method == "temperature":
        factor, offset = 1 / fit_temperature(labels, probs), 0.0
    else:
        factor, offset = fit_platt(log_odds(probs), labels)
    return lambda new: apply_platt(log_odds(new), factor, offset)


def cross_fitted(labels: np.ndarray, probs: np.ndarray, fold_of: np.ndarray, method: str) -> np.ndarray:
    """Each fold's probabilities by the calibrator learnt on the other folds.

    labels: (N,) 0/1, or -1. probs: (N,) out-of-fold. fold_of: (N,) 0..K-1, or -1. (N,) float64, nan in no fold.
    Platt's scaling of several folds pooled for ranking is ``calibration.cross_fitted_platt``, which levels intercepts.
    """
    labels, probs, fold_of = np.asarray(labels), np.asarray(probs, np.float64), np.asarray(fold_of)
    usable = (labels >= 0) & (fold_of >= 0)
    found = np.full(probs.shape, np.nan)
    for k in range(int(fold_of.max(initial=-1)) + 1):
        part = usable & (fold_of != k)
        found[fold_of == k] = fit_calibrator(labels[part], probs[part], method)(probs[fold_of == k])
    return found


def compare_calibrations(
    labels: np.ndarray,
    probs: np.ndarray,
    fold_of: np.ndarray,
    groups: np.ndarray | None = None,
    n_boot: int = 1000,
    seed: int = 0,
) -> list[Calibrated]:
    """Every way side by side, out of fold; one with too little data is there with its reason. labels: (N,) 0/1."""
    labels = check_labels(labels)
    rows = []
    for method in METHODS:
        try:
            new = cross_fitted(labels, probs, fold_of, method)
        except DataError as error:
            rows.append(_left_out(method, len(labels), str(error)))
            continue
        part = np.isfinite(new)
        found = metrics(labels[part], new[part])
        bounds = bootstrap_intervals(
            labels[part], new[part], new[part] >= 0.5, None if groups is None else groups[part], n_boot, seed
        )
        values = {name: found[name] for name in ("ece", "brier", "auc")}
        values |= {"log_loss": log_loss(labels[part], new[part])}
        chosen = {name: bounds[name] for name in ("ece", "brier", "auc")}
        rows.append(Calibrated(method, new, values, chosen, brier_parts(labels[part], new[part])))
    return rows


def _left_out(method: str, n: int, reason: str) -> Calibrated:
    nan = float("nan")
    values = dict.fromkeys(("ece", "brier", "log_loss", "auc"), nan)
    return Calibrated(method, np.full(n, nan), values, {}, BrierParts(nan, nan, nan, nan, nan), reason)


def fit_temperature(labels: np.ndarray, probs: np.ndarray) -> float:
    """T that minimises the cross-entropy of log-odds / T (Guo et al. 2017); above 1 cools overconfidence. 0.01 to 100.

    The derivative by 1 / T rises steadily, so that its zero is the minimum; it is looked for on a logarithmic scale.
    """
    from scipy.optimize import brentq

    z, labels = log_odds(probs), np.asarray(labels, np.float64)

    def slope(log_factor: float) -> float:
        return float((z * (apply_platt(z, np.exp(log_factor), 0.0) - labels)).sum())

    low, high = np.log(LEAST), np.log(MOST)
    if slope(low) >= 0:
        return 1 / LEAST
    if slope(high) <= 0:
        return 1 / MOST
    return float(np.exp(-brentq(slope, low, high, xtol=1e-14)))


def fit_isotonic(scores: np.ndarray, labels: np.ndarray, smoothing: float = 0.5) -> tuple[np.ndarray, np.ndarray]:
    """Knots x and y, both rising, of the closest rising function in squares; between knots it is a straight line.

    scores, labels: (N,). Outside the knots the nearest one holds. The share of a block of equal values is (hits +
    smoothing) / (n + 2 smoothing), so that no finite number of patches promises certainty.
    """
    from scipy.optimize import isotonic_regression

    distinct, tie = np.unique(np.asarray(scores, np.float64), return_inverse=True)
    hits, counts = np.bincount(tie, labels), np.bincount(tie).astype(float)
    starts = isotonic_regression(hits / counts, weights=counts).blocks  # (B + 1,) where each block begins, and the end
    hits, counts = np.add.reduceat(hits, starts[:-1]), np.add.reduceat(counts, starts[:-1])
    share = np.maximum.accumulate((hits + smoothing) / (counts + 2 * smoothing))
    ends = np.column_stack([starts[:-1], starts[1:] - 1])  # (B, 2)
    keep = np.column_stack([np.ones(len(ends), bool), ends[:, 0] != ends[:, 1]]).ravel()
    return distinct[ends.ravel()[keep]], np.repeat(share, 2)[keep]


def log_loss(labels: np.ndarray, probs: np.ndarray) -> float:
    """Mean cross-entropy in nats; probabilities are kept 1e-6 from 0 and 1."""
    clipped = np.clip(probs, EDGE, 1 - EDGE)
    return float(-np.mean(np.where(np.asarray(labels) == 1, np.log(clipped), np.log(1 - clipped))))
