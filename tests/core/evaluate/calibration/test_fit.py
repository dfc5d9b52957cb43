"""Platt scaling: right on known logits, stable on awkward scores, and blind to noise."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold
from sklearn.svm import SVC

from core.evaluate.calibration.fit import SLOPE_FLOOR, apply_platt, cross_fitted_platt, fit_platt
from core.evaluate.metrics import auc


def drawn(n: int, a: float, b: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    scores = rng.normal(size=n)
    return scores, (rng.random(n) < apply_platt(scores, a, b)).astype(int)


def test_slope_and_intercept_are_those_of_logistic_regression():
    scores, labels = drawn(4000, 2.0, -1.0)
    a, b = fit_platt(scores, labels)
    model = LogisticRegression(C=1e9, tol=1e-10).fit(scores[:, None], labels)
    assert a == pytest.approx(model.coef_[0, 0], abs=0.02)  # Platt's smoothed targets are the difference
    assert b == pytest.approx(model.intercept_[0], abs=0.02)


def test_mean_probability_is_the_share_of_positives():
    scores, labels = drawn(500, 1.5, -1.5)
    assert apply_platt(scores, *fit_platt(scores, labels)).mean() == pytest.approx(labels.mean(), abs=0.005)


def test_a_ranking_is_never_turned_round():
    scores, labels = drawn(300, 2.0, 0.0)
    a, b = fit_platt(-scores, labels)
    assert a == pytest.approx(SLOPE_FLOOR / scores.std())
    assert apply_platt(-scores, a, b).mean() == pytest.approx(labels.mean(), abs=0.01)


@pytest.mark.parametrize("scale, offset", [(1e-9, 0.0), (1e9, 0.0), (1.0, 1e6)])
def test_units_of_the_scores_do_not_matter(scale, offset):
    scores, labels = drawn(200, 2.0, -1.0)
    expected = apply_platt(scores, *fit_platt(scores, labels))
    moved = scale * scores + offset
    np.testing.assert_allclose(apply_platt(moved, *fit_platt(moved, labels)), expected, atol=1e-6)


def test_separable_scores_have_a_finite_slope():
    scores, labels = np.array([-3.0, -2.0, 2.0, 3.0]), np.array([0, 0, 1, 1])
    a, b = fit_platt(scores, labels)
    probs = apply_platt(scores, a, b)
    assert np.isfinite([a, b]).all() and (np.diff(probs) > 0).all()
    assert 0.1 < probs[0] < probs[1] < 0.5  # Platt's targets are 1/4 and 3/4


def test_constant_scores_give_the_share_of_positives():
    a, b = fit_platt(np.full(100, 7.0), np.arange(100) < 20)
    assert a > 0 and apply_platt(np.array([7.0]), a, b)[0] == pytest.approx(0.2, abs=0.01)


@pytest.mark.parametrize("label, low, high", [(0, 0.0, 0.2), (1, 0.8, 1.0)])
def test_one_class_still_gives_probabilities(label, low, high):
    probs = apply_platt(np.arange(10.0), *fit_platt(np.arange(10.0), np.full(10, label)))
    assert (probs > low).all() and (probs < high).all()


def test_nothing_to_learn_from_is_the_plain_logistic():
    assert fit_platt(np.empty(0), np.empty(0)) == (1.0, 0.0)


def test_extreme_scores_do_not_overflow():
    np.testing.assert_array_equal(apply_platt(np.array([-1e300, 0.0, 1e300]), 1.0, 0.0), [0.0, 0.5, 1.0])


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.floats(-1e4, 1e4, width=32), st.booleans()), min_size=1, max_size=30))
def test_any_scores_give_probabilities_in_their_order(rows):
    scores, labels = np.array([row[0] for row in rows]), np.array([row[1] for row in rows])
    a, b = fit_platt(scores, labels)
    probs = apply_platt(np.sort(scores), a, b)
    assert a > 0 and (probs >= 0).all() and (probs <= 1).all() and (np.diff(probs) >= 0).all()


def test_a_folds_own_labels_enter_only_through_the_share_of_positives():
    scores, labels = drawn(90, 2.0, 0.0)
    fold_of = np.arange(90) % 3
    _, before = cross_fitted_platt(scores, labels, fold_of)
    turned = labels.copy()
    turned[fold_of == 1] = labels[fold_of == 1][::-1]
    _, after = cross_fitted_platt(scores, turned, fold_of)
    np.testing.assert_array_equal(before[1], after[1])
    assert not np.array_equal(before[0], after[0])


def test_patches_in_no_fold_have_no_probability():
    scores, labels = drawn(30, 2.0, 0.0)
    fold_of = np.where(np.arange(30) < 3, -1, np.arange(30) % 3)
    probs, params = cross_fitted_platt(scores, np.where(fold_of < 0, -1, labels), fold_of)
    assert params.shape == (3, 2)
    np.testing.assert_array_equal(np.isnan(probs), fold_of < 0)


def noise_auc(seed: int, grouped: bool) -> float:
    """Pooled AUC of an RBF-SVM on Gaussian noise, 17.6 % positive, through five folds and cross-fitted scaling."""
    rng = np.random.default_rng(seed)
    features, labels = rng.normal(size=(600, 32)), (rng.random(600) < 0.176).astype(int)
    groups = rng.integers(0, 150, 600)
    splitter, by = (StratifiedGroupKFold, {"groups": groups}) if grouped else (StratifiedKFold, {})
    fold_of, scores = np.zeros(600, int), np.zeros(600)
    for k, (train, held) in enumerate(splitter(5, shuffle=True, random_state=seed).split(features, labels, **by)):
        model = SVC(C=0.1, class_weight="balanced").fit(features[train], labels[train])
        fold_of[held], scores[held] = k, model.decision_function(features[held])
    probs, _ = cross_fitted_platt(scores, labels, fold_of)
    assert np.unique(probs).size == np.unique(scores).size  # the scores still speak
    return auc(labels, probs)


@pytest.mark.parametrize("grouped", [False, True])
def test_noise_labels_stay_near_one_half(grouped):
    found = [noise_auc(seed, grouped) for seed in range(3)]
    assert all(0.42 <= value <= 0.58 for value in found), found


def test_uneven_folds_do_not_order_noise_by_their_intercepts():
    """Scores carry nothing and folds differ widely in positives: unequalised scaling would fall far below one half."""
    rng = np.random.default_rng(0)
    fold_of = np.repeat(np.arange(5), 400)
    labels = (rng.random(2000) < np.array([0.05, 0.1, 0.18, 0.25, 0.3])[fold_of]).astype(int)
    scores = rng.normal(size=2000)
    naive = np.zeros(2000)
    for k in range(5):
        naive[fold_of == k] = apply_platt(scores[fold_of == k], *fit_platt(scores[fold_of != k], labels[fold_of != k]))
    probs, _ = cross_fitted_platt(scores, labels, fold_of)
    assert auc(labels, naive) < 0.45
    assert 0.46 < auc(labels, probs) < 0.54
