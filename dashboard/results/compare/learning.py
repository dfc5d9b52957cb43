"""Learning curves of two or more runs over each other."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from core.errors import LandslideLensError
from dashboard import theme
from dashboard.charts.base import LINE, escape_html
from dashboard.results.compare.sides import LINES, Side
from dashboard.ui import downloads

COLUMNS = {
    "val_loss": "Validation loss", "val_f1": "F1 at threshold 0.5", "val_accuracy": "Accuracy at threshold 0.5",
    "val_auc": "AUC",
}  # fmt: skip
DASHES = ("solid", "dot")  # there are more runs than colours that can be told apart


def curves_view(this: Side, other: Side) -> None:
    """Loss, F1, accuracy and AUC over the epochs; nothing where a run has no curves."""
    try:
        histories = [(side.title, side.run.history()) for side in (other, this)]
    except LandslideLensError:
        return
    if any(history.empty for _, history in histories):
        return
    st.header("Learning curves", anchor=False)
    grid = st.grid(2, min_column_width=300, gap="medium")
    for column in COLUMNS:
        if any(column in history and history[column].notna().any() for _, history in histories):
            with grid.cell():
                downloads.show(overlaid(histories, column), key=f"compare_{column}")
    st.caption("Validation part of each fold. Thick: mean over folds; thin: single folds.")


def several_view(sides: Sequence[Side]) -> None:
    """The means over folds of several runs; a run that has no curves is left out, two heads of one are one curve."""
    histories: dict[str, tuple[str, pd.DataFrame]] = {}
    for side in sides:
        try:
            history = side.run.history()
        except LandslideLensError:
            continue
        if not history.empty:
            histories.setdefault(side.run.name, (side.title, history))
    if len(histories) < 2:
        return
    st.header("Learning curves", anchor=False)
    grid = st.grid(2, min_column_width=300, gap="medium")
    for column in COLUMNS:
        if any(column in history and history[column].notna().any() for _, history in histories.values()):
            with grid.cell():
                downloads.show(means(list(histories.values()), column), key=f"several_{column}")
    st.caption("Validation part of each fold, mean over folds.")


def means(histories: Sequence[tuple[str, pd.DataFrame]], column: str) -> go.Figure:
    """Each run's mean over folds by epoch. histories: title, and fold, epoch, column."""
    figure = go.Figure()
    for number, (title, history) in enumerate(histories):
        if column in history:
            mean, title = history.groupby("epoch")[column].mean(), escape_html(title)
            figure.add_scatter(
                x=mean.index, y=mean.to_numpy(), mode="lines+markers", name=title, marker={"size": 5},
                line={"color": theme.fold_colour(number), "width": LINE, "dash": DASHES[number // len(theme.FOLD) % 2]},
                hovertemplate=f"{title}, epoch %{{x}}: %{{y:.3f}}<extra></extra>",
            )  # fmt: skip
    return _axes(figure, histories, column)


def overlaid(histories: Sequence[tuple[str, pd.DataFrame]], column: str) -> go.Figure:
    """Each run's mean over folds by epoch, and its folds. histories: title, and fold, epoch, column."""
    figure = go.Figure()
    for (title, history), line in zip(histories, LINES, strict=True):
        if column not in history:
            continue
        title = escape_html(title)
        for fold, rows in history.groupby("fold", sort=True):
            figure.add_scatter(
                x=rows["epoch"], y=rows[column], mode="lines", showlegend=False, legendgroup=title, opacity=0.35,
                line=line | {"width": 1},
                hovertemplate=f"{title}, {theme.fold_title(fold)}, epoch %{{x}}: %{{y:.3f}}<extra></extra>",
            )  # fmt: skip
        mean = history.groupby("epoch")[column].mean()
        figure.add_scatter(
            x=mean.index, y=mean.to_numpy(), mode="lines+markers", name=title, legendgroup=title, marker={"size": 5},
            line=line | {"width": LINE},
            hovertemplate=f"{title}, epoch %{{x}}: mean %{{y:.3f}}<extra></extra>",
        )  # fmt: skip
    return _axes(figure, histories, column)


def _axes(figure: go.Figure, histories: Sequence[tuple[str, pd.DataFrame]], column: str) -> go.Figure:
    epochs = max((int(history["epoch"].max()) for _, history in histories), default=1)
    figure.update_xaxes(title_text="Epoch", dtick=max(1, -(-epochs // 8)), tickformat="d")
    figure.update_yaxes(title_text=COLUMNS[column])
    return theme.apply(figure, 280)
