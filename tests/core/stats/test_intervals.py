"""An interval reaches Student's t times the spread of the resamples, and stays where its value can be."""

import math

import numpy as np
import pytest
from scipy import stats

from core.stats.intervals import bounded_interval, defined_spread, t_interval, t_intervals, t_pvalue, t_quantile


def test_the_interval_of_a_mean_of_equal_groups_is_students():
    """The bootstrap's spread of a mean is (G - 1) / G too small in squares; the quantile makes up for it."""
    values = np.random.default_rng(0).normal(size=8)
    expected = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    samples = values.mean() + values.std() / math.sqrt(8) * np.array([-1.0, 1.0])  # exactly the bootstrap's spread
    assert t_interval(values.mean(), samples, 8) == pytest.approx((expected.low, expected.high))
    spread = defined_spread(samples)
    assert t_pvalue(values.mean(), spread, 8) == pytest.approx(stats.ttest_1samp(values, 0).pvalue)


def test_many_groups_reach_as_far_as_a_normal_distribution_and_few_further():
    assert t_quantile(1e6) == pytest.approx(1.96, abs=0.001)
    assert t_quantile(5) > t_quantile(12) > t_quantile(100) > 1.96


def test_intervals_of_many_values_are_those_of_each():
    samples = np.random.default_rng(1).normal(size=(50, 3))
    lo, hi = t_intervals(np.arange(3.0), samples, 9)
    for column in range(3):
        assert (lo[column], hi[column]) == pytest.approx(t_interval(float(column), samples[:, column], 9))


def test_too_few_defined_resamples_give_no_interval():
    samples = np.array([np.nan] * 6 + [0.2] * 5)
    assert np.isnan(t_interval(0.2, samples, 9)).all() and np.isnan(bounded_interval(0.2, samples, 9)).all()
    assert np.isfinite(t_interval(0.2, samples[1:], 9)).all()
    assert math.isnan(defined_spread(np.empty(0)))


@pytest.mark.parametrize("low, high", [(0.0, 1.0), (-1.0, 1.0), (0.0, 25.0)])
def test_a_bounded_interval_never_leaves_its_range_and_holds_its_value(low, high):
    rng = np.random.default_rng(2)
    for share in (0.001, 0.03, 0.5, 0.98):
        point = low + (high - low) * share
        samples = np.clip(point + (high - low) * 0.2 * rng.normal(size=300), low, high)
        lo, hi = bounded_interval(point, samples, 6, low, high)
        assert low <= lo < point < hi <= high


def test_all_alike_is_not_certainty():
    low, high = bounded_interval(1.0, np.ones(100), 20)
    assert high == 1.0 and low == pytest.approx(0.025 ** (1 / 20))
    assert bounded_interval(-1.0, -np.ones(9), 20, -1.0, 1.0) == pytest.approx((-1.0, 1 - 2 * 0.025 ** (1 / 20)))


def test_in_the_middle_of_its_range_a_bounded_interval_is_nearly_the_plain_one():
    samples = 0.5 + 0.02 * np.random.default_rng(3).normal(size=2000)
    assert bounded_interval(0.5, samples, 400) == pytest.approx(t_interval(0.5, samples, 400), abs=5e-4)
