"""Mean maps by outcome, what is dead, intervals by group, and the verdict's words."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.explain.cam.group_means import mean_maps, outcomes_of, silence
from core.explain.cam.overlay import constant_maps
from core.explain.checks import verdict
from core.stats.grouped_means import greater_than_zero, interval_of_means, mean_of


def test_outcomes_are_named_after_label_and_decision():
    assert outcomes_of([1, 0, 1, 0], [1, 1, 0, 0]).tolist() == ["tp", "fp", "fn", "tn"]


def test_mean_maps_are_in_units_of_the_folds_mean_peak():
    maps = np.zeros((4, 1, 2))
    maps[:, 0] = [[2, 0], [4, 2], [20, 0], [0, 0]]  # fold 0 peaks 2 and 4; fold 1 peaks 20, and a dead one
    found = mean_maps(maps, np.array(["tp", "tp", "tp", "fn"]), np.array([0, 0, 1, 1]))
    np.testing.assert_allclose(found["tp"].cam, [[(2 / 3 + 4 / 3 + 1) / 3, (2 / 3) / 3]])
    assert found["tp"].n == 3 and found["fn"].n_dead == 1 and found["fp"].cam is None
    assert np.isnan(found["tp"].lo).all()  # three patches are too few for an interval


def test_intervals_hold_the_mean_and_widen_with_clusters():
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(40), 10)
    values = rng.normal(size=40)[groups] + 0.1 * rng.normal(size=400)
    alone, clustered = mean_of(values), mean_of(values, groups)
    assert alone.lo < alone.value < alone.hi
    assert clustered.hi - clustered.lo > 2 * (alone.hi - alone.lo)
    assert (clustered.n, clustered.n_groups) == (400, 40)


def test_chunked_resampling_is_the_mean_of_groups_by_hand():
    values = np.array([[1.0], [3.0], [5.0], [7.0], [9.0]])
    lo, hi = interval_of_means(np.repeat(values, 2, axis=0), np.repeat(np.arange(5), 2))
    assert 1 <= lo[0] < 5 < hi[0] <= 9
    assert np.isnan(mean_of([np.nan, np.nan]).value) and mean_of([np.nan, 2.0]).n == 1


@given(st.integers(0, 1000))
def test_noise_is_seldom_called_greater_than_zero(seed):
    differences = np.random.default_rng(seed).normal(size=40)
    assert greater_than_zero(differences) + greater_than_zero(-differences) == pytest.approx(1, abs=0.01)


def test_tests_need_groups():
    assert np.isnan(greater_than_zero(np.ones(40), np.repeat([0, 1], 20)))
    assert greater_than_zero(np.zeros(10)) == 1.0
    assert greater_than_zero(np.ones(20) + np.arange(20) * 0.01) < 1e-4


def test_constant_and_dead_maps_are_counted():
    maps = np.zeros((4, 2, 2))
    maps[1], maps[2, 0, 0], maps[3] = 5, 1, [[1, 1], [1, 0.5]]
    assert constant_maps(maps).tolist() == [False, True, False, False]
    assert silence(maps) == {"n": 4, "dead": 0.25, "constant": 0.25}
    assert constant_maps(np.ones((2, 1, 1))).all()


def finding(name, holds):
    return verdict.Finding(name, holds, f"{name}.")


@pytest.mark.parametrize(
    ("holds", "word"),
    [
        ({"alive": True, "faithful": True, "learnt": True, "in_place": True}, "trusted"),
        ({"alive": True, "faithful": True, "learnt": True, "in_place": False}, "careful"),
        ({"alive": True, "faithful": True, "learnt": None}, "careful"),
        ({"alive": True, "faithful": False, "learnt": True}, "lies"),
        ({"alive": False, "faithful": None, "learnt": None}, "lies"),
        ({"alive": True, "faithful": None, "learnt": True}, "undecided"),
    ],
)
def test_the_verdict_is_the_worst_that_was_found(holds, word):
    found = verdict.verdict("layer2", "gradcam", [finding(*item) for item in holds.items()])
    assert found["word"] == word and "gradcam at layer2" in found["sentence"]
    told = [name for name, good in holds.items() if good is not True] if word != "trusted" else list(holds)
    assert all(f"{name}." in found["sentence"] for name in told)
