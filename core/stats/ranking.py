"""How many features rank by their mean over patches: who comes first and how surely, how alike two rankings are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.stats.bootstrap import FEWEST_GROUPS, effective_groups, group_index, resampled_means
from core.stats.intervals import Interval, bounded_interval, t_intervals

N_BOOT = 1000


@dataclass(frozen=True)
class Importance:
    """Drops over n patches of n_groups groups; every array is (F,) float64, in the order of the features.

    mean, total: of the drops. lo, hi: 95 % interval of the mean. first: share of resamples in which the feature's mean
    is the highest; those that share the place share the resample. rank_lo, rank_hi: between them lie its ranks in 95 %
    of the resamples, 1 being the highest. nan where there are fewer than two groups.
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


def importance(drops: np.ndarray, groups: np.ndarray | None = None, n_boot: int = N_BOOT, seed: int = 0) -> Importance:
    """See :class:`Importance`. drops: (F, N), N >= 1. groups: (N,), resampled whole; none resamples patches."""
    drops = np.asarray(drops, np.float64)
    n = drops.shape[1]
    mean, total, n_groups = drops.mean(axis=1), drops.sum(axis=1), group_index(groups, n)[1]
    if n_groups < FEWEST_GROUPS:
        nothing = np.full(len(drops), np.nan)
        return Importance(mean, nothing, nothing, total, nothing, nothing, nothing, n, n_groups)
    means = resampled_means(drops.T, groups, n_boot, seed)  # (n_boot, F)
    lo, hi = t_intervals(mean, means, effective_groups(groups, n))
    leads = means == means.max(axis=1, keepdims=True)
    first = (leads / leads.sum(axis=1, keepdims=True)).mean(axis=0)
    ranks = 1 + (means[:, None, :] > means[:, :, None]).sum(axis=2)
    rank_lo, rank_hi = np.percentile(ranks, (2.5, 97.5), axis=0)  # places in the resamples, not an estimate's interval
    return Importance(mean, lo, hi, total, first, rank_lo, rank_hi, n, n_groups)


def rank_agreement(
    a: np.ndarray, b: np.ndarray, groups: np.ndarray | None = None, n_boot: int = N_BOOT, seed: int = 0
) -> Interval:
    """Kendall's tau-b between the rankings of features by two sets of drops (F, N) of the same patches.

    nan where a ranking has no two that differ; its interval also where most resamples have none.
    """
    point = float(_tau(np.mean(a, axis=1)[None], np.mean(b, axis=1)[None])[0])
    n = np.shape(a)[1]
    both = resampled_means(np.concatenate([a, b]).T, groups, n_boot, seed)
    taus = _tau(both[:, : len(a)], both[:, len(a) :])
    return Interval(point, *bounded_interval(point, taus, effective_groups(groups, n), -1.0, 1.0))


def _tau(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(R,) Kendall's tau-b of rows (R, F)."""
    i, j = np.triu_indices(a.shape[1], 1)
    one, two = np.sign(a[:, i] - a[:, j]), np.sign(b[:, i] - b[:, j])
    scale = np.sqrt((one**2).sum(axis=1) * (two**2).sum(axis=1))
    return np.divide((one * two).sum(axis=1), scale, out=np.full(len(a), np.nan), where=scale > 0)
