"""How members' probabilities become one: non-negative logistic stacking, or a plain average, of their log-odds.

Both begin with each member's log-odds by Platt scaling, so that one that is always very sure does not drown the others.
``average`` takes their mean, ``stack`` a weighted sum with weights of at least 0 that maximise the likelihood (Wolpert
1992; non-negative as in Breiman 1996: a member that repeats another is left out instead of being subtracted). A ridge
of ``RIDGE`` holds what each member adds near what it adds to the average: it decides where there are few patches, and
keeps weights finite where members separate the classes.

Everything is fitted on the other folds and applied to a fold. As in ``core.evaluate.calibration.fit`` the classes of
the other folds are weighted to the share of all folds, so that noise does not get a pooled AUC below one half.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from core.errors import LabelError
from core.evaluate.calibration.fit import fit_platt
from core.evaluate.metrics import check_labels

Method = Literal["stack", "average"]
METHODS: tuple[Method, ...] = ("stack", "average")
RIDGE = 1.0  # against the log-likelihood's sum over patches: as one patch's worth
LEAST = 1e-3  # of log-odds: below it no member tells anything, and the average stands in


@dataclass(frozen=True)
class Combination:
    """From members' log-odds to one.

    slopes, shifts: (M,) Platt scaling. weights: (M,) from 0, of the scaled log-odds. intercept: a number. spreads: (M,)
    standard deviation of the scaled log-odds: what a member that tells little is worth even at a large weight.
    """

    slopes: tuple[float, ...]
    shifts: tuple[float, ...]
    weights: tuple[float, ...]
    intercept: float
    spreads: tuple[float, ...]

    @property
    def shares(self) -> np.ndarray:
        """(M,) each member's part in the combined log-odds, its weight times its spread; they sum to 1."""
        adds = np.asarray(self.weights) * self.spreads
        return adds / adds.sum() if adds.sum() > 0 else np.full(len(adds), 1 / len(adds))

    def log_odds(self, members: np.ndarray) -> np.ndarray:
        """(N,) of members' log-odds (M, N); nan where one of them is."""
        scaled = np.asarray(self.slopes)[:, None] * members + np.asarray(self.shifts)[:, None]
        return np.asarray(self.weights) @ scaled + self.intercept

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Combination:
        """The inverse of :meth:`to_dict`."""
        parts = {key: tuple(map(float, values[key])) for key in ("slopes", "shifts", "weights", "spreads")}
        return cls(intercept=float(values["intercept"]), **parts)


@dataclass(frozen=True)
class CrossFitted:
    """scores: (N,) log-odds, each fold's by ``folds[k]``, learnt on the others. deployed: learnt on all patches."""

    scores: np.ndarray
    folds: tuple[Combination, ...]
    deployed: Combination


def fit(labels: np.ndarray, members: np.ndarray, method: Method, share: float | None = None) -> Combination:
    """The combination that suits these patches best.

    labels: (N,) 0/1, both there. members: (M, N) log-odds, finite. share: of positives, to which the classes are
    weighted; none: their own.
    """
    labels = check_labels(labels)
    n_pos, n = int(labels.sum()), labels.size
    if not 0 < n_pos < n:
        raise LabelError(f"Weights cannot be learnt: {n_pos} of the {n} patches are positive. Both classes are needed.")
    platt = np.array([fit_platt(one, labels, share) for one in members])
    slopes, shifts = platt[:, 0], platt[:, 1]
    scaled = slopes[:, None] * members + shifts[:, None]
    spreads, equal = scaled.std(axis=1), np.full(len(members), 1 / len(members))
    if method == "average":
        slope, intercept = fit_platt(equal @ scaled, labels, share)
        weights = slope * equal
    else:
        weights, intercept = _stacked(labels, scaled, spreads, n_pos / n if share is None else share)
        if weights @ spreads < LEAST:
            weights, intercept = equal, 0.0
    a, b, w, s = (tuple(map(float, one)) for one in (slopes, shifts, weights, spreads))
    return Combination(a, b, w, float(intercept), s)


def cross_fit(labels: np.ndarray, members: np.ndarray, fold_of: np.ndarray, method: Method) -> CrossFitted:
    """Each fold's patches by the combination that the other folds' patches have taught.

    labels: (N,) 0/1. members: (M, N) out-of-fold log-odds. fold_of: (N,) 0..K-1, at least two folds.

    Raises LabelError where the other folds of one hold one class only.
    """
    labels, share = check_labels(labels), float(np.mean(labels))
    scores, folds = np.full(labels.size, np.nan), []
    for k in range(int(fold_of.max()) + 1):
        other = fold_of != k
        folds.append(fit(labels[other], members[:, other], method, share))
        scores[~other] = folds[-1].log_odds(members[:, ~other])
    return CrossFitted(scores, tuple(folds), fit(labels, members, method, share))


def _stacked(labels: np.ndarray, scaled: np.ndarray, spreads: np.ndarray, share: float) -> tuple[np.ndarray, float]:
    """Weights (M,) of at least 0 and the intercept of the least weighted cross-entropy with its ridge."""
    from scipy.optimize import minimize
    from scipy.special import expit

    n, n_pos, n_members = labels.size, int(labels.sum()), len(scaled)
    by_class = n * np.array([(1 - share) / (n - n_pos), share / n_pos])
    worth, usual = by_class[labels], spreads / n_members
    per_spread = np.where(spreads > 0, spreads, 1.0)
    unit = scaled / per_spread[:, None]

    def loss(params: np.ndarray) -> tuple[float, np.ndarray]:
        adds, intercept = params[:-1], params[-1]
        logits = adds @ unit + intercept
        value = worth @ (np.logaddexp(0.0, logits) - labels * logits)
        pull = worth * (expit(logits) - labels)
        gradient = np.append(unit @ pull + RIDGE * (adds - usual), pull.sum())
        return value + 0.5 * RIDGE * float(((adds - usual) ** 2).sum()), gradient

    bounds = [(0.0, None)] * n_members + [(None, None)]
    options = {"ftol": 1e-15, "gtol": 1e-8, "maxiter": 1000}
    found = minimize(loss, np.append(usual, 0.0), jac=True, method="L-BFGS-B", bounds=bounds, options=options)
    return found.x[:-1] / per_spread, float(found.x[-1])
