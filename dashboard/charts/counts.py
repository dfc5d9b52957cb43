"""Bars of how many patches each class has."""

from __future__ import annotations

from collections.abc import Mapping

import plotly.graph_objects as go

from dashboard import theme
from dashboard.charts.base import escape_html


def class_counts(counts: Mapping[str, Mapping[str, int]], positive: str, unit: str = "Patches") -> go.Figure:
    """One bar per row, stacked by class. counts: row (for example "before", "after") -> class -> patches."""
    rows = list(counts)
    classes = list(dict.fromkeys(name for of in counts.values() for name in of))
    figure = go.Figure()
    for name in classes:
        values = [counts[row].get(name, 0) for row in rows]
        figure.add_bar(
            x=values,
            y=[escape_html(row) for row in rows],
            name=escape_html(name),
            orientation="h",
            marker_color=_class_colour(name, positive),
            text=[f"{value:,}" if value else "" for value in values],
            hovertemplate=f"{escape_html(name)}: %{{x:,}} patches<extra></extra>",
        )
    figure.update_layout(barmode="stack")
    figure.update_yaxes(autorange="reversed")
    figure.update_xaxes(title_text=unit)
    return theme.apply(figure, 110 + 46 * max(1, len(rows)))


def _class_colour(name: str, positive: str) -> str:
    if name == positive:
        return theme.POSITIVE
    lowered = name.lower()
    if "synthetic" in lowered:
        return theme.SYNTHETIC
    return theme.UNLABELLED if lowered == "unlabelled" else theme.NEGATIVE
