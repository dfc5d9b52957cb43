"""Can two kinds of patches be told apart? A classifier two-sample test that keeps relatives on one side.

The answer is the area under the curve on rows that were not learnt from, with its interval and p. At 0.5 a straight
line cannot tell the kinds apart by these features; another classifier may. The caller makes sure that no round judges
rows related to those it learnt from (:func:`halves`).

After Lopez-Paz and Oquab 2017 (classifier two-sample tests), with area instead of accuracy, since the kinds may differ
in number, and with whole groups resampled, since rows of one group are no independent evidence.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from core.evaluate.intervals import effective_groups_by_metric, interval, resampled_metrics
from core.evaluate.metrics import metrics

MIN_EACH = 8  # rows of each kind to learn from, and to judge
STRENGTH = 0.1  # logistic regression's C: features are many beside rows


@dataclass(frozen=True)
class TwoSample:
    """auc: nan where there were too few rows. lo, hi: 95 %. p: one-sided, of 0.5. n: judged rows by kind (0, 1)."""

    auc: float
    lo: float
    hi: float
    p: float
    n: tuple[int, int]
    n_groups: int

    @property
    def told(self) -> bool:
        """Whether they were told apart."""
        return self.p < 0.05


@dataclass(frozen=True)
class Scored:
    """Rows that were judged without having been learnt from. kind: (N,) 0/1; prob: (N,) of kind 1; group: (N,)."""

    kind: np.ndarray
    prob: np.ndarray
    group: np.ndarray


def scored(
    features: np.ndarray, kind: np.ndarray, group: np.ndarray, rounds: Iterable[tuple[np.ndarray, np.ndarray]]
) -> Scored:
    """Fit a logistic regression on each round's first rows and judge its second ones.

    features: (N, F). kind: (N,) 0/1. group: (N,). A round in which a kind has fewer than ``MIN_EACH`` rows on either
    side is passed over.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    features, kind = np.asarray(features, np.float64), np.asarray(kind, np.int8)
    found: list[tuple[np.ndarray, np.ndarray]] = []
    for learn, judge in rounds:
        if min(np.bincount(kind[rows], minlength=2).min() for rows in (learn, judge)) < MIN_EACH:
            continue
        model = make_pipeline(
            StandardScaler(), LogisticRegression(C=STRENGTH, class_weight="balanced", max_iter=1000)
        )  # fmt: skip
        model.fit(features[learn], kind[learn])
        found.append((judge, model.predict_proba(features[judge])[:, 1]))
    rows = np.concatenate([rows for rows, _ in found]) if found else np.zeros(0, np.int64)
    probs = np.concatenate([probs for _, probs in found]) if found else np.zeros(0)
    return Scored(kind[rows], probs, np.asarray(group)[rows])


def judge(parts: Sequence[Scored], n_boot: int = 1000, seed: int = 0) -> TwoSample:
    """The test on all rows that were judged, those of several folds or rounds together."""
    from scipy.special import stdtr

    kind, prob, group = (np.concatenate([getattr(one, name) for one in parts]) for name in ("kind", "prob", "group"))
    n = (int((kind == 0).sum()), int((kind == 1).sum()))
    groups = len(np.unique(group))
    if min(n) < MIN_EACH or groups < 2:
        return TwoSample(math.nan, math.nan, math.nan, math.nan, n, groups)
    pred = (prob >= 0.5).astype(np.int8)
    auc = metrics(kind, prob, pred=pred)["auc"]
    samples = resampled_metrics(kind, [(pred, prob)], group, n_boot, seed)[0]["auc"]
    worth = effective_groups_by_metric(kind, pred, group)["auc"]
    lo, hi = interval(auc, samples, worth, "auc")
    spread = float(np.nanstd(samples))
    p = float(stdtr(max(worth - 1, 1.0), -(auc - 0.5) / spread)) if spread > 1e-12 else float(auc <= 0.5)
    return TwoSample(float(auc), float(lo), float(hi), p, n, groups)


def halves(group: np.ndarray, parents: np.ndarray, times: int, seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Rounds in which no row is judged by what has learnt from a relative of it.

    group: (n,) of the first kind's rows, which come first. parents: (m, k) positions among them of each row of the
    second kind, which come after them. Groups are halved at random, ``times`` times; each half learns once and is
    judged once. Rows of the second kind whose parents fall on both sides are left out of that halving.
    """
    rng, rounds = np.random.default_rng(seed), []
    names, index = np.unique(np.asarray(group), return_inverse=True)
    for _ in range(times):
        side = np.zeros(len(names), bool)
        side[rng.permutation(len(names))[: len(names) // 2]] = True
        first = side[index]  # (n,)
        of_parents = first[np.asarray(parents)]  # (m, k)
        one = np.concatenate([first, of_parents.all(axis=1)])
        two = np.concatenate([~first, ~of_parents.any(axis=1)])
        rounds += [(np.flatnonzero(one), np.flatnonzero(two)), (np.flatnonzero(two), np.flatnonzero(one))]
    return rounds
