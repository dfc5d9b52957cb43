"""Whole groups are drawn, as many as there are; sums, means, medians and counts are those of the patches drawn."""

import numpy as np
import pytest

from core.errors import DataError
from core.stats.bootstrap import (
    by_group,
    effective_groups,
    group_draws,
    group_index,
    kish,
    resampled_counts,
    resampled_means,
    resampled_medians,
    resampled_sums,
)


def test_as_many_groups_are_drawn_as_there_are():
    draws = np.concatenate(list(group_draws(3, 250, seed=0)))
    assert draws.shape == (250, 3) and set(draws.ravel()) == {0, 1, 2, 3}
    np.testing.assert_array_equal(draws.sum(axis=1), np.full(250, 3))


def test_one_group_is_never_drawn():
    assert not np.concatenate(list(group_draws(1, 120, seed=0))).any()
    assert np.isnan(resampled_means(np.ones((5, 2)), np.zeros(5), 3, 0)).all()
    assert np.isnan(resampled_medians(np.ones(5), np.zeros(5), 3, 0)).all()


def test_sums_means_and_medians_are_those_of_the_patches_drawn():
    rng = np.random.default_rng(0)
    values, groups = rng.normal(size=(41, 3)), rng.permutation(np.arange(41) % 7)
    weights = np.concatenate(list(group_draws(7, 130, seed=5)))[:, groups].astype(int)
    sums = resampled_sums(by_group(values, groups, 7), 130, 5)
    means, medians = resampled_means(values, groups, 130, 5), resampled_medians(values[:, 0], groups, 130, 5)
    for row, drawn in enumerate(weights):
        index = np.repeat(np.arange(41), drawn)
        np.testing.assert_allclose(sums[row], values[index].sum(axis=0), atol=1e-12)
        np.testing.assert_allclose(means[row], values[index].mean(axis=0), atol=1e-12)
        assert medians[row] == np.quantile(values[index, 0], 0.5, method="inverted_cdf")


def test_counts_of_single_patches_are_spread_as_draws_of_groups_of_one():
    cells = (np.arange(200)[:, None] % 5 == np.arange(3)).astype(float)  # shares of 1/5, of no kind 2/5
    cells = np.column_stack([cells, 1 - cells.sum(axis=1)])
    quick, slow = resampled_counts(cells, None, 4000, 0), resampled_counts(cells, np.arange(200), 4000, 0)
    np.testing.assert_array_equal(quick.sum(axis=1), 200)
    np.testing.assert_allclose(quick.mean(axis=0), slow.mean(axis=0), rtol=0.01)
    np.testing.assert_allclose(quick.std(axis=0), slow.std(axis=0), rtol=0.06)


def test_groups_are_worth_their_number_when_equal_and_less_when_not():
    assert kish(np.full(12, 6.0)) == pytest.approx(12) and kish(np.array([60.0, 1, 1])) < 1.1 and kish(np.zeros(3)) == 0
    assert effective_groups(None, 30) == 30
    assert effective_groups(np.array(["a"] * 2 + ["b"] * 2), 4) == 2


def test_one_group_name_a_patch_is_needed():
    assert group_index(np.array(["b", "a", "b"]), 3)[0].tolist() == [1, 0, 1]
    with pytest.raises(DataError, match="3 patches but 2 group names"):
        group_index(np.array(["a", "b"]), 3)
