"""Precision-recall and ROC curves of two sides over each other, on the patches that both have answered."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from core.evaluate.metrics import Curve, pr_curve, roc_curve
from dashboard import theme
from dashboard.charts.base import LINE, THIN, escape_html
from dashboard.charts.scores import thinned
from dashboard.results.compare.sides import LINES, Side
from dashboard.ui import downloads


def ranking_view(this: Side, other: Side, first: pd.DataFrame, second: pd.DataFrame) -> None:
    """Both curves. first, second: the patches of either side (``outcomes.judged``)."""
    shared = first.merge(second[["id", "prob"]], on="id", suffixes=("", "_other"))
    labels = shared["label"].to_numpy()
    if not 0 < labels.sum() < len(labels):
        return
    probs = ((other.title, shared["prob_other"].to_numpy()), (this.title, shared["prob"].to_numpy()))
    st.header("At every threshold", anchor=False)
    grid = st.grid(2, min_column_width=380, gap="medium")
    with grid.cell():
        figure = overlaid([(title, pr_curve(labels, one)) for title, one in probs], "Recall", "Precision")
        figure.add_hline(y=float(labels.mean()), line_width=THIN, line_dash="dot", line_color=theme.INK)
        downloads.show(figure, key="compare_pr")
    with grid.cell():
        figure = overlaid([(title, roc_curve(labels, one)) for title, one in probs], "False alarm rate", "Recall")
        figure.add_shape(type="line", x0=0, y0=0, x1=1, y1=1, line={"width": THIN, "dash": "dot", "color": theme.INK})
        downloads.show(figure, key="compare_roc")
    st.caption(f"n = {len(labels):,} patches, all folds together. Thin dotted lines: chance.")


def overlaid(curves: Sequence[tuple[str, Curve]], across: str, up: str) -> go.Figure:
    """Two curves: that of the other side, then this one's. curves: title, curve; across, up: what the axes are."""
    figure = go.Figure()
    for (title, curve), line in zip(curves, LINES, strict=True):
        curve, title = thinned(curve), escape_html(title)
        figure.add_scatter(
            x=curve.x, y=curve.y, mode="lines", name=title, line=line | {"width": LINE}, customdata=curve.threshold,
            hovertemplate=f"{title}: {across.lower()} %{{x:.3f}}, {up.lower()} %{{y:.3f}}, at %{{customdata:.3f}}"
            "<extra></extra>",
        )  # fmt: skip
    figure.update_xaxes(title_text=across, range=[-0.01, 1.01])
    figure.update_yaxes(title_text=up, range=[-0.01, 1.02])
    return theme.apply(figure, 320)
