"""Calibration in words and tables."""

from __future__ import annotations

from dashboard.results.calibration import compared, points_table, sentence
from tests.dashboard.results.made import made_predictions


def test_calibrations_have_their_intervals_and_reasons():
    rows = made_predictions().calibrations()
    words = sentence(rows, "landslide")
    assert "percentage points on average (ECE)" in words and "Brier score from" in words
    table = compared(rows)
    assert table["Calibration"].tolist() == ["Uncalibrated", "Temperature", "Platt", "Isotonic"]
    assert table["ECE"][0].count("–") == 1
    left_out = next(row for row in rows if row.method == "isotonic")
    assert left_out.reason and table["ECE"][3] == "undefined"


def test_points_without_a_diagram_are_an_empty_table():
    assert points_table({}).empty
