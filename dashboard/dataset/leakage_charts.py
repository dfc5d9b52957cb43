"""Figures of the leakage view."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dashboard import theme
from dashboard.charts.base import THIN
from dashboard.patches.pair import KIND_WORDS

KIND = {"identical": "#C0447E", "near": "#D9A21B", "shifted": "#4A7EBB", "overlap": "#4FA3A0", "synthetic": "#8E6BB8"}


def pairs_histogram(pairs: pd.DataFrame, column: str, title: str) -> go.Figure:
    """How many pairs of each kind have which value, 0 to 1. pairs: see ``core.data.leakage.split_audit``."""
    figure = go.Figure()
    edges = np.linspace(0.0, 1.0, 41)
    for kind, colour in KIND.items():
        values = pairs.loc[pairs["kind"] == kind, column].to_numpy(float)
        values = values[np.isfinite(values)]
        if values.size:
            figure.add_bar(
                x=(edges[:-1] + edges[1:]) / 2, y=np.histogram(np.clip(values, 0, 1), edges)[0], width=1 / 40,
                name=f"{KIND_WORDS[kind]} ({values.size:,})", marker_color=colour,
                hovertemplate=f"{KIND_WORDS[kind]}: %{{y:,}} pairs near %{{x:.2f}}<extra></extra>",
            )  # fmt: skip
    figure.update_layout(barmode="stack", bargap=0)
    figure.update_xaxes(title_text=title, range=[0, 1.02])
    figure.update_yaxes(title_text="Pairs")
    return theme.apply(figure, 300)


def leaking_and_honest(rows: pd.DataFrame, metric: str) -> go.Figure:
    """A score under folds that divide the same ground and under folds that do not, a row a classifier.

    rows: title, leaking, honest.
    """
    figure = go.Figure()
    for _, row in rows.iterrows():
        figure.add_shape(
            type="line", x0=row["honest"], x1=row["leaking"], y0=row["title"], y1=row["title"],
            line={"color": theme.INK, "width": THIN},
        )  # fmt: skip
    looks = (("honest", "same ground kept together", theme.NEGATIVE, "circle"),
             ("leaking", "same ground divided", theme.POSITIVE, "diamond"))  # fmt: skip
    for column, name, colour, symbol in looks:
        figure.add_scatter(
            x=rows[column], y=rows["title"], mode="markers", name=name,
            marker={"size": 12, "color": colour, "symbol": symbol},
            hovertemplate=f"%{{y}}, {name}: {metric} %{{x:.3f}}<extra></extra>",
        )  # fmt: skip
    figure.update_xaxes(title_text=f"{metric}, out of fold")
    figure.update_yaxes(autorange="reversed", showgrid=False)
    return theme.apply(figure, 130 + 34 * max(1, len(rows)))
