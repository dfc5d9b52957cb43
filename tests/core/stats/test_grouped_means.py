"""Means and medians of patches in groups: intervals cover, stay in range, and widen with groups; tests need groups."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.stats.grouped_means import greater_than_zero, intervals_of_means, mean_of, median_of


def test_intervals_hold_the_mean_and_widen_with_clusters():
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(40), 10)
    values = rng.normal(size=40)[groups] + 0.1 * rng.normal(size=400)
    alone, clustered = mean_of(values), mean_of(values, groups)
    assert alone.lo < alone.value < alone.hi
    assert clustered.hi - clustered.lo > 2 * (alone.hi - alone.lo)
    assert (clustered.n, clustered.n_groups) == (400, 40)


def test_columns_have_the_intervals_of_their_own_means():
    values, groups = np.random.default_rng(0).normal(size=(60, 4)), np.arange(60) // 5
    lo, hi = intervals_of_means(values, groups)
    for column in range(4):
        one = mean_of(values[:, column], groups)
        assert (lo[column], hi[column]) == pytest.approx((one.lo, one.hi))


def test_values_that_are_unknown_are_left_out_and_one_group_has_no_interval():
    assert np.isnan(mean_of([np.nan, np.nan]).value) and mean_of([np.nan, 2.0]).n == 1
    one = mean_of(np.arange(9.0), np.zeros(9))
    assert one.value == 4 and np.isnan([one.lo, one.hi]).all() and one.n_groups == 1
    assert np.isnan(median_of(np.array([np.nan])).value) and np.isnan(median_of(np.arange(9.0), np.zeros(9)).lo)


def test_the_mean_of_shares_stays_between_0_and_1():
    hits, groups = np.array([1.0] * 23 + [0.0]), np.arange(24) // 4
    plain, bounded = mean_of(hits, groups), mean_of(hits, groups, (0, 1))
    assert plain.hi > 1 and 0 < bounded.lo < bounded.value < bounded.hi < 1
    all_alike = mean_of(np.ones(24), groups, (0, 1))
    assert all_alike.hi == 1 and all_alike.lo == pytest.approx(0.025 ** (1 / 6))


@pytest.mark.parametrize("kind", ["mean", "median", "share"])
def test_intervals_of_few_alike_groups_cover_the_truth_about_19_times_in_20(kind):
    """Percentiles of the same resamples hold the mean only 90 times in 100 here."""
    rng, hits, n = np.random.default_rng(1), 0, 400
    groups = np.repeat(np.arange(12), 6)
    for _ in range(n):
        values = 0.3 + np.repeat(rng.normal(0, 0.2, 12), 6) + rng.normal(0, 0.1, 72)
        if kind == "share":
            values = (values > 0.3).astype(float)
        found = median_of(values, groups, 200) if kind == "median" else mean_of(values, groups, None, 200)
        if kind == "share":
            found = mean_of(values, groups, (0, 1), 200)
        hits += found.lo <= (0.5 if kind == "share" else 0.3) <= found.hi
    assert 0.92 <= hits / n <= (0.995 if kind == "share" else 0.98)  # of shares it may be cautious


@given(st.integers(0, 1000))
def test_noise_is_seldom_called_greater_than_zero(seed):
    differences = np.random.default_rng(seed).normal(size=40)
    assert greater_than_zero(differences) + greater_than_zero(-differences) == pytest.approx(1, abs=0.01)


def test_tests_need_groups():
    assert np.isnan(greater_than_zero(np.ones(40), np.repeat([0, 1], 20)))
    assert greater_than_zero(np.zeros(10)) == 1.0
    assert greater_than_zero(np.ones(20) + np.arange(20) * 0.01) < 1e-4
