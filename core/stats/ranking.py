"""Drops of many patches put together: means with intervals, who is first and how surely, how alike two rankings are.

Comes in: a drop a band (or group) and patch, and the patches' groups, which are resampled whole. Goes out: frozen
results. It knows nothing of models or tables.

Intervals are the mean plus or minus Student's t times the spread of the resamples, with as many degrees of freedom as
groups of equal size would carry these patches (Kish 1965): percentiles of resamples cover too little of few scenes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

CONFIDENCE, FEWEST_GROUPS = 0.95, 2
N_BOOT = 1000


@dataclass(frozen=True)
class Importance:
    """Drops over n patches of n_groups groups; every array is (F,) float64, in the order of the features.

    mean, total: of the drops. lo, hi: 95 % interval of the mean. first: share of resamples in which the feature's mean
    is the highest; those that share the place share the resample. rank_lo, rank_hi: 95 % interval of its rank, 1 being
    the highest. nan where there are fewer than two groups.
    """

    mean: np.ndarray
    lo: np.ndarray
    hi: np.ndarray
    total: np.ndarray
    first: np.ndarray
    rank_lo: np.ndarray
    rank_hi: np.ndarray
    n: int
    n_groups: int


@dataclass(frozen=True)
class Interval:
    """A value with its 95 % interval; nan where it is undefined."""

    value: float
    lo: float
    hi: float

    @property
    def settled(self) -> bool:
        """Whether the interval leaves 0 out."""
        return bool(self.lo > 0 or self.hi < 0)

    def to_dict(self) -> dict[str, float]:
        """Plain values."""
        return {"value": self.value, "lo": self.lo, "hi": self.hi}


def importance(drops: np.ndarray, groups: np.ndarray | None = None, n_boot: int = N_BOOT, seed: int = 0) -> Importance:
    """See :class:`Importance`. drops: (F, N), N >= 1. groups: (N,), resampled whole; none resamples patches."""
    drops = np.asarray(drops, np.float64)
    mean, n_groups = drops.mean(axis=1), _n_groups(groups, drops.shape[1])
    nothing = np.full(len(drops), np.nan)
    if n_groups < FEWEST_GROUPS:
        return Importance(
            mean, nothing, nothing, drops.sum(axis=1), nothing, nothing, nothing, drops.shape[1], n_groups
        )
    means = resampled_means(drops, groups, n_boot, seed)  # (n_boot, F)
    reach = _reach(means, groups, drops.shape[1])
    leads = means == means.max(axis=1, keepdims=True)
    ranks = 1 + (means[:, None, :] > means[:, :, None]).sum(axis=2)
    low, high = np.percentile(ranks, (2.5, 97.5), axis=0)
    return Importance(
        mean=mean,
        lo=mean - reach,
        hi=mean + reach,
        total=drops.sum(axis=1),
        first=(leads / leads.sum(axis=1, keepdims=True)).mean(axis=0),
        rank_lo=low,
        rank_hi=high,
        n=drops.shape[1],
        n_groups=n_groups,
    )


def mean_interval(
    values: np.ndarray, groups: np.ndarray | None = None, n_boot: int = N_BOOT, seed: int = 0
) -> Interval:
    """The mean of values (N,) with its interval, for instance of the difference of two drops of each patch."""
    values = np.asarray(values, np.float64)
    if not values.size:
        return Interval(*(float("nan"),) * 3)
    found = importance(values[None], groups, n_boot, seed)
    return Interval(float(found.mean[0]), float(found.lo[0]), float(found.hi[0]))


def rank_agreement(
    a: np.ndarray, b: np.ndarray, groups: np.ndarray | None = None, n_boot: int = N_BOOT, seed: int = 0
) -> Interval:
    """Kendall's tau-b between the rankings of features by two sets of drops (F, N) of the same patches.

    The interval is that of percentiles over resamples of groups; tau is nan where a ranking has no two that differ.
    """
    point = float(_tau(np.mean(a, axis=1)[None], np.mean(b, axis=1)[None])[0])
    if _n_groups(groups, np.shape(a)[1]) < FEWEST_GROUPS:
        return Interval(point, float("nan"), float("nan"))
    both = resampled_means(np.concatenate([a, b]), groups, n_boot, seed)
    taus = _tau(both[:, : len(a)], both[:, len(a) :])
    if np.isnan(taus).mean() > 0.5:
        return Interval(point, float("nan"), float("nan"))
    lo, hi = np.nanpercentile(taus, (2.5, 97.5))
    return Interval(point, float(lo), float(hi))


def resampled_means(values: np.ndarray, groups: np.ndarray | None, n_boot: int, seed: int) -> np.ndarray:
    """(n_boot, F) means of values (F, N) over patches of groups that are drawn with replacement."""
    values = np.asarray(values, np.float64)
    group_of, n_groups = _group_of(groups, values.shape[1])
    sums = np.stack([np.bincount(group_of, row, minlength=n_groups) for row in values], axis=1)  # (G, F)
    sizes = np.bincount(group_of, minlength=n_groups).astype(np.float64)
    rng = np.random.default_rng(seed)
    means = np.empty((n_boot, len(values)))
    for start in range(0, n_boot, 100):
        rows = min(100, n_boot - start)
        drawn = rng.integers(n_groups, size=(rows, n_groups)) + n_groups * np.arange(rows)[:, None]
        counts = np.bincount(drawn.ravel(), minlength=rows * n_groups).reshape(rows, n_groups).astype(np.float64)
        means[start : start + rows] = (counts @ sums) / (counts @ sizes)[:, None]
    return means


def _reach(means: np.ndarray, groups: np.ndarray | None, n: int) -> np.ndarray:
    from scipy.special import stdtrit

    sizes = np.bincount(_group_of(groups, n)[0]).astype(np.float64)
    freedom = max(sizes.sum() ** 2 / (sizes**2).sum() - 1, 1.0)
    return stdtrit(freedom, (1 + CONFIDENCE) / 2) * np.sqrt((freedom + 1) / freedom) * means.std(axis=0)


def _tau(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(R,) Kendall's tau-b of rows (R, F)."""
    i, j = np.triu_indices(a.shape[1], 1)
    one, two = np.sign(a[:, i] - a[:, j]), np.sign(b[:, i] - b[:, j])
    scale = np.sqrt((one**2).sum(axis=1) * (two**2).sum(axis=1))
    return np.divide((one * two).sum(axis=1), scale, out=np.full(len(a), np.nan), where=scale > 0)


def _group_of(groups: np.ndarray | None, n: int) -> tuple[np.ndarray, int]:
    if groups is None:
        return np.arange(n), n
    names, group_of = np.unique(np.asarray(groups), return_inverse=True)
    return group_of, len(names)


def _n_groups(groups: np.ndarray | None, n: int) -> int:
    return _group_of(groups, n)[1]
