"""A fold's threshold is learnt on the other folds, deterministically, also on awkward scores."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.evaluate.metrics import metrics
from core.evaluate.thresholds import TOLERANCE, best_f1_threshold, cross_fitted_thresholds, decisions


def test_threshold_lies_midway_between_the_scores_it_parts():
    assert best_f1_threshold(np.array([0, 0, 1, 1]), np.array([0.1, 0.2, 0.6, 0.9])) == pytest.approx(0.4)


def test_of_nearly_equal_thresholds_half_the_best_f1_is_taken():
    rng = np.random.default_rng(0)
    probs = rng.beta(0.6, 1.2, 3000)
    labels = (rng.random(3000) < probs).astype(int)  # calibrated by construction
    best = max(metrics(labels, probs, t)["f1"] for t in np.linspace(0.2, 0.6, 81))
    assert best_f1_threshold(labels, probs) == pytest.approx(best / 2, abs=0.03)


def test_the_choice_does_not_depend_on_how_sure_the_probabilities_are():
    rng = np.random.default_rng(0)
    logits = rng.normal(-1, 2, 2000)
    labels = (rng.random(2000) < 1 / (1 + np.exp(-logits))).astype(int)
    plain, overconfident = (1 / (1 + np.exp(-k * logits)) for k in (1.0, 2.5))
    first = plain >= best_f1_threshold(labels, plain)
    second = overconfident >= best_f1_threshold(labels, overconfident)
    assert (first != second).mean() < 0.02


def test_tied_scores_are_never_parted():
    labels, probs = np.array([0, 1, 1, 1]), np.array([0.1, 0.5, 0.5, 0.5])
    assert best_f1_threshold(labels, probs) == pytest.approx(0.3)


def test_constant_scores_call_everything_positive():
    threshold = best_f1_threshold(np.array([0, 0, 1]), np.full(3, 0.3))
    assert threshold == pytest.approx(0.15)


@pytest.mark.parametrize("labels", [[0, 0], [1, 1], []])
def test_one_class_gives_half(labels):
    assert best_f1_threshold(np.array(labels, dtype=int), np.linspace(0.1, 0.2, len(labels))) == 0.5


def test_neighbouring_floats_are_parted_rightly():
    low = 0.3
    high = np.nextafter(low, 1)
    threshold = best_f1_threshold(np.array([0, 1]), np.array([low, high]))
    assert low < threshold <= high


@settings(max_examples=80, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 1), st.floats(0, 1)), min_size=2, max_size=25))
def test_no_other_threshold_has_an_f1_higher_by_more_than_the_tolerance(rows):
    labels, probs = np.array([row[0] for row in rows]), np.array([row[1] for row in rows])
    if labels.min() == labels.max():
        return
    best = metrics(labels, probs, best_f1_threshold(labels, probs))["f1"]
    assert best >= max(metrics(labels, probs, t)["f1"] for t in probs) - TOLERANCE - 1e-12


def test_a_folds_own_labels_do_not_move_its_threshold():
    rng = np.random.default_rng(0)
    labels, probs, fold_of = rng.integers(0, 2, 60), rng.random(60), np.arange(60) % 3
    before = cross_fitted_thresholds(labels, probs, fold_of)
    other = np.where(fold_of == 1, 1 - labels, labels)
    after = cross_fitted_thresholds(other, probs, fold_of)
    assert before.shape == (3,) and after[1] == before[1]
    assert before[1] == best_f1_threshold(labels[fold_of != 1], probs[fold_of != 1])


def test_patches_in_no_fold_are_neither_learnt_from_nor_decided():
    labels, probs = np.array([0, 1, 0, 1, -1, 1]), np.array([0.2, 0.8, 0.4, 0.6, np.nan, 0.01])
    fold_of = np.array([0, 0, 1, 1, -1, -1])
    thresholds = cross_fitted_thresholds(labels, probs, fold_of)
    np.testing.assert_allclose(thresholds, [0.5, 0.5])
    np.testing.assert_array_equal(decisions(probs, fold_of, thresholds), [0, 1, 0, 1, -1, -1])
    assert decisions(probs[:1], np.array([-1]), np.empty(0)).tolist() == [-1]
