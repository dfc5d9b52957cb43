"""Figures of the Review page: how many of the judged labels were wrong, and what corrected labels change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from dashboard import theme
from dashboard.charts.base import LINE, METRIC_TITLES, arms, range_words

BEFORE, AFTER = "before", "after"
SIDES = {BEFORE: ("Labels as they were", theme.UNLABELLED), AFTER: ("Corrected labels", theme.POSITIVE)}
TITLES = METRIC_TITLES | {"average_precision": "Average precision"}


def precision_curve(rows: Sequence[Mapping]) -> go.Figure:
    """The share of wrong labels among the first n that were judged. rows: of ``precision_as_one_goes``."""
    figure = go.Figure()
    figure.add_scatter(
        x=[row["n"] for row in rows], y=[100 * row["precision"] for row in rows], mode="lines+markers",
        line={"color": theme.POSITIVE, "width": LINE}, marker={"size": 5},
        text=[f"{row['wrong']:,} of {row['n']:,} were wrong" for row in rows],
        hovertemplate="%{text}<extra></extra>", showlegend=False,
    )  # fmt: skip
    figure.update_xaxes(title_text="Labels judged, the likeliest wrong first", rangemode="tozero", tickformat=",d")
    figure.update_yaxes(title_text="Of these wrong (%)", range=[0, 103])
    return theme.apply(figure, 300)


def before_and_after(rows: Sequence[Mapping]) -> go.Figure:
    """A metric a line, by both sets of labels with 95 % intervals. rows: of one head, see ``core.review.rejudged``."""
    figure = go.Figure()
    titles = [TITLES.get(row["metric"], row["metric"]) for row in rows]
    for side, (name, colour) in SIDES.items():
        for first, (row, title) in enumerate(zip(rows, titles, strict=True)):
            value, (low, high) = row[side], row[f"{side}_interval"]
            if value is None or value != value:
                continue
            figure.add_scatter(
                x=[value], y=[title], mode="markers", name=name, legendgroup=side, showlegend=first == 0,
                marker={"color": colour, "size": 11, "symbol": "circle" if side == AFTER else "circle-open",
                        "line": {"width": 2, "color": colour}},
                error_x=arms(value, *(float("nan") if end is None else end for end in (low, high)), colour),
                hovertemplate=f"{title}, {name.lower()}: {value:.3f}{range_words(low, high)}<extra></extra>",
            )  # fmt: skip
    figure.update_xaxes(title_text="Out of fold, with 95% interval", range=[0, 1.01])
    figure.update_yaxes(autorange="reversed")
    figure.update_layout(scattermode="group", scattergap=0.5)
    return theme.apply(figure, 90 + 46 * len(rows))
