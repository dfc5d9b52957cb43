"""Figures of the Explain page hold the numbers that they are given, with intervals, and escape what a user named."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from core.explain.cam.group_means import mean_maps
from dashboard.explain import charts

ROWS = pd.DataFrame(
    [
        ("<b>a</b>", "x", 0.4, 0.3, 0.6, 10),
        ("<b>a</b>", "y", 0.2, np.nan, np.nan, 10),
        ("c", "y", 0.9, 0.8, 1.0, 7),
    ],
    columns=["name", "part", "value", "lo", "hi", "n"],
)


def test_dots_have_their_interval_and_a_part_alone_stands_on_its_row():
    figure = charts.dots(ROWS, "F1", {"x": "#112233"}, [(0.5, "intact")])
    x, y = figure.data
    assert x.error_x.array[0] == pytest.approx(0.2) and x.error_x.arrayminus[0] == pytest.approx(0.1)
    assert y.error_x.array[0] == 0 and "interval" not in y.customdata[0]  # unknown: not drawn, not told
    assert y.y[1] == 1 and x.y[0] < 0 < y.y[0]
    assert figure.layout.yaxis.ticktext[0] == "&lt;b&gt;a&lt;/b&gt;"
    assert figure.layout.shapes[0].x0 == 0.5


def test_chance_is_drawn_where_it_is_known():
    figure = charts.dots(ROWS.assign(chance=0.1), "", {})
    assert [trace.x[0] for trace in figure.data if trace.marker.symbol == "line-ns"] == [0.1, 0.1]


def test_mean_maps_stand_on_one_scale():
    maps = np.stack([np.full((2, 2), v) for v in (1.0, 2.0, 0.0)])
    means = mean_maps(maps, np.array(["tp", "fn", "fn"]), np.zeros(3, int))
    top = charts.top_of(means)
    for across in (4, 2):
        figure = charts.mean_maps_of(means, top, across)
        heat = figure.data
        assert len(heat) == 2 and {trace.zmax for trace in heat} == {top}
        assert top == max(float(np.max(trace.z)) for trace in heat)
        said = [note.text for note in figure.layout.annotations]
        assert len(said) == 4 and sum("No patch has this outcome." in text for text in said) == 2
        assert any("2 maps, 1 empty" in text for text in said)
        for axis in (*figure.select_xaxes(), *figure.select_yaxes()):
            assert axis.domain is None or 0 <= axis.domain[0] < axis.domain[1] <= 1
    assert charts.top_of({"tp": means["tn"]}) == 1.0  # nothing to draw


def test_curves_and_ranks_hold_their_bounds():
    table = pd.DataFrame({"kind": "deletion", "rival": "map", "share": [0.0, 0.5], "mean": [0.9, 0.4], "lo": [0.8, 0.3],
                          "hi": [1.0, 0.5], "n": 9})  # fmt: skip
    band, line = charts.curves(table, "deletion", "landslide").data
    assert list(band.y) == [1.0, 0.5, 0.3, 0.8] and list(line.y) == [0.9, 0.4]
    ranks = pd.DataFrame({"title": ["A"], "family": ["optical"], "first": [0.7], "rank_lo": [1.0], "rank_hi": [2.0]})
    assert list(charts.ranks(ranks).data[0].x) == [1.0, 2.0]


def test_groups_take_the_colour_of_their_sensing():
    rows = [("optical", "optical"), ("ascending post", "sar"), ("ascending change", "sar"), ("terrain", "terrain")]
    table = pd.DataFrame(rows, columns=["group", "modality"]).assign(shapley=0.1, lo=0.0, hi=0.2)
    figure = charts.shapley_bars(table, "share")
    assert [trace.name for trace in figure.data if trace.type == "bar"] == [
        "Optical",
        "SAR after",
        "SAR change",
        "Other",
    ]
