"""Figures of a dataset hold the numbers they were given and escape what a user wrote."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from core.data.bands import Band
from dashboard import data_charts, theme

BAND = Band("b", "<b>Bold</b>", unit="DN")


def test_histogram_shares_add_up_within_each_class():
    rng = np.random.default_rng(0)
    values = {1: rng.normal(5, 1, 4000), 0: rng.normal(0, 1, 9000)}
    figure = data_charts.band_histogram(values, BAND, ("other", "landslide"))
    assert [trace.name for trace in figure.data] == ["other", "landslide"]
    assert [trace.line.color for trace in figure.data] == [theme.NEGATIVE, theme.POSITIVE]
    for trace in figure.data:
        assert 95 <= np.sum(trace.y) <= 100.001


@pytest.mark.parametrize("values", [{}, {1: np.zeros(0)}, {1: np.full(9, 3.0), 0: np.full(4, 3.0)}])
def test_histogram_of_nothing_or_of_one_value_is_drawn(values):
    assert data_charts.band_histogram(values, BAND, ("other", "landslide")) is not None


def test_names_are_not_read_as_html():
    figure = data_charts.band_histogram({1: np.arange(9.0)}, BAND, ("o", "<img src=x>"))
    assert figure.data[0].name == "&lt;img src=x&gt;" and "<b>" not in figure.layout.xaxis.title.text


def test_balance_stacks_synthetics_on_real_landslides():
    table = pd.DataFrame({"fold": [0, 1], "other": [10, 11], "landslide": [3, 4], "synthetic": [7, 0]})
    figure = data_charts.balance_by_fold(table, ("other", "landslide"))
    assert [list(bar.y) for bar in figure.data] == [[10, 11], [3, 4], [7, 0]]
    assert list(figure.data[0].x) == ["fold 1", "fold 2"]
    assert figure.data[1].offsetgroup == figure.data[2].offsetgroup != figure.data[0].offsetgroup


def test_lineage_scatter_has_a_point_a_synthetic():
    lineage = pd.DataFrame({"ssim": [0.1, 0.9], "anchor_weight": [0.2, 0.8], "anchor": ["<a>", "b"], "neighbour": "c"})
    figure = data_charts.lineage_scatter(lineage)
    assert len(figure.data[0].x) == 2 and figure.data[0].customdata[0][0] == "&lt;a&gt;"
