"""Weights: learnt on the other folds only, never negative, those of scikit-learn where nothing holds them back."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from core.ensembles.stacking import METHODS, Combination, cross_fit, fit
from core.errors import LabelError
from core.evaluate.calibration.fit import log_odds
from tests.core.ensembles.made import labels_of, leaning


def members_of(labels, *strengths):
    return np.stack([log_odds(leaning(labels, strength, seed)) for seed, strength in enumerate(strengths, 1)])


def test_a_member_that_is_the_label_in_one_fold_does_not_help_there():
    """In fold 0 the second member is the label; elsewhere it is noise, so the other folds teach it no weight."""
    labels, fold_of = labels_of(900), np.arange(900) % 3
    own, noise = fold_of == 0, np.random.default_rng(5).normal(size=900)
    spy = np.where(own, 2.0 * labels - 1, noise)
    first = members_of(labels, 1.0)[0]
    found = cross_fit(labels, np.stack([first, spy]), fold_of, "stack")
    assert found.folds[0] == cross_fit(labels, np.stack([first, noise]), fold_of, "stack").folds[0]
    assert found.folds[0].shares[1] < 0.1  # what noise has by luck
    assert min(found.folds[1].shares[1], found.folds[2].shares[1]) > 0.25  # those that saw fold 0 trust it
    alone, stacked = (roc_auc_score(labels[own], one[own]) for one in (first, found.scores))
    assert stacked < alone + 0.02 and roc_auc_score(labels[own], spy[own]) == 1.0


@pytest.mark.parametrize("method", METHODS)
def test_a_folds_labels_change_nothing_about_its_own_combination(method):
    """Turned labels of fold 0, two and two, leave the share of positives and so everything that decides fold 0."""
    labels, fold_of = labels_of(300), np.arange(300) % 3
    members = members_of(labels, 1.0, 0.5)
    own = np.flatnonzero(fold_of == 0)
    turned = labels.copy()
    turned[own] = labels[own][::-1]
    assert (turned != labels).any()
    first, second = (cross_fit(one, members, fold_of, method) for one in (labels, turned))
    assert first.folds[0] == second.folds[0] and first.folds[1] != second.folds[1]
    assert np.array_equal(first.scores[own], second.scores[own])


def test_weights_are_those_of_scikit_learn_where_they_are_positive():
    labels = labels_of(4000)
    members = members_of(labels, 1.0, 0.7, 0.4)
    found = fit(labels, members, "stack")
    oracle = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000).fit(members.T, labels)
    ours = np.array(found.weights) * found.slopes
    assert ours == pytest.approx(oracle.coef_[0], rel=0.01)  # the ridge is one patch's worth
    assert found.log_odds(members) == pytest.approx(oracle.decision_function(members.T), rel=0.02, abs=0.02)


def test_a_member_that_contradicts_gets_no_weight_instead_of_a_negative_one():
    labels = labels_of(2000)
    good = members_of(labels, 1.0)[0]
    noise = np.random.default_rng(3).normal(size=2000)
    members = np.stack([good + noise, noise])  # a free fit subtracts the second from the first
    assert LogisticRegression(C=np.inf).fit(members.T, labels).coef_[0, 1] < -0.5
    found = fit(labels, members, "stack")
    assert found.weights[1] == pytest.approx(0, abs=1e-3) and found.shares.sum() == pytest.approx(1)


def test_the_average_counts_all_members_the_same_and_keeps_its_scale():
    labels = labels_of(2000)
    members = members_of(labels, 1.0, 1.0)
    found = fit(labels, members * np.array([[1.0], [50.0]]), "average")  # one of them is always very sure
    assert found.weights[0] == found.weights[1] and found.shares == pytest.approx([0.5, 0.5], abs=0.02)
    again = fit(labels, members, "average")
    assert found.log_odds(members * np.array([[1.0], [50.0]])) == pytest.approx(again.log_odds(members), abs=1e-6)


def test_members_that_separate_the_classes_have_finite_weights():
    labels = np.array([0, 1] * 10)
    found = fit(labels, np.stack([20.0 * (2 * labels - 1), 20.0 * (2 * labels - 1)]), "stack")
    assert np.isfinite([*found.weights, found.intercept]).all() and found.shares == pytest.approx([0.5, 0.5], abs=1e-6)


def test_one_class_teaches_no_weights():
    with pytest.raises(LabelError, match="Both classes are needed"):
        fit(np.ones(5), np.zeros((2, 5)), "stack")
    with pytest.raises(LabelError, match="2 of the 2 patches are positive"):
        cross_fit(np.array([0, 0, 0, 0, 1, 1]), np.zeros((2, 6)), np.array([0, 0, 0, 0, 1, 1]), "stack")


def test_noise_gains_nothing_whether_or_not_the_members_share_their_folds():
    """Members that are real models of noise, on the same and on other folds: pooled, no AUC above one half."""
    n, aucs = 160, {}
    for seed in range(12):
        rng = np.random.default_rng(seed)
        labels = (rng.random(n) < 0.4).astype(int)
        inputs, own = rng.normal(size=(n, 6)), rng.integers(0, 3, n)
        first = _out_of_fold(inputs[:, ::2], labels, own)
        for name, folds in (("same", own), ("other", rng.integers(0, 3, n))):
            members = np.stack([first, _out_of_fold(inputs[:, 1::2], labels, folds)])
            for method in METHODS:
                scores = cross_fit(labels, members, own, method).scores
                aucs.setdefault((name, method), []).append(roc_auc_score(labels, scores))
    for found in aucs.values():
        spread = np.std(found, ddof=1) / np.sqrt(len(found))
        assert 0.38 < np.mean(found) < 0.5 + 3 * spread


def _out_of_fold(inputs, labels, fold_of):
    scores = np.zeros(len(labels))
    for k in np.unique(fold_of):
        model = LogisticRegression().fit(inputs[fold_of != k], labels[fold_of != k])
        scores[fold_of == k] = model.decision_function(inputs[fold_of == k])
    return scores


@settings(max_examples=30)
@given(
    seed=st.integers(0, 10_000), n_members=st.integers(2, 5), n=st.integers(12, 80), method=st.sampled_from(METHODS),
)  # fmt: skip
def test_any_members_give_finite_answers_by_weights_that_are_not_negative(seed, n_members, n, method):
    rng = np.random.default_rng(seed)
    labels = np.concatenate([np.tile([0, 1], 6), rng.integers(0, 2, n - 12)])
    members = rng.normal(size=(n_members, n)) * rng.choice([1e-6, 1.0, 20.0], size=(n_members, 1))
    fold_of = np.concatenate([np.repeat([0, 1, 2], 4), rng.integers(0, 3, n - 12)])
    found = cross_fit(labels, members, fold_of, method)
    assert np.isfinite(found.scores).all() and found.scores.shape == (n,)
    for one in (*found.folds, found.deployed):
        assert min(one.weights) >= 0 and one.shares.sum() == pytest.approx(1)
        assert Combination.from_dict(one.to_dict()) == one
    mirrored = cross_fit(labels, members[::-1], fold_of, method)  # the order of members says nothing
    assert mirrored.scores == pytest.approx(found.scores, abs=1e-3)
