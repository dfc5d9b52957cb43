"""Means over patches with what they are worth: intervals that resample whole groups, and paired tests on groups.

Comes in: one value a patch (a score, a share, a map) and the patches' groups. Goes out: means, intervals, p values.
numpy only, scipy where a test is asked for; it knows nothing of maps.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

N_BOOT, PERCENTILES = 1000, (2.5, 97.5)
FEWEST_GROUPS = 5  # below it neither an interval nor a test is given
CHUNK_NUMBERS = 4_000_000  # resampled numbers held at once


@dataclass(frozen=True)
class Mean:
    """A mean over n patches of n_groups groups with its 95 % interval; nan where undefined."""

    value: float
    lo: float
    hi: float
    n: int
    n_groups: int

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return vars(self).copy()


def mean_of(values: np.ndarray, groups: np.ndarray | None = None, seed: int = 0) -> Mean:
    """Mean of values (N,) with its interval; nan values are left out, groups (N,) are resampled whole."""
    values = np.asarray(values, np.float64)
    there = np.isfinite(values)
    kept = None if groups is None else np.asarray(groups)[there]
    values = values[there]
    if not values.size:
        return Mean(np.nan, np.nan, np.nan, 0, 0)
    lo, hi = interval_of_means(values[:, None], kept, seed)
    n_groups = len(values) if kept is None else len(np.unique(kept))
    return Mean(float(values.mean()), float(lo[0]), float(hi[0]), len(values), n_groups)


def interval_of_means(
    values: np.ndarray, groups: np.ndarray | None = None, seed: int = 0, n_boot: int = N_BOOT
) -> tuple[np.ndarray, np.ndarray]:
    """95 % percentile interval of each column's mean: values (N, F) -> (F,), (F,). nan with fewer than 5 groups."""
    sums, sizes = _by_group(np.asarray(values, np.float64), groups)
    n_groups, n_columns = sums.shape
    if n_groups < FEWEST_GROUPS:
        return np.full(n_columns, np.nan), np.full(n_columns, np.nan)
    rng = np.random.default_rng(seed)
    means = np.empty((n_boot, n_columns), np.float32)
    step = max(1, CHUNK_NUMBERS // n_groups)
    for start in range(0, n_boot, step):
        rows = min(step, n_boot - start)
        drawn = rng.integers(n_groups, size=(rows, n_groups)) + n_groups * np.arange(rows)[:, None]
        counts = np.bincount(drawn.ravel(), minlength=rows * n_groups).reshape(rows, n_groups).astype(np.float64)
        means[start : start + rows] = (counts @ sums) / (counts @ sizes)[:, None]
    lo, hi = np.percentile(means, PERCENTILES, axis=0)
    return lo, hi


def greater_than_zero(differences: np.ndarray, groups: np.ndarray | None = None) -> float:
    """One-sided p value that paired differences (N,) lie above 0 (Wilcoxon's signed ranks of the groups' means).

    nan with fewer than 5 groups; 1 where every difference is 0.
    """
    from scipy.stats import wilcoxon

    differences = np.asarray(differences, np.float64)
    there = np.isfinite(differences)
    sums, sizes = _by_group(differences[there, None], None if groups is None else np.asarray(groups)[there])
    means = sums[:, 0] / sizes
    if len(means) < FEWEST_GROUPS:
        return float("nan")
    if not np.any(means):
        return 1.0
    return float(wilcoxon(means, alternative="greater").pvalue)


def _by_group(values: np.ndarray, groups: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Sums (G, F) of values (N, F) over each group, and sizes (G,); without groups each row is one."""
    if groups is None:
        return values, np.ones(len(values))
    _, group_of = np.unique(np.asarray(groups), return_inverse=True)
    n_groups = int(group_of.max()) + 1 if group_of.size else 0
    sums = np.stack([np.bincount(group_of, column, minlength=n_groups) for column in values.T], axis=1)
    return sums, np.bincount(group_of, minlength=n_groups).astype(np.float64)
