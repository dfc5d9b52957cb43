"""Learning curves: what was measured, epoch by epoch, and how far a run is."""

from __future__ import annotations

import math

import pandas as pd
import plotly.graph_objects as go

from dashboard import theme
from dashboard.charts.base import LINE, THIN

HISTORY_TITLES = {
    "train_loss": "Training loss",
    "val_loss": "Loss",
    "val_f1": "F1 at threshold 0.5",
    "val_accuracy": "Accuracy at threshold 0.5",
    "val_auc": "AUC",
    "lr": "Learning rate",
    "images_per_second": "Patches per second",
    "memory_mib": "Memory (MiB)",
}
TRAINED = {"val_loss": "train_loss", "val_accuracy": "train_accuracy"}  # measured on the training part as well
MEAN = theme.FOLD[0]
MOST_TICKS = 8
MOST_MARKED = 12  # epochs that are drawn as points too
STRIP_PX = 58
REMAINING = "rgba(128,136,146,0.28)"


def learning_curves(
    history: pd.DataFrame, column: str, each: bool = False, running: int | None = None, height: int = 320
) -> go.Figure:
    """The mean over folds at each epoch, between the lowest and the highest fold.

    history: fold, epoch and ``column`` (see ``HISTORY_TITLES``). Loss and accuracy come with those of the training
    part, dotted.
    each: every fold as a thin line too. running: the fold that is being trained; a line of its own, not in the mean.
    """
    figure, words = go.Figure(), HISTORY_TITLES.get(column, column)
    finished = history[history["fold"] != running]
    folds = finished["fold"].nunique()
    points = "lines+markers" if history["epoch"].max() <= MOST_MARKED else "lines"
    of_training = TRAINED.get(column)
    both = of_training in history and history[of_training].notna().any()
    if folds:
        by_epoch = finished.groupby("epoch")[column].agg(["mean", "min", "max"]).dropna()
        if folds > 1:
            _band(figure, by_epoch)
        mean = f"mean of {folds} folds" if folds > 1 else ""
        name = ", ".join(filter(None, ["held-out part" if both else "", mean])) or theme.fold_title(
            finished["fold"].iloc[0]
        )
        name = name[0].upper() + name[1:]
        figure.add_scatter(
            x=by_epoch.index, y=by_epoch["mean"], mode=points, name=name, line={"color": MEAN, "width": LINE},
            customdata=by_epoch[["min", "max"]],
            hovertemplate=f"epoch %{{x}}: {words} %{{y:.4~g}}"
            + (" (folds: %{customdata[0]:.4~g}\u2013%{customdata[1]:.4~g})" if folds > 1 else "") + "<extra></extra>",
        )  # fmt: skip
        if both:
            trained = finished.groupby("epoch")[of_training].mean()
            figure.add_scatter(
                x=trained.index, y=trained, mode="lines", name="Training part",
                line={"color": theme.INK, "width": LINE, "dash": "dot"},
                hovertemplate=f"epoch %{{x}}: {words}, training part, %{{y:.4~g}}<extra></extra>",
            )  # fmt: skip
    for fold, rows in history.groupby("fold", sort=True):
        if each or fold == running:
            title = theme.fold_title(fold)
            figure.add_scatter(
                x=rows["epoch"], y=rows[column], mode=points if fold == running else "lines",
                name=f"{title}, running" if fold == running else title,
                line={"color": theme.fold_colour(fold + 1), "width": LINE if fold == running else THIN},
                hovertemplate=f"{title}, epoch %{{x}}: {words} %{{y:.4~g}}<extra></extra>",
            )  # fmt: skip
    figure.update_xaxes(title_text="Epoch", **_epoch_ticks(history))
    figure.update_yaxes(title_text=words)
    return theme.apply(figure, height).update_layout(showlegend=True)


def _band(figure: go.Figure, by_epoch: pd.DataFrame) -> None:
    """From the lowest to the highest fold."""
    red, green, blue = (int(MEAN[i : i + 2], 16) for i in (1, 3, 5))
    edge = {"mode": "lines", "line": {"width": 0}, "hoverinfo": "skip"}
    figure.add_scatter(x=by_epoch.index, y=by_epoch["max"], showlegend=False, **edge)
    figure.add_scatter(
        x=by_epoch.index, y=by_epoch["min"], fill="tonexty", fillcolor=f"rgba({red},{green},{blue},0.18)",
        name="Lowest to highest fold", **edge,
    )  # fmt: skip


def _epoch_ticks(history: pd.DataFrame) -> dict:
    """Whole epochs from the first to the last that is planned."""
    last = int(max(history["epoch"].max(), history["epochs"].max() if "epochs" in history else 0))
    rough = max(1.0, last / MOST_TICKS)
    size = 10 ** math.floor(math.log10(rough))
    step = next(int(size * factor) for factor in (1, 2, 5, 10) if size * factor >= rough)
    ticks = [1, *range(step, last + 1, step)] if step > 1 else list(range(1, last + 1))
    room = max(0.25, 0.03 * last)
    return {"tickmode": "array", "tickvals": ticks, "range": [1 - room, last + room]}


def fold_strip(done: dict[int, int], n_folds: int, epochs: int) -> go.Figure:
    """How far each fold is, side by side in one line. done: fold -> epochs that it has trained."""
    figure = go.Figure()
    gap, folds = 0.05, list(range(n_folds))
    shares = [min(1.0, done.get(fold, 0) / max(epochs, 1)) for fold in folds]
    texts = [_strip_text(fold, done.get(fold, 0), epochs) for fold in folds]
    for values, bases, colour in (
        ([share * (1 - gap) for share in shares], folds, MEAN),
        ([(1 - share) * (1 - gap) for share in shares], [f + s * (1 - gap) for f, s in zip(folds, shares, strict=True)],
         REMAINING),
    ):  # fmt: skip
        figure.add_bar(
            x=values, base=bases, y=[0] * n_folds, orientation="h", marker_color=colour, customdata=texts, width=0.9,
            hovertemplate="%{customdata}<extra></extra>", showlegend=False,
        )  # fmt: skip
    theme.apply(figure, STRIP_PX)
    labels = texts if n_folds <= 5 else [str(fold + 1) for fold in folds]
    figure.update_layout(barmode="overlay", margin={"l": 0, "r": 0, "t": 4, "b": 22}, bargap=0)
    figure.update_yaxes(visible=False, fixedrange=True)
    figure.update_xaxes(
        tickvals=[fold + (1 - gap) / 2 for fold in folds], ticktext=labels, range=[0, n_folds], showgrid=False,
        fixedrange=True, zeroline=False, showline=False,
    )  # fmt: skip
    return figure


def _strip_text(fold: int, epochs_done: int, epochs: int) -> str:
    title = theme.fold_title(fold).capitalize()
    return f"{title}: {epochs_done} of {epochs}" if 0 < epochs_done < epochs else title
