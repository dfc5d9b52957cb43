"""Drawing whole groups again and again, and what so many groups are worth.

Comes in: groups, a seed. Goes out: how often each group is drawn, sums by group, numbers of groups. It knows no metric.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from core.errors import DataError

CONFIDENCE = 0.95
CHUNK = 100  # resamples at a time: bounds memory and stays in the processor's cache


def group_index(groups: np.ndarray | None, n: int) -> tuple[np.ndarray, int]:
    """(N,) the number of each patch's group, and how many groups there are; without groups each patch is one."""
    if groups is None:
        return np.arange(n), n
    if len(groups) != n:
        raise DataError(f"There are {n} patches but {len(groups)} group names. One group a patch is needed.")
    names, group_of = np.unique(np.asarray(groups), return_inverse=True)
    return group_of, len(names)


def group_draws(n_groups: int, n_boot: int, seed: int) -> Iterator[np.ndarray]:
    """How often each group is drawn, with replacement: (at most CHUNK, n_groups) float64 at a time."""
    rng = np.random.default_rng(seed)
    for start in range(0, n_boot, CHUNK):
        rows = min(CHUNK, n_boot - start)
        if n_groups < 2:  # one group drawn again and again has no spread: undefined, not certain
            yield np.zeros((rows, n_groups))
            continue
        drawn = rng.integers(n_groups, size=(rows, n_groups))
        flat = (drawn + n_groups * np.arange(rows)[:, None]).ravel()
        yield np.bincount(flat, minlength=rows * n_groups).reshape(rows, n_groups).astype(np.float64)


def by_group(values: np.ndarray, group_of: np.ndarray, n_groups: int) -> np.ndarray:
    """(n_groups, F) sums of values (N, F) over each group."""
    return np.stack([np.bincount(group_of, column, minlength=n_groups) for column in values.T], axis=1)


def kish(sizes: np.ndarray) -> float:
    """How many groups of equal size carry as much as groups of these sizes: (sum)^2 / sum of squares; 0 for none."""
    total = float((sizes**2).sum())
    return float(sizes.sum() ** 2 / total) if total else 0.0


def t_quantile(n_groups: float) -> float:
    """How many bootstrap standard deviations a 95 % interval reaches: 1.96 for many groups, more for few."""
    from scipy.special import stdtrit

    freedom = max(n_groups - 1.0, 1.0)
    return float(stdtrit(freedom, (1 + CONFIDENCE) / 2) * np.sqrt((freedom + 1) / freedom))
