"""Means and medians over patches with their 95 % intervals, and a paired test; groups of patches are kept together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.stats.bootstrap import (
    by_group,
    effective_groups,
    group_index,
    resampled_means,
    resampled_medians,
)
from core.stats.intervals import Interval, bounded_interval, t_interval, t_intervals

N_BOOT = 1000
FEWEST_TESTED = 5  # groups: with fewer, signed ranks cannot reach p < 0.05


@dataclass(frozen=True)
class Mean(Interval):
    """A mean or median over n patches of n_groups groups with its 95 % interval; nan where undefined."""

    n: int
    n_groups: int


def mean_of(
    values: np.ndarray,
    groups: np.ndarray | None = None,
    bounds: tuple[float, float] | None = None,
    n_boot: int = N_BOOT,
    seed: int = 0,
) -> Mean:
    """Mean of values (N,) with its interval; nan values are left out, groups (N,) are resampled whole.

    bounds: what no value can leave, such as (0, 1) for shares; the interval then stays inside too.
    """
    values, groups, n_groups = _known(values, groups)
    if not values.size:
        return Mean(np.nan, np.nan, np.nan, 0, 0)
    value, worth = float(values.mean()), effective_groups(groups, len(values))
    samples = resampled_means(values[:, None], groups, n_boot, seed)[:, 0]
    ends = t_interval(value, samples, worth) if bounds is None else bounded_interval(value, samples, worth, *bounds)
    return Mean(value, float(ends[0]), float(ends[1]), len(values), n_groups)


def median_of(values: np.ndarray, groups: np.ndarray | None = None, n_boot: int = N_BOOT, seed: int = 0) -> Mean:
    """Median of values (N,) with its interval; nan values are left out, groups (N,) are resampled whole."""
    values, groups, n_groups = _known(values, groups)
    if not values.size:
        return Mean(np.nan, np.nan, np.nan, 0, 0)
    value, worth = float(np.median(values)), effective_groups(groups, len(values))
    lo, hi = t_interval(value, resampled_medians(values, groups, n_boot, seed), worth)
    return Mean(value, lo, hi, len(values), n_groups)


def intervals_of_means(
    values: np.ndarray, groups: np.ndarray | None = None, n_boot: int = N_BOOT, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """95 % interval of each column's mean: values (N, F), N >= 1 -> (F,), (F,). nan with fewer than two groups."""
    values = np.asarray(values, np.float64)
    samples = resampled_means(values, groups, n_boot, seed)
    return t_intervals(values.mean(axis=0), samples, effective_groups(groups, len(values)))


def greater_than_zero(differences: np.ndarray, groups: np.ndarray | None = None) -> float:
    """One-sided p value that paired differences (N,) lie above 0 (Wilcoxon's signed ranks of the groups' means).

    nan with fewer than 5 groups; 1 where every difference is 0.
    """
    from scipy.stats import wilcoxon

    differences, groups, n_groups = _known(differences, groups)
    if n_groups < FEWEST_TESTED:
        return float("nan")
    group_of, _ = group_index(groups, len(differences))
    means = by_group(differences[:, None], group_of, n_groups)[:, 0] / np.bincount(group_of)
    if not np.any(means):
        return 1.0
    return float(wilcoxon(means, alternative="greater").pvalue)


def _known(values: np.ndarray, groups: np.ndarray | None) -> tuple[np.ndarray, np.ndarray | None, int]:
    """The finite values, their groups, and how many groups they have."""
    values = np.asarray(values, np.float64)
    finite = np.isfinite(values)
    groups = None if groups is None else np.asarray(groups)[finite]
    values = values[finite]
    return values, groups, group_index(groups, len(values))[1]
