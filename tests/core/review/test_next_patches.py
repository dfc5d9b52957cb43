"""What to label next: uncertain before certain, novel before known, and no two of a kind."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import DataError
from core.review.next_patches import next_batch, uncertain


def test_uncertainty_by_hand():
    assert uncertain(np.array([0.0, 0.5, 1.0, 0.2, 0.8])) == pytest.approx([0, 1, 0, 0.64, 0.64], abs=1e-5)
    assert uncertain(np.array([0.1]), threshold=0.1) == pytest.approx([1.0])


def test_uncertain_ones_come_before_certain_ones():
    probs = np.array([0.01, 0.5, 0.99, 0.45, 0.02, 0.55])
    features = np.arange(6.0)[:, None]
    assert set(next_batch(probs, features, features, 3).index) == {1, 3, 5}


def test_a_novel_one_comes_before_a_known_one_of_the_same_doubt():
    features = np.array([[0.0], [9.0], [0.1]])
    assert next_batch(np.full(3, 0.4), features, np.array([[0.0]]), 1).index[0] == 1


def test_of_equal_patches_one_is_enough():
    """Three heaps of twins, all equally uncertain: a batch of three takes one of each."""
    features = np.repeat(np.array([[0.0, 0], [5, 0], [0, 5]]), 5, axis=0)
    chosen = next_batch(np.full(15, 0.5), features, np.array([[2.0, 2]]), 3).index
    assert sorted(chosen // 5) == [0, 1, 2]


def test_all_equal_patches_still_fill_the_batch():
    with pytest.warns(UserWarning, match="distinct clusters"):
        assert len(set(next_batch(np.full(30, 0.5), np.zeros((30, 2)), np.zeros((1, 2)), 5).index)) == 5


def test_without_candidates_it_says_so():
    with pytest.raises(DataError, match="no unlabelled patch"):
        next_batch(np.empty(0), np.empty((0, 2)), np.empty((0, 2)), 3)


@settings(max_examples=25)
@given(st.integers(1, 40), st.integers(1, 12), st.integers(0, 5), st.integers(0, 99))
def test_the_batch_is_full_without_repeats_and_always_the_same(n, size, known, seed):
    rng = np.random.default_rng(seed)
    probs, features, labelled = rng.random(n), rng.normal(size=(n, 3)), rng.normal(size=(known, 3))
    batch = next_batch(probs, features, labelled, size, seed=seed)
    assert len(batch.index) == len(set(batch.index)) == min(n, size)
    assert (np.diff(batch.worth[batch.index]) <= 0).all()
    for values in (batch.uncertainty, batch.novelty, batch.worth):
        assert values.shape == (n,) and (values >= 0).all() and (values <= 1).all()
    assert (batch.index == next_batch(probs, features, labelled, size, seed=seed).index).all()
