"""Bars of how many patches each class has, and how many of each kind are decided wrongly."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
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


def errors_by_kind(table: pd.DataFrame, by: str) -> go.Figure:
    """Missed landslides to the left, false alarms to the right, one row per kind.

    table: kind, fn, fp, n_positive, n_negative; the order is kept. by: what the kinds are of.
    """
    figure = go.Figure()
    names = [escape_html(kind) for kind in table["kind"]]
    for outcome, cell, of, sign in (("FN", "fn", "n_positive", -1), ("FP", "fp", "n_negative", 1)):
        words = theme.OUTCOME_WORDS[outcome]
        shares = [
            f"{count:,} of {total:,}" if total else "" for count, total in zip(table[cell], table[of], strict=True)
        ]
        figure.add_bar(
            x=sign * table[cell], y=names, orientation="h", name=words, marker_color=theme.OUTCOME[outcome],
            text=[words if count else "" for count, words in zip(table[cell], shares, strict=True)],
            textposition="auto", cliponaxis=False, customdata=shares,
            hovertemplate=f"%{{y}}: {words}, %{{customdata}}<extra></extra>",
        )  # fmt: skip
    most = int(max(table["fn"].max(), table["fp"].max(), 1)) if len(table) else 1
    step = next(step for power in range(9) for step in (10**power, 2 * 10**power, 5 * 10**power) if 3 * step >= most)
    ticks = list(range(0, most + step, step))
    figure.add_vline(x=0, line_width=1, line_color=theme.INK)
    figure.update_layout(barmode="relative")
    figure.update_yaxes(title_text=escape_html(by), type="category", autorange="reversed", showgrid=False)
    figure.update_xaxes(
        title_text="Patches", range=[-ticks[-1] * 1.05, ticks[-1] * 1.05],
        tickvals=[-tick for tick in ticks[:0:-1]] + ticks, ticktext=[f"{tick:,}" for tick in ticks[:0:-1] + ticks],
    )  # fmt: skip
    return theme.apply(figure, 130 + 42 * max(2, len(table)))
