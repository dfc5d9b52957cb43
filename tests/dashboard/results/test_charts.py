"""Figures of the Results page: the numbers that come in are the numbers that are drawn."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from core.evaluate.sweep import sweep
from dashboard.results import charts
from tests.dashboard.results.made import made_predictions


def test_the_point_on_each_curve_is_that_of_the_threshold():
    predictions = made_predictions()
    counts = sweep(predictions.labels, predictions.probs)
    cells = counts.at(0.4)
    recall, precision = cells.tp / (cells.tp + cells.fn), cells.tp / (cells.tp + cells.fp)
    point = charts.pr_at(counts, 0.4).data[1]
    assert (point.x[0], point.y[0]) == pytest.approx((recall, precision))
    point = charts.roc_at(counts, 0.4).data[1]
    assert (point.x[0], point.y[0]) == pytest.approx((cells.fp / (cells.fp + cells.tn), recall))
    lines = charts.rates_over_threshold(counts, 0.4).data
    assert {line.name for line in lines} == {"Recall", "Precision", "F1"} and max(len(line.x) for line in lines) <= 250


def test_hostile_names_are_text_in_every_figure():
    evil = "<img src=x onerror=alert(1)>"
    rows = pd.DataFrame({"name": [evil], "value": [0.5], "lo": [0.4], "hi": [0.6], "n": [3]})
    shift = pd.DataFrame({"band": [evil], "smd": [0.9]})
    figures = [charts.dots(rows, "F1"), charts.band_shifts(shift, 0.5), charts.reliability({}, evil)]
    figures += [charts.gaps([{"head": evil, "train": {"f1": 1.0}, "oof": {"f1": 0.5}}], (evil,))]
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
    assert [bar.name for bar in bars] == ["Training", "Test"] and bars[1].error_y.array[0] == pytest.approx(0.1)


def test_a_head_has_one_colour_whatever_else_is_compared():
    def rows(*heads):
        return [{"head": head, "train": {"f1": None}, "oof": {"f1": 0.5}} for head in heads]

    first = charts.gaps(rows("svm_c0.1"), ("svm_c0.1", "fc")).data[0]
    last = charts.gaps(rows("svm_c1", "svm_c0.1"), ("svm_c0.1", "fc")).data[1]
    assert first.y == last.y == ("SVM (C 0.1)",) and first.marker.color == last.marker.color


def test_inspections_are_drawn_as_far_as_the_axis_goes_with_the_chosen_point():
    path = pd.DataFrame({"threshold": [0.1, 0.2, 0.3], "missed": [0, 1, 2], "most": [2.0, 4.0, 30.0],
                         "inspect": [800.0, 400.0, 100.0]})  # fmt: skip
    figure = charts.inspections(path, 5.0, (4.0, 400.0), "Missed at most", 10.0)
    line, point = figure.data
    assert list(line.x) == [2.0, 4.0] and (point.x[0], point.y[0]) == (4.0, 400.0)
    assert figure.layout.shapes[0].x0 == 5.0
    assert len(charts.inspections(path, 5.0, None, "Missed at most", 10.0).data) == 1
