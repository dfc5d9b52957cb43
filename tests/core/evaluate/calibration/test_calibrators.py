"""Temperature, Platt, isotonic: right on known probabilities, cross-fitted, refused where there is too little."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from sklearn.isotonic import IsotonicRegression
from sklearn.metrics import log_loss as oracle_log_loss

from core.errors import ConfigError, DataError
from core.evaluate.calibration.calibrators import (
    METHODS,
    compare_calibrations,
    cross_fitted,
    fit_calibrator,
    fit_isotonic,
    fit_temperature,
    log_loss,
    log_odds,
)
from core.evaluate.metrics import ece


def overconfident(n=3000, factor=2.5, seed=0):
    rng = np.random.default_rng(seed)
    logits = rng.normal(-0.5, 1.5, n)
    labels = (rng.random(n) < 1 / (1 + np.exp(-logits))).astype(int)
    return labels, 1 / (1 + np.exp(-factor * logits)), np.arange(n) % 5


def test_temperature_finds_the_factor_that_was_applied():
    labels, probs, _ = overconfident(20_000, 2.5)
    assert fit_temperature(labels, probs) == pytest.approx(2.5, rel=0.06)


def test_temperature_minimises_the_cross_entropy():
    labels, probs, _ = overconfident(500)
    z = log_odds(probs)
    best = minimize_scalar(
        lambda t: np.mean(np.logaddexp(0, z / t) - labels * z / t), bounds=(0.1, 10), method="bounded"
    )
    assert fit_temperature(labels, probs) == pytest.approx(best.x, abs=1e-3)


@pytest.mark.parametrize("labels, expected", [([0, 0, 1, 1], 0.01), ([1, 1, 0, 0], 100.0)])
def test_temperature_is_bounded_on_separable_and_on_reversed_scores(labels, expected):
    assert fit_temperature(np.array(labels), np.array([0.1, 0.2, 0.8, 0.9])) == pytest.approx(expected)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 1)), min_size=1, max_size=40))
def test_isotonic_is_scikit_learns(rows):
    scores, labels = np.array([r[0] for r in rows]) / 10, np.array([r[1] for r in rows])
    x, y = fit_isotonic(scores, labels, smoothing=0.0)
    new = np.linspace(-0.2, 1.2, 57)
    expected = IsotonicRegression(out_of_bounds="clip").fit(scores, labels).predict(new)
    np.testing.assert_allclose(np.interp(new, x, y), expected, atol=1e-9)


def test_no_finite_number_of_patches_promises_certainty():
    x, y = fit_isotonic(np.array([0.1, 0.2, 0.8, 0.9]), np.array([0, 0, 1, 1]))
    assert 0 < y[0] < y[-1] < 1


@pytest.mark.parametrize("method", METHODS[1:])
def test_every_way_mends_overconfidence_out_of_fold(method):
    labels, probs, fold_of = overconfident()
    found = cross_fitted(labels, probs, fold_of, method)
    assert ece(labels, found) < 0.5 * ece(labels, probs)
    assert log_loss(labels, found) < log_loss(labels, probs)


@pytest.mark.parametrize("method", METHODS)
def test_a_folds_own_labels_do_not_move_its_probabilities(method):
    labels, probs, fold_of = overconfident(1000)
    before = cross_fitted(labels, probs, fold_of, method)
    after = cross_fitted(np.where(fold_of == 2, 1 - labels, labels), probs, fold_of, method)
    np.testing.assert_array_equal(before[fold_of == 2], after[fold_of == 2])


@pytest.mark.parametrize("method", METHODS)
def test_a_ranking_is_never_turned_round(method):
    labels, probs, _ = overconfident(400)
    new = fit_calibrator(1 - labels, probs, method)(np.linspace(0, 1, 50))
    assert (np.diff(new) >= -1e-12).all() and (new >= 0).all() and (new <= 1).all()


@pytest.mark.fault(21)
def test_too_few_patches_are_refused_with_the_number_needed():
    labels, probs, fold_of = overconfident(60)
    with pytest.raises(DataError, match="at least 50 patches of each class"):
        cross_fitted(labels, probs, fold_of, "isotonic")
    rows = {row.method: row for row in compare_calibrations(labels, probs, fold_of, n_boot=50)}
    assert "50 patches" in rows["isotonic"].reason and np.isnan(rows["isotonic"].probs).all()
    assert rows["temperature"].reason == "" and np.isfinite(rows["temperature"].values["ece"])


def test_the_comparison_holds_every_way_with_intervals():
    labels, probs, fold_of = overconfident(1000)
    rows = compare_calibrations(labels, probs, fold_of, np.arange(1000) // 2, n_boot=100)
    assert [row.method for row in rows] == list(METHODS)
    for row in rows:
        assert row.intervals["brier"][0] <= row.values["brier"] <= row.intervals["brier"][1]
        assert row.values["log_loss"] == pytest.approx(oracle_log_loss(labels, row.probs), abs=1e-4)
        assert row.parts.brier == pytest.approx(row.values["brier"])


def test_patches_in_no_fold_have_no_probability_and_unlabelled_ones_are_not_learnt_from():
    labels, probs, fold_of = overconfident(300)
    fold_of = np.where(np.arange(300) < 9, -1, fold_of)
    labels = np.where(np.arange(300) == 50, -1, labels)
    found = cross_fitted(labels, probs, fold_of, "platt")
    np.testing.assert_array_equal(np.isnan(found), fold_of < 0)


def test_an_unknown_way_is_refused():
    with pytest.raises(ConfigError, match="no calibration 'beta'"):
        fit_calibrator(np.array([0, 1]), np.array([0.1, 0.9]), "beta")
