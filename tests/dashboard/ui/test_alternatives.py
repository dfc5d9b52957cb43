"""Text alternatives of figures say what they hold."""

from __future__ import annotations

import plotly.graph_objects as go
import pytest

from dashboard.ui.alternatives import in_words


def test_bars_are_read_out_with_their_words():
    figure = go.Figure(go.Bar(x=[0.1, -0.2], y=["Red", "NIR"], orientation="h", name="Drop"))
    figure.update_layout(title="Bands", xaxis_title="Drop in <b>F1</b>", yaxis_title="Band")
    assert (
        in_words(figure) == "Bar chart: Bands. Band against Drop in F1. Series: Drop. Drop: Red 0.100, NIR \u22120.200."
    )


def test_points_are_told_by_number_and_range():
    figure = go.Figure(go.Scatter(x=[1, 2, 3], y=[0.5, None, 0.75], name="fold 1"))
    assert in_words(figure).endswith("fold 1: 2 values from 0.500 to 0.750.")


@pytest.mark.parametrize(
    "figure",
    [go.Figure(), go.Figure(go.Heatmap(z=[[1, 2]])), go.Figure(go.Scatter(x=["a"], y=["b"])), go.Figure(go.Bar())],
)
def test_every_figure_has_some(figure):
    assert in_words(figure).endswith(".")


def test_many_series_are_not_read_out():
    figure = go.Figure([go.Scatter(y=[1, 2], name=f"<i>s{i}</i>") for i in range(40)])
    words = in_words(figure)
    assert "s5 and 34 more" in words and "<" not in words and len(words) <= 601


def test_values_of_named_rows_are_those_along():
    figure = go.Figure(go.Scatter(x=[0.5, 0.75], y=[0.2, 0.8], name="mean"))
    figure.update_yaxes(tickvals=[0, 1], ticktext=["Clouds", "SAR lost"])
    assert in_words(figure).endswith("mean: 2 values from 0.500 to 0.750.")
