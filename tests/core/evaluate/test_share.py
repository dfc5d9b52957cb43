"""How frequent landslides are, told without labels: known mixtures, coverage, and misfits that are noticed."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import DataError, LabelError
from core.evaluate.share import estimate_share


def scores(labels, rng, gap=2.5, off=0.0, between=None):
    """Probabilities of labels: normal log-odds, calibrated for equal classes where ``off`` is 0."""
    spread = np.sqrt(gap)
    odds = (2 * labels - 1) * gap / 2 + spread * rng.normal(size=labels.shape) + off
    return 1 / (1 + np.exp(-(odds if between is None else odds + between)))


def labelled(rng, n=1500, share=0.5):
    labels = (rng.random(n) < share).astype(np.int8)
    return labels, scores(labels, rng)


def test_two_levels_are_solved_by_hand():
    # 80 % of landslides and 10 % of other ground score high; 45 of 100 there do: 0.1 + 0.7 s = 0.45
    labels = np.repeat([1, 0], 100)
    probs = np.r_[np.repeat([0.9, 0.1], [80, 20]), np.repeat([0.9, 0.1], [10, 90])]
    found = estimate_share(labels, probs, np.repeat([0.9, 0.1], [45, 55]), 0.5)
    assert found.share == pytest.approx(0.5, abs=1e-6) and found.counted == 0.45
    assert found.lo < 0.5 < found.hi and found.gap == pytest.approx(0, abs=1e-9) and found.p == 1 and found.fits


def test_where_nothing_is_the_interval_begins_at_zero_and_is_not_empty():
    rng = np.random.default_rng(7)
    labels, probs = labelled(rng)
    none = estimate_share(labels, probs, scores(np.zeros(400, int), rng), 0.5)
    assert none.lo == 0 and 0 < none.hi < 0.1 and none.counted > 0.1
    every = estimate_share(labels, probs, scores(np.ones(400, int), rng), 0.5)
    assert every.hi == 1 and 0.9 < every.lo < 1


@given(st.floats(0.02, 0.98), st.floats(-2, 2), st.integers(0, 10_000))
@settings(max_examples=12, deadline=None)
def test_probabilities_that_are_not_calibrated_cost_no_bias(share, off, seed):
    rng = np.random.default_rng(seed)
    labels = (np.arange(4000) % 2).astype(np.int8)
    there = (rng.random(4000) < share).astype(int)
    probs, new = scores(labels, rng, off=off), scores(there, rng, off=off)
    found = estimate_share(labels, probs, new, 0.5, n_boot=20)
    assert found.lo <= found.share <= found.hi and abs(found.share - there.mean()) < 0.08
    turned = estimate_share(1 - labels, 1 - probs, 1 - new, 0.5, n_boot=20)  # the other class is the rest
    assert turned.share == pytest.approx(1 - found.share, abs=0.02)


@pytest.mark.parametrize(("share", "n", "models"), [(0.03, 300, 1), (0.2, 150, 1), (0.2, 200, 4)])
def test_the_interval_covers_and_misfits_are_rare_where_the_assumption_holds(share, n, models):
    rng = np.random.default_rng(1)
    inside, misfits = 0, 0
    for seed in range(150):
        labels, probs = labelled(rng, 500)
        there = (rng.random(n) < share).astype(int)
        found = estimate_share(labels, probs, np.stack([scores(there, rng) for _ in range(models)]), 0.5, seed=seed,
                               n_boot=100)  # fmt: skip
        inside, misfits = inside + (found.lo <= share <= found.hi), misfits + (not found.fits)
    assert inside >= 0.9 * 150 and misfits <= 0.05 * 150


def test_patches_of_one_scene_widen_the_interval():
    rng = np.random.default_rng(2)
    labels, probs = labelled(rng)
    scene = np.repeat(np.arange(20), 20)
    there = (rng.random(20) < 0.3).astype(int)[scene]  # a scene is one or the other
    new = scores(there, rng)
    plain, grouped = (estimate_share(labels, probs, new, 0.5, groups_there=g) for g in (None, scene))
    assert grouped.hi - grouped.lo > 2 * (plain.hi - plain.lo) and grouped.n_groups == 20 and plain.n_groups is None
    assert grouped.lo < there.mean() < grouped.hi
    stated = estimate_share(labels, probs, new, 0.5, effect=4.0)
    assert stated.hi - stated.lo == pytest.approx(2 * (plain.hi - plain.lo), rel=0.15)


def test_ground_that_looks_different_is_noticed():
    rng = np.random.default_rng(3)
    labels, probs = labelled(rng)
    middling = 1 / (1 + np.exp(-0.3 * rng.normal(size=500)))  # neither like landslides nor like other ground
    found = estimate_share(labels, probs, middling, 0.5)
    assert not found.fits and found.gap > 0.1 and not found.to_dict()["fits"]


def test_too_little_to_tell_is_refused_in_words():
    rng = np.random.default_rng(4)
    labels, probs = labelled(rng, 200)
    with pytest.raises(DataError, match="there are 5"):
        estimate_share(labels, probs, probs[:5], 0.5)
    with pytest.raises(LabelError, match="20 labelled patches of each class"):
        estimate_share(labels[labels == 1], probs[labels == 1], probs, 0.5)
    with pytest.raises(DataError, match="do not tell the classes apart"):
        estimate_share(labels, rng.random(200), rng.random(100), 0.5)
