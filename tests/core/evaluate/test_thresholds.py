"""A fold's threshold is learnt on the other folds, deterministically, also on awkward scores."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import ConfigError
from core.evaluate.metrics import confusion, metrics
from core.evaluate.thresholds import (
    TOLERANCE,
    best_f1_threshold,
    chooser,
    cost_threshold,
    cross_fitted_thresholds,
    decisions,
    nested,
    recall_threshold,
)


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


def noisy(n=600, seed=0):
    rng = np.random.default_rng(seed)
    probs = rng.random(n)
    return (rng.random(n) < probs).astype(int), probs, np.arange(n) % 4


@pytest.mark.parametrize("recall", [0.5, 0.9, 0.95, 1.0])
def test_the_recall_threshold_is_the_highest_that_finds_enough(recall):
    labels, probs, _ = noisy()
    threshold = recall_threshold(labels, probs, recall)
    assert metrics(labels, probs, threshold)["recall"] >= recall
    higher = np.sort(probs[(labels == 1) & (probs >= threshold)])[0] + 1e-9
    assert metrics(labels, probs, higher)["recall"] < recall


def test_nineteen_of_twenty_are_enough_for_a_recall_of_95_percent():
    labels, probs = np.ones(20, int), np.linspace(0.05, 1, 20)
    assert metrics(labels, probs, recall_threshold(labels, probs, 0.95))["recall"] == 0.95


@pytest.mark.parametrize("miss, alarm", [(1, 1), (10, 1), (0, 1), (1, 0)])
def test_no_threshold_is_cheaper_than_the_cheapest(miss, alarm):
    labels, probs, _ = noisy(120)
    cells = [confusion(labels, probs >= t) for t in [*probs, 2.0]]
    chosen = cost_threshold(labels, probs, miss, alarm)
    cost = [miss * c.fn + alarm * c.fp for c in (*cells, confusion(labels, probs >= chosen))]
    assert cost[-1] == pytest.approx(min(cost[:-1]))


def test_costs_of_calibrated_probabilities_give_the_known_threshold():
    labels, probs, _ = noisy(40_000)
    assert cost_threshold(labels, probs, 4, 1) == pytest.approx(0.2, abs=0.05)


def test_nothing_worth_an_alarm_calls_nothing():
    labels, probs = np.array([0, 0, 0]), np.array([0.2, 0.5, 1.0])
    assert not (probs >= cost_threshold(labels, probs, 1, 1)).any()


@pytest.mark.parametrize("rule", ["best_f1", "recall", "cost", "half"])
def test_nested_choices_are_judged_on_folds_that_did_not_choose(rule):
    labels, probs, fold_of = noisy()
    choose = chooser(rule)
    found = nested(labels, probs, fold_of, choose)
    for k in range(4):
        assert found.thresholds[k] == choose(labels[fold_of != k], probs[fold_of != k])
        np.testing.assert_array_equal(found.pred[fold_of == k], probs[fold_of == k] >= found.thresholds[k])
        assert found.folds[k]["n"] == 150
    assert found.metrics["f1"] == metrics(labels, probs, pred=found.pred)["f1"]
    assert found.deployed == choose(labels, probs)


def test_choosing_on_the_judged_patches_would_flatter():
    """On scores that say nothing the best threshold's own F1 lies above its nested one, on average."""
    own, held = [], []
    for seed in range(30):
        rng = np.random.default_rng(seed)
        labels, probs = (rng.random(120) < 0.5).astype(int), rng.random(120)
        own.append(metrics(labels, probs, cost_threshold(labels, probs, 1, 1))["accuracy"])
        held.append(nested(labels, probs, np.arange(120) % 3, chooser("cost", cost_miss=1)).metrics["accuracy"])
    assert np.mean(own) > np.mean(held) + 0.03
    assert np.mean(held) == pytest.approx(0.5, abs=0.03)


@pytest.mark.parametrize("wrong", [{"rule": "best"}, {"recall": 0.0}, {"cost_miss": -1.0}])
def test_impossible_rules_are_refused(wrong):
    with pytest.raises(ConfigError):
        chooser(**wrong)
