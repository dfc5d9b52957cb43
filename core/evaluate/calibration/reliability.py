"""What probabilities promise against what happened: the reliability diagram and the parts of the Brier score.

numpy only until an interval of groups is asked for: the dashboard imports this module.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.errors import ConfigError, DataError
from core.evaluate.metrics import check_labels, check_scores, ece_bin
from core.stats.design_effect import design_effect, wilson

FEWEST = 20  # patches a bin, on average, below which a point says next to nothing


@dataclass(frozen=True)
class Reliability:
    """Points of a reliability diagram, ordered by probability; (B,) each, empty bins left out.

    prob: mean probability. share: share of positives. lo, hi: its 95 % interval (Wilson, groups minded). n: patches.
    left, right: the range of probabilities in the bin.
    """

    prob: np.ndarray
    share: np.ndarray
    lo: np.ndarray
    hi: np.ndarray
    n: np.ndarray
    left: np.ndarray
    right: np.ndarray


@dataclass(frozen=True)
class BrierParts:
    """Murphy's parts (1973): brier = reliability - resolution + uncertainty + within.

    reliability: how far promises are from what happened, less is better. resolution: how far the bins' shares lie
    apart, more is better. uncertainty: that of always promising the share of positives. within: what binning hides.
    """

    brier: float
    reliability: float
    resolution: float
    uncertainty: float
    within: float


def reliability(
    labels: np.ndarray,
    probs: np.ndarray,
    n_bins: int = 10,
    *,
    bins: str = "mass",
    groups: np.ndarray | None = None,
) -> Reliability:
    """The diagram in at most n_bins bins of equal count (``mass``) or of equal width over 0-1 (``width``).

    labels: (N,) 0/1. probs: (N,). groups: (N,) or none. Equal probabilities may fall into neighbouring bins of equal
    count. Raises DataError for fewer than 20 patches in all: no point could be told from any other (FAULTS 21).
    """
    labels = check_labels(labels)
    probs = check_scores(probs, labels.size)
    if labels.size < FEWEST:
        raise DataError(f"A reliability diagram needs at least {FEWEST} labelled patches; there are {labels.size}.")
    parts = _parts(probs, n_bins, bins)
    rows = np.array([_point(labels[part], probs[part], None if groups is None else groups[part]) for part in parts])
    of_bin, observed, low, high, n, left, right = rows.T
    return Reliability(of_bin, observed, low, high, n.astype(np.int64), left, right)


def brier_parts(labels: np.ndarray, probs: np.ndarray, n_bins: int = 10, *, bins: str = "mass") -> BrierParts:
    """The Brier score taken apart over the same bins as the diagram. nan without patches."""
    labels = check_labels(labels)
    probs = check_scores(probs, labels.size)
    if not labels.size:
        return BrierParts(*(float("nan"),) * 5)
    total = float(np.mean((probs - labels) ** 2))
    share, off, apart = float(labels.mean()), 0.0, 0.0
    for part in _parts(probs, n_bins, bins):
        weight, mean = part.size / labels.size, labels[part].mean()
        off += weight * (probs[part].mean() - mean) ** 2
        apart += weight * (mean - share) ** 2
    uncertainty = share * (1 - share)
    return BrierParts(total, float(off), float(apart), uncertainty, total - float(off) + float(apart) - uncertainty)


def _parts(probs: np.ndarray, n_bins: int, bins: str) -> list[np.ndarray]:
    order = np.argsort(probs, kind="stable")
    if bins == "mass":
        parts = np.array_split(order, n_bins)
    elif bins == "width":
        parts = np.split(order, np.searchsorted(ece_bin(probs[order], n_bins), np.arange(1, n_bins)))
    else:
        raise ConfigError(f"There are no bins of equal '{bins}'. Choose 'mass' (equal count) or 'width'.")
    return [part for part in parts if part.size]


def _point(labels: np.ndarray, probs: np.ndarray, groups: np.ndarray | None) -> tuple[float, ...]:
    effect = design_effect(labels, groups)
    low, high = wilson(labels.sum() / effect, labels.size / effect)
    return (probs.mean(), labels.mean(), float(low), float(high), labels.size, probs.min(), probs.max())
