"""Counts of patches by class, drawn."""

from __future__ import annotations

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
