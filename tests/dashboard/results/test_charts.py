"""Figures of the Results page: the numbers that come in are the numbers that are drawn."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from core.evaluate.sweep import sweep
from dashboard.results import charts, decision_summary
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
    figures += decision_summary.pictures(
        {"confusion": {"tp": 1, "fn": 1, "fp": 1, "tn": 1}}, decision_summary.escape_html(evil)
    )
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
