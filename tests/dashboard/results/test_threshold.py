"""The threshold of the Results page: slider, rules, and the patches near it."""

from __future__ import annotations

import pytest

from core.evaluate.sweep import sweep
from dashboard.results import threshold
from tests.dashboard import galleries
from tests.dashboard.results.made import made_predictions


@pytest.fixture
def run(studio):
    return studio.add_run(studio.add_dataset())


def test_the_slider_moves_numbers_and_patches_together(run, open_page):
    at = open_page("results", run=run.name, results_view="threshold")
    oof = run.oof()
    for value in (0.2, 0.8):
        at.slider(key="threshold_at").set_value(value).run()
        assert not at.exception
        called = oof["prob_svm_c0.1"] >= value
        shown = {m.label: m.value for m in at.metric}
        assert shown["Found (TP)"] == str(int((called & (oof["label"] == 1)).sum()))
        tiles = galleries.shown(at, "threshold")
        nearest = (oof["prob_svm_c0.1"] - value).abs().nsmallest(3).index
        assert set(oof["id"][nearest]) <= set(tiles)


@pytest.mark.parametrize("rule", ["best_f1", "recall", "cost"])
def test_a_rule_moves_the_slider_and_says_what_it_achieves_on_other_folds(run, open_page, rule):
    at = open_page("results", run=run.name, results_view="threshold")
    at.button(key=f"threshold_to_{rule}").click().run()
    assert not at.exception
    words = next(i.value for i in at.info if "cross-fitted" in i.value)
    assert f"For new patches: {at.slider(key='threshold_at').value:.3f}" in words


def test_another_head_brings_its_own_threshold(run, open_page):
    at = open_page("results", run=run.name, results_view="threshold", results_head="fc")
    first = at.slider(key="threshold_at").value
    assert first == pytest.approx(run.summary()["heads"]["fc"]["threshold"], abs=1e-3)
    at.selectbox(key="head").select("stats_svm").run()
    other = run.summary()["heads"]["stats_svm"]["threshold"]
    assert at.slider(key="threshold_at").value == pytest.approx(other, abs=1e-3)


@pytest.mark.parametrize("at", [0.0, 0.2, 0.5, 0.77, 1.0])
def test_patches_near_a_threshold_are_the_nearest_with_their_outcomes(at):
    predictions = made_predictions()
    counts = sweep(predictions.labels, predictions.probs)
    table = threshold.nearest(predictions, counts, at, "both")
    assert (table["prob"].diff().dropna() <= 0).all()
    called = table[table["prob"] >= at]
    assert set(called["outcome"]) <= {"TP", "FP"} and set(table["outcome"][table["prob"] < at]) <= {"TN", "FN"}
    farthest_shown = (table["prob"] - at).abs().max()
    rest = predictions.table[~predictions.table["id"].isin(table["id"])]
    for side in (rest[rest["prob"] >= at], rest[rest["prob"] < at]):
        shown = called if (side["prob"] >= at).all() else table[table["prob"] < at]
        if len(side) and len(shown):
            assert (side["prob"] - at).abs().min() >= (shown["prob"] - at).abs().max() - 1e-12
    assert len(table) <= threshold.SHOWN and farthest_shown <= 1


@pytest.mark.parametrize(("side", "label", "called"), [("FN", 1, False), ("FP", 0, True)])
def test_missed_and_false_alarms_come_nearest_first(side, label, called):
    predictions = made_predictions()
    table = threshold.nearest(predictions, sweep(predictions.labels, predictions.probs), 0.5, side)
    assert set(table["outcome"]) == {side} and (table["label"] == label).all()
    assert ((table["prob"] >= 0.5) == called).all()
    distance = (table["prob"] - 0.5).abs()
    assert (distance.diff().dropna() >= 0).all()


@pytest.mark.parametrize("rule", threshold.RULES)
def test_every_rule_says_that_it_is_evaluated_on_other_folds(rule):
    predictions = made_predictions()
    found = predictions.nested(rule)
    words = threshold.nested_words(found, rule, 0.95, 10.0, predictions)
    assert "cross-fitted" in words and "each of 3 folds" in words and f"{found.deployed:.3f}" in words
    assert ("cost" in words) == (rule == "cost")


def test_a_recall_that_is_missed_on_other_folds_is_said():
    predictions = made_predictions(n=120, seed=3)
    found = predictions.nested("recall", 0.99)
    words = threshold.nested_words(found, "recall", 0.99, 10.0, predictions)
    assert ("less than required" in words) == (found.metrics["recall"] < 0.99)
