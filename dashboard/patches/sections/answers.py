"""What every head and every fold says of a patch, and how the networks came to say it, epoch by epoch."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from core.errors import LandslideLensError
from core.flow.one_patch import answers_of, losses_of
from core.runs.store import RunFolder
from dashboard import cache, theme
from dashboard.charts import intervals
from dashboard.charts.base import LINE, THIN, escape_html
from dashboard.patches.sections.opened import Opened
from dashboard.ui import downloads
from dashboard.ui.formatting import escape_markdown

EPOCH_HELP = (
    "Held out: the network of the patch's own fold, as validated after each epoch. Trained: the mean of the folds that "
    "learn from its label, as they saw it in training (augmented; epochs in which it was mixed with another patch are "
    "left out). A wrong label is believed late or never."
)
COIN = float(np.log(2))  # nats: the loss of a network that cannot tell


def is_there(opened: Opened) -> bool:
    """Whether the run has answers."""
    return opened.scores is not None


def draw(opened: Opened) -> None:
    """The heads of the patch's own fold, all folds beside them, and the loss over epochs."""
    data, run, scores = opened.data, opened.run, opened.scores
    left, right = st.columns(2, gap="medium")
    with left:
        st.markdown(f"**By head**, {theme.fold_title(scores['fold'])}, which did not see this patch in training")
        figure = intervals.head_probabilities(scores["probs"], scores["thresholds"], data.positive)
        downloads.show(figure, key="card_heads")
        st.caption(scores["sentence"])
    with right:
        table = _answers(str(run.path), opened.row, scores["fold"], _versions(run, "scores"))
        table = table.reindex([head for head in scores["probs"] if head in table.index])
        if len(table) and table.shape[1] > 1:
            st.markdown("**By head and fold**")
            downloads.show(fold_grid(table, scores["fold"], data.positive), key="card_folds", alt=_grid_words(table))
            st.caption(
                f"Only {theme.fold_title(scores['fold'])} (framed) did not see this patch. The others have trained on "
                "it: they agree with its label more than they would on new ground."
            )
        _epochs(opened, run)


def _epochs(opened: Opened, run: RunFolder) -> None:
    """The loss over epochs, where the run kept it."""
    if opened.label < 0:
        return
    losses = _losses(str(run.path), opened.row, opened.label, opened.scores["fold"], _versions(run, "epoch_answers"))
    if losses.empty:
        return
    st.markdown("**Loss over epochs**", help=EPOCH_HELP)
    downloads.show(loss_lines(losses), key="card_epochs")
    label = escape_markdown(opened.data.class_names[opened.label])
    st.caption(f"Loss of the label {label}, the network's own classifier. Above the dotted line it believes the other.")


def fold_grid(table: pd.DataFrame, own: int, positive: str) -> go.Figure:
    """Probabilities by head (rows) and fold (columns); the fold that has not seen the patch is framed."""
    titles = [escape_html(theme.head_title(head)) for head in table.index]
    values = table.to_numpy(float)
    names = [f"{fold + 1}" + (" ◂ held out" if fold == own else "") for fold in table.columns]
    figure = go.Figure(
        go.Heatmap(
            z=values, x=names, y=titles, zmin=0, zmax=1, colorscale=theme.DIVERGING, showscale=False, xgap=2, ygap=2,
            text=[["" if np.isnan(v) else f"{v:.2f}" for v in row] for row in values], texttemplate="%{text}",
            textfont={"color": "#16191D"},
            hovertemplate=f"%{{y}}, fold %{{x}}: probability of {escape_html(positive)} %{{z:.3f}}<extra></extra>",
        )
    )  # fmt: skip
    place = list(table.columns).index(own)
    figure.add_shape(
        type="rect", x0=place - 0.5, x1=place + 0.5, y0=-0.5, y1=len(titles) - 0.5,
        line={"color": theme.INK, "width": 3},
    )  # fmt: skip
    figure.update_yaxes(autorange="reversed", showgrid=False)
    figure.update_xaxes(title_text="Fold", type="category", showgrid=False)
    return theme.apply(figure, 90 + 26 * max(1, len(titles)))


def _grid_words(table: pd.DataFrame) -> str:
    parts = [
        f"{theme.head_title(head)}: " + ", ".join(f"fold {k + 1} {v:.2f}" for k, v in row.items() if np.isfinite(v))
        for head, row in table.iterrows()
    ]
    return "Probability by head and fold. " + "; ".join(parts) + "."


def loss_lines(losses: pd.DataFrame) -> go.Figure:
    """The loss of the fold that held the patch out, and the mean of those that trained on it, by epoch."""
    figure = go.Figure()
    for held_out, name, look in (
        (True, "Held out", {"color": theme.FOLD[0], "width": LINE}),
        (False, "Trained", {"color": theme.FOLD[1], "width": LINE}),
    ):
        rows = losses[losses["held_out"] == held_out].groupby("epoch")["loss"].mean()
        if len(rows):
            figure.add_scatter(
                x=rows.index, y=rows, mode="lines+markers" if len(rows) <= 30 else "lines", name=name, line=look,
                hovertemplate=f"{name}, epoch %{{x}}: %{{y:.2f}}<extra></extra>",
            )  # fmt: skip
    figure.add_hline(y=COIN, line_width=THIN, line_dash="dot", line_color=theme.INK)
    figure.update_xaxes(title_text="Epoch", tickformat="d", nticks=8)
    figure.update_yaxes(title_text="Loss (nats)", rangemode="tozero")
    return theme.apply(figure, 220).update_layout(showlegend=True)


# ----------------------------------------------------------------------------------------------------- read once


def _versions(run: RunFolder, name: str) -> tuple[cache.Version, ...]:
    folds = range(run.config().folds.n_splits)
    return cache.file_versions(*(run.fold_path(k) / f"{name}.safetensors" for k in folds))


@st.cache_data(max_entries=128, show_spinner=False)
def _answers(path: str, row: int, fold: int, versions: tuple[cache.Version, ...]) -> pd.DataFrame:
    try:
        return answers_of(cache.run(path), row, fold)
    except LandslideLensError:
        return pd.DataFrame()


@st.cache_data(max_entries=128, show_spinner=False)
def _losses(path: str, row: int, label: int, fold: int, versions: tuple[cache.Version, ...]) -> pd.DataFrame:
    return losses_of(cache.run(path), row, label, fold)
