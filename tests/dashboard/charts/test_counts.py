"""Counts of patches by class, drawn."""

from __future__ import annotations

import pandas as pd

from dashboard import theme
from dashboard.charts import counts


def test_class_counts_keep_one_colour_per_class():
    figure = counts.class_counts(
        {"before": {"landslide": 3, "other": 9}, "after": {"landslide": 3, "other": 9, "synthetic landslide": 6}},
        positive="landslide",
    )
    colours = {bar.name: bar.marker.color for bar in figure.data}
    assert colours == {
        "landslide": theme.POSITIVE, "other": theme.NEGATIVE, "synthetic landslide": theme.SYNTHETIC,
    }  # fmt: skip
    assert [list(bar.x) for bar in figure.data if bar.name == "synthetic landslide"] == [[0, 6]]


def test_what_a_user_wrote_is_never_html():
    hostile = "<b onmouseover=x>slide</b>"
    figure = counts.class_counts({hostile: {hostile: 3}}, hostile).to_json()
    assert "<b on" not in figure and "\\u003cb on" not in figure and "onmouseover=x" in figure


def test_errors_stand_on_either_side_of_nought_with_what_they_are_a_part_of():
    table = pd.DataFrame({"kind": ["<b>x</b>", "1"], "fn": [6, 0], "fp": [0, 30], "n_positive": [12, 0],
                          "n_negative": [9, 40]})  # fmt: skip
    figure = counts.errors_by_kind(table, "Scar <i>size</i>")
    missed, alarms = figure.data
    assert list(missed.x) == [-6, 0] and list(alarms.x) == [0, 30]
    assert list(missed.text) == ["6 of 12", ""] and list(alarms.text) == ["", "30 of 40"]
    assert missed.marker.color == theme.OUTCOME["FN"] and alarms.marker.color == theme.OUTCOME["FP"]
    low, high = figure.layout.xaxis.range
    assert low < -30 and high > 30 and "-" not in "".join(figure.layout.xaxis.ticktext)
    assert "<b>" not in str(figure.data) and "<i>" not in figure.layout.yaxis.title.text


def test_no_errors_are_an_axis_all_the_same():
    empty = pd.DataFrame({"kind": [], "fn": [], "fp": [], "n_positive": [], "n_negative": []})
    assert counts.errors_by_kind(empty, "Fold").layout.xaxis.range[1] > 0
