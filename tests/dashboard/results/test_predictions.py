"""Patches with probabilities, from a run or a CSV; every view of them, drawn from what core computes."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from core.evaluate.sweep import sweep
from dashboard.patches import outcomes
from dashboard.results import charts, decision_summary, interpretation, predictions, threshold
from dashboard.results.calibration import compared, points_table, sentence
from dashboard.results.predictions import Scored


def made(n: int = 200, seed: int = 0, groups: bool = False, name: str = "landslide") -> Scored:
    rng = np.random.default_rng(seed)
    labels = (np.arange(n) % 4 == 0).astype(int)
    probs = 1 / (1 + np.exp(-(rng.normal(size=n) + 2.5 * labels - 1.5)))
    table = pd.DataFrame({"id": [f"p{i}" for i in range(n)], "label": labels, "fold": np.arange(n) % 3})
    table["group"] = [f"g{i // 5}" for i in range(n)] if groups else ""
    table["prob"], table["pred"], table["threshold"] = probs, (probs >= 0.5).astype(int), 0.5
    table["outcome"] = np.array(["TN", "FP", "FN", "TP"])[2 * labels + table["pred"]]
    return Scored(f"test {n} {seed} {groups} {name}", "made", "Made", "", ("other", name), table)


def test_a_head_of_a_run_has_the_runs_own_decisions(studio):
    run = studio.add_run(studio.add_dataset())
    summary, oof = run.summary(), run.oof()
    of = predictions.of_run(run, summary, oof, "fc")
    assert of.head == "fc" and of.n_folds == 3 and of.groups is not None
    cells = predictions.results(of).values["confusion"]
    assert cells == summary["heads"]["fc"]["confusion"]
    assert (of.table["outcome"] == outcomes.judged(oof, "fc")["outcome"]).all()
    assert "n = 60 patches, 15 landslide, the positive class" in of.standing and "whole groups" in of.standing


def test_folds_with_gaps_are_counted_without_them():
    of = made()
    table = of.table.assign(fold=of.table["fold"].map({0: 0, 1: 4, 2: 7}))
    again = Scored("gaps", "made", "Made", "", of.class_names, table)
    assert again.n_folds == 3 and (again.fold_of == of.fold_of).all()


def test_one_patch_without_a_group_means_no_groups():
    of = made(groups=True)
    assert of.groups is not None
    table = of.table.copy()
    table.loc[3, "group"] = ""
    assert Scored("one", "made", "Made", "", of.class_names, table).groups is None


# ------------------------------------------------------------------------------------------------------ threshold


@pytest.mark.parametrize("at", [0.0, 0.2, 0.5, 0.77, 1.0])
def test_patches_beside_a_threshold_are_the_nearest_and_rightly_named(at):
    of = made()
    counts = sweep(of.labels, of.probs)
    table = threshold.beside(of, counts, at, "both")
    assert (table["prob"].diff().dropna() <= 0).all()
    called = table[table["prob"] >= at]
    assert set(called["outcome"]) <= {"TP", "FP"} and set(table["outcome"][table["prob"] < at]) <= {"TN", "FN"}
    farthest_shown = (table["prob"] - at).abs().max()
    rest = of.table[~of.table["id"].isin(table["id"])]
    for side in (rest[rest["prob"] >= at], rest[rest["prob"] < at]):
        shown = called if (side["prob"] >= at).all() else table[table["prob"] < at]
        if len(side) and len(shown):
            assert (side["prob"] - at).abs().min() >= (shown["prob"] - at).abs().max() - 1e-12
    assert len(table) <= threshold.SHOWN and farthest_shown <= 1


@pytest.mark.parametrize(("side", "label", "called"), [("FN", 1, False), ("FP", 0, True)])
def test_missed_and_false_alarms_come_nearest_first(side, label, called):
    of = made()
    table = threshold.beside(of, sweep(of.labels, of.probs), 0.5, side)
    assert set(table["outcome"]) == {side} and (table["label"] == label).all()
    assert ((table["prob"] >= 0.5) == called).all()
    distance = (table["prob"] - 0.5).abs()
    assert (distance.diff().dropna() >= 0).all()


@pytest.mark.parametrize("rule", threshold.RULES)
def test_every_rule_says_that_it_is_judged_on_other_folds(rule):
    of = made()
    found = predictions.nested_of(of, rule)
    words = threshold.nested_words(found, rule, 0.95, 10.0, of.n_folds)
    assert "cross-fitted" in words and "each of 3 folds" in words and f"{found.deployed:.3f}" in words
    assert ("cost" in words) == (rule == "cost")


def test_a_recall_that_is_not_reached_on_other_folds_is_said():
    of = made(n=120, seed=3)
    found = predictions.nested_of(of, "recall", 0.99)
    words = threshold.nested_words(found, "recall", 0.99, 10.0, of.n_folds)
    assert ("less than asked for" in words) == (found.metrics["recall"] < 0.99)


def test_the_point_on_each_curve_is_that_of_the_threshold():
    of = made()
    counts = sweep(of.labels, of.probs)
    cells = counts.at(0.4)
    recall, precision = cells.tp / (cells.tp + cells.fn), cells.tp / (cells.tp + cells.fp)
    point = charts.pr_at(counts, 0.4).data[1]
    assert (point.x[0], point.y[0]) == pytest.approx((recall, precision))
    point = charts.roc_at(counts, 0.4).data[1]
    assert (point.x[0], point.y[0]) == pytest.approx((cells.fp / (cells.fp + cells.tn), recall))
    lines = charts.rates_over_threshold(counts, 0.4).data
    assert {line.name for line in lines} == {"Recall", "Precision", "F1"} and max(len(line.x) for line in lines) <= 250


# ---------------------------------------------------------------------------------------------------------- story


def test_a_hundred_squares_show_the_share_and_its_interval():
    figure = decision_summary.hundred("Of 100", 0.84, (0.79, 0.89), ("found", "missed"), ("#111111", "#222222"))
    assert [len(trace.x) for trace in figure.data] == [79, 5, 5, 11]
    assert "84 found, 16 missed" in figure.layout.annotations[0].text


def test_an_undefined_share_is_a_hundred_grey_squares_that_say_so():
    for share in (None, float("nan")):
        figure = decision_summary.hundred("Of 100", share, None, ("found", "missed"), ("#111111", "#222222"))
        assert len(figure.data[0].x) == 100 and "undefined" in figure.data[0].hovertemplate


@pytest.mark.parametrize("cells", [(5, 6, 25, 26), (0, 0, 0, 3), (1, 1, 1, 0), (33, 33, 34, 0)])
def test_squares_by_outcome_add_up_to_a_hundred(cells):
    figure = decision_summary.inspected(dict(zip(("fn", "fp", "tn", "tp"), cells, strict=True)), "landslide")
    assert sum(len(trace.x) for trace in figure.data) == 100


def test_the_first_line_says_found_missed_and_false_alarms_of_a_hundred():
    facts = {"recall": 0.839, "precision": 0.876}
    assert interpretation.in_hundred(facts, "landslide") == (
        "It finds 84 of 100 with a landslide and misses 16; of 100 alarms inspected, 12 are false"
    )
    assert "no alarm" in interpretation.in_hundred({"recall": 0.0, "precision": None}, "landslide")
    assert interpretation.in_hundred({"recall": None}, "land_slide").startswith("There is no land\\_slide here")


def test_the_counts_stand_behind_it_with_their_intervals():
    cells = {"tp": 26, "fn": 5, "fp": 6, "tn": 25}
    words = interpretation.in_words({"confusion": cells, "intervals": {"recall": (0.7, 0.94)}}, "landslide")
    for part in ("26 of 31 patches", "70 to 94 %", "5 were missed", "32 of 62", "6 are false alarms"):
        assert part in words
    nothing = {"tp": 0, "fn": 0, "fp": 0, "tn": 0}
    assert interpretation.in_words({"confusion": nothing}, "landslide") == "No patch was judged."


# ---------------------------------------------------------------------------------------------------- calibration


def test_calibrations_are_told_with_their_intervals_and_reasons():
    rows = predictions.calibrations(made())
    words = sentence(rows, "landslide")
    assert "ECE, 95 % interval" in words and "Brier" in words
    table = compared(rows)
    assert table["Calibration"].tolist() == ["As they are", "Temperature", "Platt", "Isotonic"]
    assert table["ECE"][0].count(" to ") == 1
    left_out = next(row for row in rows if row.method == "isotonic")
    assert left_out.reason and table["ECE"][3] == "undefined"


def test_points_without_a_diagram_are_an_empty_table():
    assert points_table({}).empty


# --------------------------------------------------------------------------------------------------------- figures


def test_hostile_names_are_text_in_every_figure():
    evil = "<img src=x onerror=alert(1)>"
    rows = pd.DataFrame({"name": [evil], "value": [0.5], "lo": [0.4], "hi": [0.6], "n": [3]})
    shift = pd.DataFrame({"band": [evil], "smd": [0.9]})
    figures = [charts.dots(rows, "F1"), charts.band_shifts(shift, 0.5), charts.reliability({}, evil)]
    figures += [decision_summary.inspected({"tp": 1, "fn": 1, "fp": 1, "tn": 1}, decision_summary.plain(evil))]
    for figure in figures:
        assert "<img" not in json.dumps(figure.to_plotly_json(), default=str)


def test_undefined_values_are_left_out_of_dots():
    rows = pd.DataFrame({"name": ["a", "b"], "value": [np.nan, 0.5], "lo": np.nan, "hi": np.nan, "n": [1, 2]})
    figure = charts.dots(rows, "F1", float("nan"))
    assert len(figure.data) == 1 and not figure.layout.shapes


def test_sets_side_by_side_keep_train_validation_test_apart():
    table = pd.DataFrame({"set": ["train", "test"], "metric": "f1", "title": "F1", "value": [1.0, 0.8],
                          "lo": [np.nan, 0.7], "hi": [np.nan, 0.9]})  # fmt: skip
    bars = charts.sets(table).data
    assert [bar.name for bar in bars] == ["train", "test"] and bars[1].error_y.array[0] == pytest.approx(0.1)
