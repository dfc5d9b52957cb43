"""Learning curves: what was measured, epoch by epoch."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from dashboard import theme
from dashboard.charts.base import LINE, THIN

HISTORY_TITLES = {
    "train_loss": "Training loss",
    "val_loss": "Loss",
    "val_f1": "F1 at 0.5",
    "val_auc": "AUC",
    "lr": "Learning rate",
    "images_per_second": "Patches per second",
    "memory_mib": "Memory (MiB)",
}


def learning_curves(history: pd.DataFrame, column: str) -> go.Figure:
    """One line per fold over the epochs. history: fold, epoch and ``column`` (see ``HISTORY_TITLES``).

    ``val_loss`` comes with the training loss, dotted.
    """
    figure, words = go.Figure(), HISTORY_TITLES.get(column, column)
    for fold, rows in history.groupby("fold", sort=True):
        colour, name = theme.fold_colour(fold), theme.fold_title(fold)
        if column == "val_loss" and "train_loss" in rows:
            figure.add_scatter(
                x=rows["epoch"], y=rows["train_loss"], mode="lines", showlegend=False, legendgroup=name,
                line={"color": colour, "width": THIN, "dash": "dot"},
                hovertemplate=f"{name}, epoch %{{x}}: training loss %{{y:.3f}}<extra></extra>",
            )  # fmt: skip
        figure.add_scatter(
            x=rows["epoch"], y=rows[column], mode="lines", name=name, legendgroup=name,
            line={"color": colour, "width": LINE},
            hovertemplate=f"{name}, epoch %{{x}}: {words} %{{y:.4~g}}<extra></extra>",
        )  # fmt: skip
    figure.update_xaxes(title_text="Epoch", rangemode="tozero")
    figure.update_yaxes(title_text="Loss (dotted: training part)" if column == "val_loss" else words)
    return theme.apply(figure, 300)
