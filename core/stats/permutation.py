"""Permutation tests that keep groups whole, and a rank test of two kinds of patches from the same groups.

Patches of one scene resemble each other. A test that shuffles single patches takes them for independent and finds
differences where there are none: two draws of 25 scenes of 8 patches from one population were "different" in 92 of 100
trials.
"""

from __future__ import annotations

from collections.abc import Callable
from math import comb, nan

import numpy as np

from core.stats.bootstrap import by_group, group_draws, group_index, kish
from core.stats.intervals import t_pvalue

FEWEST_ARRANGEMENTS = 20  # with fewer, no permutation p can lie below 0.05
FEWEST_EACH = 5  # patches, and groups in all, of a rank test


class GroupShuffle:
    """Two sets of patches, and draws of two others of as many whole groups from the pool of both.

    A group of one set is never a group of the other, even where the names are equal: the sets were drawn apart.
    """

    def __init__(self, groups_a: np.ndarray | None, groups_b: np.ndarray | None, n_a: int, n_b: int):
        of_a, self.n_groups_a = group_index(groups_a, n_a)
        of_b, self.n_groups_b = group_index(groups_b, n_b)
        self.group_of = np.concatenate([of_a, of_b + self.n_groups_a])
        self.is_b = np.arange(n_a + n_b) >= n_a

    @property
    def arrangements(self) -> int:
        """How many different draws there are."""
        return comb(self.n_groups_a + self.n_groups_b, self.n_groups_b)

    def draws(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """(n, N) bool: which patches belong to the second set; each set has at least two patches."""
        groups = self.n_groups_a + self.n_groups_b
        taken = np.zeros((n, groups), bool)
        sizes = np.bincount(self.group_of, minlength=groups)
        for row in taken:
            while not 2 <= sizes[row].sum() <= len(self.is_b) - 2:
                row[:] = False
                row[rng.permutation(groups)[: self.n_groups_b]] = True
        return taken[:, self.group_of]

    def p_value(self, statistic: Callable[[np.ndarray], np.ndarray], n: int, rng: np.random.Generator) -> np.ndarray:
        """Share of draws in which ``statistic`` is at least as large as it is; nan where too few draws differ.

        statistic: (R, N) bool -> (R,) or (R, F).
        """
        found = statistic(self.is_b[None])[0]
        if self.arrangements < FEWEST_ARRANGEMENTS:
            return np.full(np.shape(found), nan)
        chance = statistic(self.draws(n, rng))
        return (1 + (chance >= found - 1e-12).sum(axis=0)) / (1 + n)


def shuffled_in_blocks(values: np.ndarray, groups: np.ndarray | None, rng: np.random.Generator) -> np.ndarray:
    """Values (N,) dealt out anew, whole groups one after another, so that neighbours in a group stay neighbours.

    Patches are ordered by group; the groups' runs of values are put in random order and laid along the patches. Groups
    of equal size change places whole. Within a run the values change places too: where every group has the same
    values, their order would otherwise never change. Without groups every value moves on its own.
    """
    values = np.asarray(values)
    if groups is None:
        return rng.permutation(values)
    group_of, n_groups = group_index(groups, len(values))
    order = np.argsort(group_of, kind="stable")
    runs = np.split(values[order], np.cumsum(np.bincount(group_of, minlength=n_groups))[:-1])
    dealt = np.concatenate([rng.permutation(runs[i]) for i in rng.permutation(n_groups)]) if len(values) else values
    start = rng.integers(len(values)) if len(values) else 0  # groups of unequal size: runs begin anywhere
    shuffled = np.empty_like(values)
    shuffled[order] = np.roll(dealt, start) if len(set(map(len, runs))) > 1 else dealt
    return shuffled


def rank_test(
    values: np.ndarray, kind: np.ndarray, groups: np.ndarray | None = None, n_boot: int = 1000, seed: int = 0
) -> float:
    """Two-sided p that patches of both kinds have the same distribution: the difference of mean ranks, groups whole.

    values: (N,), nan left out. kind: (N,) bool. groups: (N,); one group may hold patches of both kinds. Without groups
    it is Mann and Whitney's test. nan with fewer than 5 patches of a kind, or fewer than 5 groups that hold any.
    """
    from scipy.stats import mannwhitneyu, rankdata

    values, kind = np.asarray(values, np.float64), np.asarray(kind, bool)
    finite = np.isfinite(values)
    values, kind = values[finite], kind[finite]
    if min(kind.sum(), (~kind).sum()) < FEWEST_EACH:
        return nan
    if groups is None:
        return float(mannwhitneyu(values[kind], values[~kind]).pvalue)
    group_of, n_groups = group_index(np.asarray(groups)[finite], len(values))
    if n_groups < FEWEST_EACH:
        return nan
    ranks = rankdata(values)
    ranks -= ranks.mean()
    sums = by_group(np.stack([ranks * kind, kind, ranks * ~kind, ~kind], axis=1).astype(float), group_of, n_groups)
    one, n_one, other, n_other = np.concatenate([d @ sums for d in group_draws(n_groups, n_boot, seed)]).T
    with np.errstate(invalid="ignore", divide="ignore"):
        samples = one / n_one - other / n_other
    difference = float(ranks[kind].mean() - ranks[~kind].mean())
    spread = float(np.nanstd(samples))
    if spread <= 1e-12:
        return 1.0 if abs(difference) <= 1e-12 else 0.0
    return t_pvalue(difference, spread, min(kish(sums[:, 1]), kish(sums[:, 3])))
