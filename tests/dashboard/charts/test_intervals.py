"""Values with their intervals, drawn: the numbers that come in are the numbers that are drawn."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from dashboard import theme
from dashboard.charts import intervals

HOSTILE = "<b onmouseover=x>slide</b>"


def test_heads_show_their_interval_and_only_where_it_is_known():
    heads = {
        "fc": {"f1": 0.8, "intervals": {"f1": [0.7, 0.85]}},
        "svm_c1": {"f1": 0.7, "intervals": {"f1": [None, None]}},
        "stats_svm": {"f1": None, "intervals": {}},
    }
    figure = intervals.heads_comparison(heads)
    assert [trace.y[0] for trace in figure.data] == ["Fully connected", "SVM (C 1)"]
    assert figure.data[0].error_x.array[0] == pytest.approx(0.05)
    assert figure.data[0].error_x.arrayminus[0] == pytest.approx(0.1)
    assert figure.data[1].error_x.array is None


def test_a_difference_whose_interval_includes_zero_is_grey():
    rows = [("a", 0.1, -0.1, 0.3), ("b", 0.1, 0.05, 0.2), ("c", -0.1, -0.2, -0.05), ("d", 0.1, np.nan, np.nan)]
    colours = [trace.marker.color for trace in intervals.differences(rows, "Difference").data]
    assert colours == [theme.INK, theme.OUTCOME["TP"], theme.OUTCOME["FN"], theme.INK]


def test_occlusion_bars_keep_the_order_of_bands_and_colour_by_kind():
    table = pd.DataFrame(
        {
            "title": ["Red", "Descending VV", "Near infrared"], "family": ["optical", "sar_post", "optical"],
            "drop": [0.2, 0.1, -0.1], "lo": [0.1, 0.0, -0.2], "hi": [0.3, 0.2, 0.0],
        }
    )  # fmt: skip
    figure = intervals.occlusion_bars(table, "Drop")
    bars = {bar.name: list(bar.x) for bar in figure.data if bar.type == "bar"}
    assert bars == {"Optical": [0.2, -0.1], "SAR after": [0.1]}
    assert list(figure.layout.yaxis.categoryarray) == ["Near infrared", "Descending VV", "Red"]
    rim, line = (trace for trace in figure.data if trace.type == "scatter")  # dark on light, seen in both themes
    assert list(line.error_x.array) == pytest.approx([0.1, 0.1, 0.1])
    assert rim.error_x.thickness > line.error_x.thickness and rim.error_x.color != line.error_x.color
    assert figure.data[0].marker.color == theme.FAMILY["optical"]


def test_heads_probabilities_carry_their_thresholds():
    figure = intervals.head_probabilities({"fc": 0.7, "svm_c1": 0.2}, {"fc": 0.5, "svm_c1": 0.3}, "landslide")
    bars, ticks = figure.data
    assert list(bars.x) == [0.7, 0.2] and list(ticks.x) == [0.5, 0.3]


@pytest.mark.parametrize(
    "figure",
    [
        intervals.head_probabilities({"fc": 0.7}, {"fc": 0.5}, HOSTILE),
        intervals.differences([(HOSTILE, 0.1, 0.0, 0.2)], "Difference"),
        intervals.occlusion_bars(pd.DataFrame({"title": [HOSTILE], "family": [HOSTILE], "drop": [0.1]}), "Drop"),
    ],
)
def test_what_a_user_wrote_is_never_html(figure):
    assert "<b on" not in figure.to_json() and "\\u003cb on" not in figure.to_json()
    assert "onmouseover=x" in figure.to_json()


def test_differences_are_coloured_by_what_was_decided_about_them():
    """An interval that leaves 0 out is grey where a correction for many comparisons says that it is not settled."""
    rows = [("a", 0.1, 0.02, 0.18), ("b", -0.1, -0.2, -0.01), ("c", 0.1, -0.1, 0.3)]
    colours = lambda figure: [trace.marker.color for trace in figure.data]  # noqa: E731
    assert colours(intervals.differences(rows, "t")) == [theme.OUTCOME["TP"], theme.OUTCOME["FN"], theme.INK]
    decided = intervals.differences(rows, "t", settled=[False, True, False])
    assert colours(decided) == [theme.INK, theme.OUTCOME["FN"], theme.INK]
