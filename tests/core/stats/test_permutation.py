"""Whole groups are shuffled: levels hold where patches of a scene resemble each other, and nothing is lost."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import mannwhitneyu

from core.stats.permutation import GroupShuffle, rank_test, shuffled_in_blocks

sizes = st.lists(st.integers(1, 6), min_size=2, max_size=8)


@given(sizes, sizes, st.integers(0, 9))
def test_draws_keep_groups_whole_and_as_many_in_the_second_set(first, second, seed):
    a, b = (np.repeat(np.arange(len(x)), x) for x in (first, second))
    shuffle = GroupShuffle(a, b, len(a), len(b))
    if min(len(a), len(b)) < 2:
        return
    drawn = shuffle.draws(20, np.random.default_rng(seed))
    for row in drawn:
        inside = [set(row[shuffle.group_of == g].tolist()) for g in range(len(first) + len(second))]
        assert all(len(values) == 1 for values in inside)
        assert sum(values == {True} for values in inside) == len(second)
        assert 2 <= row.sum() <= len(row) - 2


@given(sizes, st.integers(0, 9))
def test_blocks_keep_every_value_and_groups_of_one_size_move_whole(of, seed):
    groups = np.repeat(np.arange(len(of)), of)
    values = np.arange(len(groups))
    shuffled = shuffled_in_blocks(values, groups, np.random.default_rng(seed))
    assert sorted(shuffled.tolist()) == values.tolist()
    alike = np.repeat(np.arange(5), 4)
    moved = shuffled_in_blocks(alike, alike, np.random.default_rng(seed)).reshape(5, 4)
    assert (moved == moved[:, :1]).all()


def test_few_arrangements_give_no_p():
    shuffle = GroupShuffle(np.repeat([0, 1], 5), np.zeros(10), 10, 10)
    assert shuffle.arrangements == 3
    assert np.isnan(shuffle.p_value(lambda s: s.sum(axis=1).astype(float), 50, np.random.default_rng(0)))


def test_without_groups_the_rank_test_is_mann_whitneys():
    rng = np.random.default_rng(0)
    values, kind = rng.normal(size=40), np.arange(40) < 15
    assert rank_test(values, kind) == mannwhitneyu(values[kind], values[~kind]).pvalue
    assert np.isnan(rank_test(values, np.arange(40) < 3)) and np.isnan(rank_test(values, kind, np.arange(40) % 4))


@pytest.mark.parametrize("n_scenes", [10, 40])
def test_the_rank_test_keeps_its_level_in_scenes(n_scenes):
    found, naive = [], []
    for seed in range(150):
        rng = np.random.default_rng(seed)
        scene = np.repeat(np.arange(n_scenes), rng.integers(3, 18, n_scenes))
        values = rng.normal(size=n_scenes)[scene] + rng.normal(size=len(scene))
        kind = (rng.random(n_scenes) < 0.5)[scene] ^ (rng.random(len(scene)) < 0.2)
        if min(kind.sum(), (~kind).sum()) >= 5:
            found.append(rank_test(values, kind, scene, 300, seed))
            naive.append(mannwhitneyu(values[kind], values[~kind]).pvalue)
    assert np.mean(np.array(naive) < 0.05) > 0.15
    assert np.mean(np.array(found) < 0.05) < 0.11
