"""Figures of the Review page: how many of the judged labels were wrong, and what corrected labels change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from dashboard import theme
from dashboard.charts.base import LINE, METRIC_TITLES, arms, interval_bounds, range_words

BEFORE, AFTER = "before", "after"
SIDES = {  # words, colour, and where it lies beside the metric's line
    BEFORE: ("Labels as they were", theme.UNLABELLED, -0.16),
    AFTER: ("Corrected labels", theme.POSITIVE, 0.16),
}
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
    """A metric a line, by both sets of labels with 95% intervals. rows: of one head, see ``core.review.rejudged``."""
    figure, ends = go.Figure(), [1.0]
    titles = [TITLES.get(row["metric"], row["metric"]) for row in rows]
    for side, (name, colour, above) in SIDES.items():
        for place, (row, title) in enumerate(zip(rows, titles, strict=True)):
            value = row[side]
            low, high = interval_bounds(row[f"{side}_interval"])
            if value is None or not np.isfinite(value):
                continue
            ends += [value, *filter(np.isfinite, (low, high))]
            figure.add_scatter(
                x=[value], y=[place + above], mode="markers", name=name, legendgroup=side, showlegend=place == 0,
                marker={"color": colour, "size": 10, "symbol": "circle" if side == AFTER else "circle-open",
                        "line": {"width": 2, "color": colour}},
                error_x=arms(value, low, high, colour),
                hovertemplate=f"{title}, {name.lower()}: {value:.3f}{range_words(low, high)}<extra></extra>",
            )  # fmt: skip
    start = max(0.0, np.floor((min(ends) - 0.02) * 20) / 20)
    figure.update_xaxes(title_text="Out of fold, with 95% interval", range=[start, 1.005], showgrid=True)
    figure.update_yaxes(
        tickvals=list(range(len(rows))), ticktext=titles, range=[len(rows) - 0.5, -0.5], showgrid=False, zeroline=False
    )
    return theme.apply(figure, 90 + 42 * len(rows))
