"""Figures of a dataset hold the numbers they were given and escape what a user wrote."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from core.data.bands import Band
from core.data.by_class import balance
from dashboard import theme
from dashboard.balance.charts import balance_by_fold, lineage_scatter
from dashboard.dataset import charts

BAND = Band("b", "<b>Bold</b>", unit="DN")


def test_histogram_shares_add_up_within_each_class():
    rng = np.random.default_rng(0)
    values = {1: rng.normal(5, 1, 4000), 0: rng.normal(0, 1, 9000)}
    figure = charts.band_histogram(values, BAND, ("other", "landslide"))
    assert [trace.name for trace in figure.data] == ["other", "landslide"]
    assert [trace.line.color for trace in figure.data] == [theme.NEGATIVE, theme.POSITIVE]
    for trace in figure.data:
        assert 95 <= np.sum(trace.y) <= 100.001


@pytest.mark.parametrize("values", [{}, {1: np.zeros(0)}, {1: np.full(9, 3.0), 0: np.full(4, 3.0)}])
def test_histogram_of_nothing_or_of_one_value_is_drawn(values):
    assert charts.band_histogram(values, BAND, ("other", "landslide")) is not None


def test_names_are_not_read_as_html():
    figure = charts.band_histogram({1: np.arange(9.0)}, BAND, ("o", "<img src=x>"))
    assert figure.data[0].name == "&lt;img src=x&gt;" and "<b>" not in figure.layout.xaxis.title.text


def test_balance_stacks_synthetics_on_real_landslides():
    table = pd.DataFrame({"fold": [0, 1], "other": [10, 11], "landslide": [3, 4], "synthetic": [7, 0]})
    figure = balance_by_fold(table, ("other", "landslide"))
    assert [list(bar.y) for bar in figure.data] == [[10, 11], [3, 4], [7, 0]]
    assert list(figure.data[0].x) == ["fold 1", "fold 2"]
    assert figure.data[1].offsetgroup == figure.data[2].offsetgroup != figure.data[0].offsetgroup


def test_lineage_scatter_has_a_point_a_synthetic():
    lineage = pd.DataFrame({"ssim": [0.1, 0.9], "anchor_weight": [0.2, 0.8], "anchor": ["<a>", "b"], "neighbour": "c"})
    figure = lineage_scatter(lineage)
    assert len(figure.data[0].x) == 2 and figure.data[0].customdata[0][0] == "&lt;a&gt;"


def test_shares_stand_with_their_interval_and_the_number_behind_them():
    table = balance(np.array([1, 0, 0, 0]), np.array(["<b>", "<b>", "c", "c"]))
    figure = charts.share_by_part(table, 0.25, "landslide")
    dots = figure.data[0]
    assert list(dots.y) == ["&lt;b&gt;  (2)", "c  (2)"] and list(dots.x) == [50.0, 0.0]
    assert dots.x[0] + dots.error_x.array[0] == pytest.approx(100 * table["high"][0])


@pytest.mark.parametrize("family", ["optical", "sar_change"])
def test_a_band_is_drawn_with_its_unit_and_a_change_around_zero(family):
    values = np.arange(16.0).reshape(4, 4)
    values[0, 0] = np.nan
    trace = charts.band_picture(values, Band("b", "<b>B", unit="dB", family=family)).data[0]
    assert trace.colorbar.title.text == "&lt;b&gt;B (dB)"
    assert (trace.zmin == -trace.zmax) == (family == "sar_change")


def test_a_band_without_any_value_can_be_drawn():
    assert charts.band_picture(np.full((4, 4), np.nan), BAND) is not None


def test_quantiles_have_a_panel_a_unit_and_a_median_a_band_and_class():
    bands = (Band("a", "A", unit="DN"), Band("b", "B", unit="dB"), Band("c", "C", unit="dB"))
    keys = ("q01", "q05", "q25", "q50", "q75", "q95", "q99")
    rows = [
        {"band": band.name, "label": label} | {key: label + i for i, key in enumerate(keys)}
        for band in bands
        for label in (0, 1)
    ]
    figure = charts.quantiles_by_class(pd.DataFrame(rows), bands, ("o", "<u>"))
    medians = [trace for trace in figure.data if trace.mode == "markers"]
    assert [len(trace.x) for trace in medians] == [1, 1, 2, 2] and set(medians[1].x) == {4}
    assert [t.name for t in medians if t.showlegend] == ["o", "&lt;u&gt;"]
    assert [figure.layout.xaxis.title.text, figure.layout.xaxis2.title.text] == ["DN", "dB"]
