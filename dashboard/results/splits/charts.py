"""Ways of splitting side by side, and each region's own score."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

from dashboard import theme
from dashboard.charts.base import THIN, arms, escape_html, interval_bounds, range_words

COLOURS = {
    "random": theme.UNLABELLED, "grouped": theme.NEGATIVE, "block": theme.DOUBT, "region": theme.POSITIVE,
}  # fmt: skip


def ways(rows: Sequence[Mapping[str, Any]], metric: str, title: str) -> go.Figure:
    """One dot a way with its interval, the kindest first. rows: of a report, those that were possible."""
    figure = go.Figure()
    for row in rows:
        one, name, colour = row["metrics"].get(metric), escape_html(row["title"]), COLOURS[row["name"]]
        if one is None or one["value"] is None:
            continue
        low, high = interval_bounds((one["lo"], one["hi"]))
        figure.add_scatter(
            x=[one["value"]], y=[name], mode="markers", showlegend=False, marker={"size": 13, "color": colour},
            error_x=arms(one["value"], low, high, colour),
            hovertemplate=f"{name}: %{{x:.3f}}{range_words(low, high)}<extra></extra>",
        )  # fmt: skip
    figure.update_yaxes(autorange="reversed", showgrid=False)
    figure.update_xaxes(title_text=f"{title}, with 95% interval")
    return theme.apply(figure, 110 + 46 * max(1, len(rows)))


def regions(row: Mapping[str, Any], other: Mapping[str, Any] | None, metric: str, title: str) -> go.Figure:
    """Each region's score while it is left out (filled), and under another way (open), joined; the worst first."""
    figure = go.Figure()
    known = [one for one in row["regions"] if one[metric]["value"] is not None]
    before = {one["name"]: one[metric]["value"] for one in (other["regions"] if other else [])}
    for k, one in enumerate(sorted(known, key=lambda one: one[metric]["value"])):
        value, name = one[metric]["value"], region_label(one)
        colour = theme.OUTCOME["FN"] if k == 0 else COLOURS[row["name"]]
        low, high = interval_bounds((one[metric]["lo"], one[metric]["hi"]))
        if (was := before.get(one["name"])) is not None:
            figure.add_scatter(
                x=[value, was], y=[name, name], mode="lines", showlegend=False, hoverinfo="skip",
                line={"color": theme.INK, "width": THIN, "dash": "dot"},
            )  # fmt: skip
            figure.add_scatter(
                x=[was], y=[name], mode="markers", showlegend=k == 0, name=escape_html(other["title"]),
                marker={"size": 11, "color": theme.INK, "symbol": "circle-open", "line": {"width": 2}},
                hovertemplate=f"{name}, {escape_html(other['title'].lower())}: %{{x:.3f}}<extra></extra>",
            )  # fmt: skip
        figure.add_scatter(
            x=[value], y=[name], mode="markers", showlegend=k == min(1, len(known) - 1), name="Left out of training",
            marker={"size": 12, "color": colour}, error_x=arms(value, low, high, colour),
            hovertemplate=f"{name}, left out: %{{x:.3f}}{range_words(low, high)}<extra></extra>",
        )  # fmt: skip
    figure.update_yaxes(autorange="reversed", showgrid=False)
    figure.update_xaxes(title_text=f"{title} within the region")
    return theme.apply(figure, 130 + 34 * max(1, len(known)))


def region_label(one: Mapping[str, Any]) -> str:
    """The region with its size and its share of landslides, on two lines."""
    size = f"n = {one['n']:,}, {one['n_positive'] / one['n']:.0%} positive"
    return f"{escape_html(one['name'])}<br><span style='font-size: 11px'>{size}</span>"
