"""What to label next: uncertain before certain, novel before known, and no two of a kind."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import DataError
from core.review.next_patches import (
    BETA,
    MEASURED,
    measured_near,
    one_of_each,
    ranks,
    reason,
    uncertain,
    worth_of,
    worthiest,
)


def test_uncertainty_by_hand():
    assert uncertain(np.array([0.0, 0.5, 1.0, 0.2, 0.8])) == pytest.approx([0, 1, 0, 0.64, 0.64], abs=1e-5)
    assert uncertain(np.array([0.1]), threshold=0.1) == pytest.approx([1.0])


def test_ranks_and_worth_by_hand():
    assert ranks(np.array([3.0, 1.0, 2.0, 1.0])) == pytest.approx([1, 0, 2 / 3, 0])
    assert worth_of(np.array([1.0, 0.0]), np.array([0.0, 1.0])) == pytest.approx([0.75, 0.25])
    assert worth_of(np.array([0.3]), None) == pytest.approx([0.3])


def test_uncertain_ones_come_first_and_a_novel_one_before_a_known_one_of_the_same_doubt():
    assert worthiest(uncertain(np.array([0.01, 0.5, 0.97, 0.45, 0.05, 0.57])), 1).tolist() == [1, 3, 5, 4, 2]
    assert worthiest(worth_of(np.full(3, 0.96), np.array([0.0, 1.0, 0.5])), 1).tolist() == [1, 2, 0]


def test_of_equal_patches_one_is_enough():
    """Three heaps of twins, all equally uncertain: a batch of three takes one of each, and tells of the other four."""
    features = np.repeat(np.array([[0.0, 0], [5, 0], [0, 5]]), 5, axis=0)
    chosen = one_of_each(features, np.ones(15), 3)
    assert sorted(chosen.index // 5) == [0, 1, 2] and sorted(chosen.kind) == [0, 1, 2]
    assert chosen.alike.tolist() == [4, 4, 4]


def test_all_equal_patches_still_fill_the_batch():
    with pytest.warns(UserWarning, match="distinct clusters"):
        assert len(set(one_of_each(np.zeros((30, 2)), np.full(30, 0.5), 5).index)) == 5


def test_without_candidates_it_says_so():
    with pytest.raises(DataError, match="nothing to choose from"):
        worthiest(np.empty(0), 3)


def test_reasons_in_words():
    assert (
        reason(0.484, 0.5, 0.97, 6)
        == "p 0.48 beside the threshold 0.50; farther from training than 97% of the others; stands for 6 like it"
    )
    assert reason(0.1, 0.12, None, 0) == "p 0.10 beside the threshold 0.12"


def test_what_is_told_of_its_worth_is_what_was_measured():
    results = Path(__file__).parents[3] / "benchmarks" / "results"
    parts = {
        0.05: "landslides_one_in_20",
        0.10: "landslides_one_in_10",
        0.25: "landslides_one_in_4",
        0.50: "all_patches",
    }
    files = {"Landslide4Sense": "next_patches.json", "Bijie": "next_patches_bijie.json"}
    for share, gains in MEASURED.items():
        for gain in gains:
            found = json.loads((results / files[gain.data]).read_text(encoding="utf-8"))[parts[share]]
            told = found["against_random"]["novel"]["ap"]["whole_curve"]
            near = pytest.approx((gain.mean, gain.low, gain.high), abs=6e-4)
            assert (told["mean"], *told["interval"]) == near, (share, gain.data)
    assert [measured_near(share)[0] for share in (0.0, 0.07, 0.11, 0.2, 0.49, 1.0)] == [
        0.05,
        0.05,
        0.10,
        0.25,
        0.50,
        0.50,
    ]


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 40), st.integers(1, 12), st.integers(0, 99))
def test_the_batch_is_full_without_repeats_and_always_the_same(n, size, seed):
    rng = np.random.default_rng(seed)
    features, worth = rng.normal(size=(n, 3)), rng.random(n)
    first = worthiest(worth, size)
    assert len(first) == min(n, BETA * size) and (np.diff(worth[first]) <= 0).all()
    kinds = one_of_each(features[first], worth[first], size, seed)
    assert len(kinds.index) == len(set(kinds.index)) == len(kinds.kind) == len(kinds.alike) == min(n, size)
    assert (np.diff(worth[first][kinds.index]) <= 0).all() and (kinds.alike >= 0).all()
    assert (kinds.index == one_of_each(features[first], worth[first], size, seed).index).all()
