"""Several classes: which is answered for which, and how well each fold does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from dashboard import theme
from dashboard.charts.base import DARK_TEXT, THIN, arms, escape_html, interval_bounds, range_words, tint

ROW_PX = 46
MOST_NAMED = 8  # classes whose cells have room for a share beside the count


def class_table(confusion: Mapping[str, Mapping[str, int]]) -> go.Figure:
    """Counts, and shares of each true class by colour. confusion: true class -> answered class -> patches."""
    truth = [name for name, row in confusion.items() if sum(row.values())]
    answers = list(next(iter(confusion.values()))) if confusion else []
    counts = np.array([[confusion[a][b] for b in answers] for a in truth], float).reshape(len(truth), len(answers))
    shares = counts / counts.sum(axis=1, keepdims=True) if counts.size else counts
    few = len(answers) <= MOST_NAMED
    text = [
        [f"<b>{n:,.0f}</b>" + (f"<br>{share:.0%}" if few else "") for n, share in zip(*pair, strict=True)]
        for pair in zip(counts, shares, strict=True)
    ]
    figure = go.Figure(
        go.Heatmap(
            z=shares, x=[_short(name) for name in answers], y=[_short(name) for name in truth], text=text, zmin=0,
            zmax=1, texttemplate="%{text}", textfont={"color": DARK_TEXT, "size": 13}, showscale=False, xgap=3, ygap=3,
            colorscale=[[0, tint(theme.FOLD[0], 0.08)], [1, tint(theme.FOLD[0], 0.75)]], customdata=counts,
            hovertemplate="%{y}, answered %{x}: %{customdata:,} patches, %{z:.1%} of the class<extra></extra>",
        )
    )  # fmt: skip
    figure.update_xaxes(title_text="Answered", side="top", type="category", showgrid=False)
    figure.update_yaxes(title_text="True class", type="category", autorange="reversed", showgrid=False)
    return theme.apply(figure, 150 + ROW_PX * max(2, len(truth)))


def balanced_by_fold(facts: Mapping, chance: float) -> go.Figure:
    """Balanced accuracy of all folds with its interval, and of each with several classes.

    Dotted: always the commonest class.
    """
    figure = go.Figure()
    low, high = interval_bounds(facts.get("balanced_accuracy_interval"))
    value = facts["balanced_accuracy"]
    colour = theme.FOLD[0]
    figure.add_scatter(
        x=[value], y=["All folds" if len(facts["folds"]) > 1 else "All patches"], mode="markers", showlegend=False,
        marker={"size": 13, "color": colour}, error_x=arms(value, low, high, colour),
        hovertemplate=f"balanced accuracy %{{x:.3f}}{range_words(low, high)}<extra></extra>",
    )  # fmt: skip
    rows: Sequence[Mapping] = facts["folds"] if len(facts["folds"]) > 1 else []
    rows = [row for row in rows if row["chance"] < 1]  # with one class there is nothing to tell apart
    figure.add_scatter(
        x=[row["balanced_accuracy"] for row in rows], y=[theme.fold_title(row["fold"]).capitalize() for row in rows],
        mode="markers", showlegend=False, marker={"size": 10, "color": theme.INK},
        customdata=[row["n"] for row in rows],
        hovertemplate="%{y}: balanced accuracy %{x:.3f}, n = %{customdata:,}<extra></extra>",
    )  # fmt: skip
    figure.add_vline(x=chance, line_width=THIN, line_dash="dot", line_color=theme.INK)
    figure.update_xaxes(title_text="Balanced accuracy (dotted: commonest)", range=[0, 1.02])
    figure.update_yaxes(autorange="reversed", showgrid=False)
    return theme.apply(figure, 110 + 34 * (1 + len(rows)))


def _short(name: str, most: int = 22) -> str:
    return escape_html(name if len(name) <= most else f"{name[: most - 1]}…")
