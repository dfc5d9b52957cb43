"""Figures of what the source files give away: how well each property tells the label, and one property by class."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from core.data.shortcuts.betrayed import LEAST, Betrayal
from dashboard import theme
from dashboard.charts.base import THIN, arms, escape_html, range_words

TICKS = [digit * 10**power for power in range(5) for digit in (1, 2, 5)]  # px, on an axis of logarithms
MOST_SHOWN = 8  # values of a property with names


def telling(rows: Sequence[Betrayal]) -> go.Figure:
    """AUC of each property with its 95% interval, against chance (0.5); orange where a network can cheat with it."""
    figure = go.Figure()
    for row in sorted(rows, key=lambda row: row.kind != "pixels"):
        alarm = row.tells and row.kind == "pixels"
        colour = theme.POSITIVE if alarm else theme.INK
        title = escape_html(f"{row.title[:1].upper()}{row.title[1:]}")
        figure.add_scatter(
            x=[row.auc], y=[title], mode="markers", showlegend=False,
            marker={"size": 12, "color": colour, "symbol": "circle" if row.kind == "pixels" else "circle-open",
                    "line": {"width": 2, "color": colour}},
            error_x=arms(row.auc, row.lo, row.hi, colour),
            hovertemplate=f"{title}: AUC %{{x:.3f}}{range_words(row.lo, row.hi)}, n = {row.n:,}<extra></extra>",
        )  # fmt: skip
    figure.add_vline(x=0.5, line_width=THIN, line_color=theme.INK)
    figure.add_vline(x=LEAST, line_width=1, line_dash="dot", line_color=theme.INK)
    figure.update_xaxes(title_text="AUC of the property alone, out of fold", range=[0.38, 1.02], tickformat=".1f")
    figure.update_yaxes(autorange="reversed", showgrid=False)
    return theme.apply(figure, 120 + 36 * max(1, len(rows)))


def sizes(width: np.ndarray, height: np.ndarray, labels: np.ndarray, class_names: tuple[str, str]) -> go.Figure:
    """Width and height of each picture, (N,) px, a colour a class (labels 0 or 1)."""
    figure = go.Figure()
    for label in (0, 1):
        of = labels == label
        figure.add_scatter(
            x=width[of], y=height[of], mode="markers", name=escape_html(class_names[label]),
            marker={"size": 5, "color": theme.CLASS[label], "opacity": 0.55},
            hovertemplate=f"{escape_html(class_names[label])}: %{{x:.0f}} × %{{y:.0f}} px<extra></extra>",
        )  # fmt: skip
    figure.update_xaxes(title_text="Width (px)", type="log", tickvals=TICKS)
    figure.update_yaxes(title_text="Height (px)", type="log", tickvals=TICKS)
    return theme.apply(figure, 380)


def shares(values: np.ndarray, labels: np.ndarray, class_names: tuple[str, str], title: str) -> go.Figure:
    """Share of each class with each of the most frequent values (N,) text."""
    names, counts = np.unique(values, return_counts=True)
    shown = names[np.argsort(-counts, kind="stable")][:MOST_SHOWN]
    figure = go.Figure()
    for label in (0, 1):
        of = values[labels == label]
        share = [100 * float((of == name).mean()) if len(of) else 0.0 for name in shown]
        figure.add_bar(
            x=share, y=[escape_html(str(name)[:30] or "not known") for name in shown], orientation="h",
            name=escape_html(class_names[label]), marker_color=theme.CLASS[label],
            hovertemplate=f"{escape_html(class_names[label])}: %{{x:.1f}}%<extra></extra>",
        )  # fmt: skip
    figure.update_xaxes(title_text="Share of the class (%)", rangemode="tozero")
    figure.update_yaxes(title_text=escape_html(title), autorange="reversed", showgrid=False, type="category")
    return theme.apply(figure, 150 + 44 * len(shown))


def spread(values: np.ndarray, labels: np.ndarray, class_names: tuple[str, str], title: str) -> go.Figure:
    """Share of each class by a number (N,), nan left out."""
    known = np.isfinite(values)
    low, high = np.percentile(values[known], [1, 99]) if known.any() else (0.0, 1.0)
    edges = np.linspace(low, high if high > low else low + 1.0, 41)
    figure = go.Figure()
    for label in (0, 1):
        of = values[known & (labels == label)]
        share = 100 * np.histogram(of, edges)[0] / max(of.size, 1)
        figure.add_scatter(
            x=(edges[:-1] + edges[1:]) / 2, y=share, mode="lines", name=escape_html(class_names[label]),
            line={"color": theme.CLASS[label], "width": 2, "shape": "hvh"},
            hovertemplate=f"{escape_html(class_names[label])}: %{{y:.1f}}% near %{{x:.3g}}<extra></extra>",
        )  # fmt: skip
    figure.update_xaxes(title_text=escape_html(title))
    figure.update_yaxes(title_text="Share of the class (%)", rangemode="tozero")
    return theme.apply(figure, 320)
