"""Every threshold at once: what a slider needs, counted one time.

Counts and metrics at each distinct probability. numpy only: the dashboard imports this module.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from core.evaluate.metrics import Confusion, check_labels, check_scores, rates


@dataclass(frozen=True)
class Sweep:
    """Counts when ``prob >= threshold`` is called positive, thresholds descending; the first, +inf, calls nothing.

    threshold, tp, fp, fn, tn: (P + 1,) for P distinct probabilities. order: (N,) patches by probability, descending;
    called: (P + 1,) how many of them are called, so ``order[:called[i]]`` are the patches at or above threshold i.
    """

    threshold: np.ndarray
    tp: np.ndarray
    fp: np.ndarray
    fn: np.ndarray
    tn: np.ndarray
    called: np.ndarray
    order: np.ndarray

    @cached_property
    def rates(self) -> dict[str, np.ndarray]:
        """Each of ``metrics.COUNT_METRICS`` at each threshold, (P + 1,), nan where undefined."""
        return rates(tn=self.tn, fp=self.fp, fn=self.fn, tp=self.tp)

    def cost(self, cost_miss: float, cost_alarm: float) -> np.ndarray:
        """(P + 1,) total cost at each threshold."""
        return cost_miss * self.fn + cost_alarm * self.fp

    def index(self, threshold: float) -> int:
        """The row whose decisions are those of ``threshold``, any number."""
        return int(np.searchsorted(-self.threshold, -threshold, side="right")) - 1

    def at(self, threshold: float) -> Confusion:
        """Counts at any threshold."""
        i = self.index(threshold)
        return Confusion(tn=int(self.tn[i]), fp=int(self.fp[i]), fn=int(self.fn[i]), tp=int(self.tp[i]))

    def thinned(self, most: int = 500) -> np.ndarray:
        """At most ``most`` rows that still draw the curves: evenly spread over the patches called, ends included."""
        wanted = np.linspace(0, self.called[-1], most)
        return np.unique(np.searchsorted(self.called, wanted, side="left"))


def sweep(labels: np.ndarray, probs: np.ndarray) -> Sweep:
    """Sort once, count once. labels: (N,) 0/1. probs: (N,)."""
    labels = check_labels(labels)
    probs = check_scores(probs, labels.size)
    order = np.argsort(-probs, kind="stable")
    descending = probs[order]
    last = np.flatnonzero(np.append(descending[1:] < descending[:-1], True)) if probs.size else np.empty(0, np.int64)
    called = np.concatenate([[0], last + 1])
    tp = np.concatenate([[0], np.cumsum(labels[order] == 1)])[called]
    n_positive = int((labels == 1).sum())
    fp = called - tp
    return Sweep(
        threshold=np.concatenate([[np.inf], descending[last]]),
        tp=tp,
        fp=fp,
        fn=n_positive - tp,
        tn=labels.size - n_positive - fp,
        called=called,
        order=order,
    )
