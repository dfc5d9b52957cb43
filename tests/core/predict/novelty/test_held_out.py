"""P-values are never too small too often: a theorem for any scores and groups, held here for drawn ones."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.predict.novelty.held_out import HeldOut, scale_of

PATCHES = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 9)), min_size=2, max_size=40)


def pooled(*folds):
    scores = tuple(np.array([score for _, score in fold], float) for fold in folds)
    return HeldOut(scores, tuple(np.array([group for group, _ in fold]) for fold in folds))


@given(PATCHES, st.floats(0.01, 1.0))
def test_exchangeable_held_out_patches_have_super_uniform_p_values(patches, level):
    held = pooled(patches)
    told = held.own_p_values()[0] <= level
    assert (told * held.weights[0]).sum() / held.n_groups <= level + 1e-9  # each group drawn alike, then a patch of it


@given(PATCHES, PATCHES, st.floats(0.01, 1.0))
def test_so_it_is_over_all_folds(first, second, level):
    held = pooled(first, second)
    told = [p <= level for p in held.own_p_values()]
    rate = sum((one * weights).sum() for one, weights in zip(told, held.weights, strict=True)) / held.n_groups
    assert rate <= level + 1e-9


def test_groups_count_once_and_folds_are_pooled():
    held = pooled([(0, 1.0), (0, 3.0), (1, 2.0)], [(0, 10.0), (1, 30.0)])
    assert held.n_groups == 4 and held.least == 1 / 5
    # first fold: half of group 0 reaches 2.5, group 1 does not; second: one of two groups reaches 20.
    assert held.p_values([np.array([2.5, 9.0, -1.0, np.nan]), np.array([20.0, 99.0, -1.0, 0.0])]) == pytest.approx(
        [(1 + 0.5 + 1) / 5, 1 / 5, 1.0, 1.0]
    )


def test_new_patches_of_new_groups_alarm_as_rarely_as_is_said():
    rng, alarms, n = np.random.default_rng(0), np.zeros(3), 400
    for _ in range(n):
        place = np.repeat(rng.normal(size=61), 5) * 2  # patches of a place resemble each other
        scores = place + rng.normal(size=len(place))
        held = HeldOut((scores[:150], scores[150:300]), (np.repeat(np.arange(30), 5), np.repeat(np.arange(30), 5)))
        p = held.p_values([scores[300:301], scores[300:301]])[0]
        alarms += p <= np.array([0.02, 0.1, 0.3])
    assert (alarms / n <= np.array([0.02, 0.1, 0.3]) + 0.02).all() and alarms[1] > 0


def test_the_scale_counts_each_group_once():
    assert scale_of(np.array([1.0, 2, 3, 100, 100, 100, 100]), np.array([0, 1, 2, 3, 3, 3, 3]), at=0.7) == 3.0
    assert scale_of(np.array([np.nan]), np.array([0])) == 1.0 and scale_of(np.empty(0), np.empty(0)) == 1.0
