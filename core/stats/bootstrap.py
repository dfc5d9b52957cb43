"""Resamples of whole groups: draws with replacement, and the sums, counts and means of patches in each draw.

Patches of one group (a scene, an event) resemble each other, so they are drawn together. ``core.stats.intervals`` turns
resamples into intervals.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from core.errors import DataError

CHUNK = 100  # resamples at a time: bounds memory and stays in the processor's cache
FEWEST_GROUPS = 2  # the spread between groups cannot be seen in fewer


def group_index(groups: np.ndarray | None, n: int) -> tuple[np.ndarray, int]:
    """(N,) the number of each patch's group, and how many groups there are; without groups each patch is one."""
    if groups is None:
        return np.arange(n), n
    if len(groups) != n:
        raise DataError(f"There are {n} patches but {len(groups)} group names. One group a patch is needed.")
    names, group_of = np.unique(np.asarray(groups), return_inverse=True)
    return group_of, len(names)


def group_draws(n_groups: int, n_boot: int, seed: int) -> Iterator[np.ndarray]:
    """How often each group is drawn, with replacement: (at most CHUNK, n_groups) float64 at a time.

    Fewer than ``FEWEST_GROUPS`` are never drawn: one group drawn again and again has no spread, which is undefined, not
    certain.
    """
    rng = np.random.default_rng(seed)
    for start in range(0, n_boot, CHUNK):
        rows = min(CHUNK, n_boot - start)
        if n_groups < FEWEST_GROUPS:
            yield np.zeros((rows, n_groups))
            continue
        drawn = rng.integers(n_groups, size=(rows, n_groups))
        flat = (drawn + n_groups * np.arange(rows)[:, None]).ravel()
        yield np.bincount(flat, minlength=rows * n_groups).reshape(rows, n_groups).astype(np.float64)


def by_group(values: np.ndarray, group_of: np.ndarray, n_groups: int) -> np.ndarray:
    """(n_groups, F) sums of values (N, F) over each group."""
    return np.stack([np.bincount(group_of, column, minlength=n_groups) for column in values.T], axis=1)


def resampled_sums(sums: np.ndarray, n_boot: int, seed: int) -> np.ndarray:
    """(n_boot, F) sums in each resample of groups whose own sums are (n_groups, F)."""
    return np.concatenate([draws @ sums for draws in group_draws(len(sums), n_boot, seed)])


def resampled_counts(cells: np.ndarray, groups: np.ndarray | None, n_boot: int, seed: int) -> np.ndarray:
    """(n_boot, F) how many patches of each kind a resample holds; cells: (N, F) one-hot, the kind of each patch."""
    if groups is None and len(cells) > 1:  # counts of patches drawn with replacement are multinomial
        return np.random.default_rng(seed).multinomial(len(cells), cells.mean(axis=0), size=n_boot).astype(float)
    return resampled_sums(by_group(cells, *group_index(groups, len(cells))), n_boot, seed)


def resampled_means(values: np.ndarray, groups: np.ndarray | None, n_boot: int, seed: int) -> np.ndarray:
    """(n_boot, F) means of values (N, F) over the patches of each resample; nan with too few groups."""
    group_of, n_groups = group_index(groups, len(values))
    sums, sizes = by_group(values, group_of, n_groups), np.bincount(group_of, minlength=n_groups).astype(np.float64)
    if n_groups < FEWEST_GROUPS:
        return np.full((n_boot, values.shape[1]), np.nan)
    return np.concatenate([(draws @ sums) / (draws @ sizes)[:, None] for draws in group_draws(n_groups, n_boot, seed)])


def resampled_medians(values: np.ndarray, groups: np.ndarray | None, n_boot: int, seed: int) -> np.ndarray:
    """(n_boot,) medians of values (N,) over the patches of each resample; nan with too few groups."""
    group_of, n_groups = group_index(groups, len(values))
    if n_groups < FEWEST_GROUPS:
        return np.full(n_boot, np.nan)
    order = np.argsort(values, kind="stable")
    ordered, medians = values[order], []
    for draws in group_draws(n_groups, n_boot, seed):
        share = np.cumsum(draws[:, group_of[order]], axis=1)  # (R, N) patches up to each value
        medians.append(ordered[(share >= 0.5 * share[:, -1:]).argmax(axis=1)])
    return np.concatenate(medians)


def kish(sizes: np.ndarray) -> float:
    """How many groups of equal size carry as much as groups of these sizes: (sum)^2 / sum of squares; 0 for none."""
    total = float((sizes**2).sum())
    return float(sizes.sum() ** 2 / total) if total else 0.0


def effective_groups(groups: np.ndarray | None, n: int) -> float:
    """:func:`kish` of the groups of n patches; n without groups."""
    group_of, n_groups = group_index(groups, n)
    return kish(np.bincount(group_of, minlength=n_groups).astype(np.float64))
