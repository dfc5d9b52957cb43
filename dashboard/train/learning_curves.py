"""How a run learns, epoch by epoch: scores, speed and memory, and how the predictions of a few patches change."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from core.data.bands import composites
from core.data.store import Dataset
from core.errors import LandslideLensError
from core.runs.store import RunFolder
from dashboard import cache, theme, url_state
from dashboard.charts import learning
from dashboard.patches import gallery
from dashboard.ui import downloads
from dashboard.ui.formatting import escape_markdown, number

MACHINE = ("lr", "images_per_second", "memory_mib")
SCORES = {"val_f1": "F1", "val_accuracy": "Accuracy", "val_auc": "AUC"}
LARGE_PX, SMALL_PX = 340, 240
LINE_PX = 104  # height of one patch's line


def curves(run: RunFolder, history: pd.DataFrame, key: str, running: int | None = None) -> None:
    """Loss and a score large and side by side; learning rate, speed and memory are folded away.

    running: the fold that is being trained.
    """
    known = [column for column in SCORES if column in history and history[column].notna().any()]
    folds = history["fold"].nunique()
    with st.container(horizontal=True, vertical_alignment="center"):
        score = known[0] if known else None
        if len(known) > 1:
            score = url_state.choose(
                st.segmented_control, "Score", known, key=f"{key}_score", default=known[0], required=True,
                format_func=SCORES.get, label_visibility="collapsed", width="content",
            )  # fmt: skip
        each = folds > 1 and url_state.toggle("Each fold", key=f"{key}_each_fold", width="content")
    grid = st.grid(2, min_column_width=340, gap="medium")
    for column in ("val_loss", *filter(None, [score])):
        with grid.cell():
            _curve(history, column, key, each, running, LARGE_PX)
    if score == "val_accuracy":
        st.caption(
            f"{_majority(run)}Training part: measured while it learns, on augmented patches.",
            help="Of a mixed patch (MixUp, CutMix) the class of its larger part is the right answer. Synthetic patches "
            "count too. The weights still change from batch to batch, and dropout is on.",
        )
    where = f"each fold ({folds} folds, {len(history):,} epochs in all)"
    if folds == 1:
        where = "one split" if _is_single(run) else "the first fold"
    mean = "Line: mean of the finished folds; band: lowest to highest fold. " if folds > 1 else ""
    st.caption(
        f"{mean}Measured on the held-out part of {where}.",
        help="F1 and accuracy are those of the network's own head at threshold 0.5. The headline score is computed "
        "at the end, out of fold.",
    )
    with st.expander("System: learning rate, speed, memory", icon=":material/memory:"):
        grid = st.grid(3, min_column_width=260, gap="medium")
        for column in MACHINE:
            if column in history and history[column].notna().any():
                with grid.cell():
                    _curve(history, column, key, each, running, SMALL_PX)
        st.caption("Memory: peak GPU memory in the epoch, or the memory of the process on a CPU.")
    downloads.download(history, f"{run.name}_history", "Learning curves (CSV)", key=f"{key}_curves_csv")


def _is_single(run: RunFolder) -> bool:
    try:
        return run.config().folds.protocol == "single"
    except (LandslideLensError, OSError):
        return False


def _majority(run: RunFolder) -> str:
    """What the accuracy is to be compared with: that of always answering the larger class, once it is known."""
    try:
        share = run.summary()["positive_share"]
    except (LandslideLensError, OSError, KeyError):
        return ""
    return f"Always answering the larger class: {number(max(share, 1 - share))}. "


def _curve(history: pd.DataFrame, column: str, key: str, each: bool, running: int | None, height: int) -> None:
    figure = learning.learning_curves(history, column, each, running, height)
    if column in MACHINE:
        figure.update_yaxes(rangemode="tozero")  # else a change of one percent looks large
        figure.update_layout(showlegend=False)
    downloads.show(figure, key=f"{key}_{column}")


def samples(run: RunFolder, key: str) -> None:
    """A few validation patches of one fold with the network's probability after each epoch."""
    try:
        answers = run.samples()
        data = cache.dataset(run.dataset_path())
    except (LandslideLensError, OSError):
        return
    if answers.empty:
        return
    st.header("Predictions over epochs", anchor=False)
    folds = sorted(map(int, answers["fold"].unique()))
    fold = folds[-1]
    if len(folds) > 1:
        fold = url_state.choose(
            st.segmented_control, "Fold", folds, key=f"{key}_samples", default=fold, required=True,
            format_func=theme.fold_title,
        )  # fmt: skip
    rows = answers[answers["fold"] == fold]
    grid = st.grid(4, min_column_width=230, gap="small")
    for patch_id, of_patch in rows.groupby("id", sort=False):
        with grid.cell(), st.container(border=True, gap="small"):
            _sample(data, str(patch_id), of_patch.sort_values("epoch"), f"{key}_{fold}_{patch_id}")
    st.caption(
        f"{rows['id'].nunique()} patches of the validation part of {theme.fold_title(fold)}, drawn before training: "
        f"the network's probability of {escape_markdown(data.positive)} after each of {rows['epoch'].nunique()} "
        "epochs. They are for display only."
    )
    downloads.download(answers, f"{run.name}_samples", "Predictions (CSV)", key=f"{key}_samples_csv")


def _sample(data: Dataset, patch_id: str, rows: pd.DataFrame, key: str) -> None:
    """One patch: its picture and label, and its probability over the epochs."""
    label, now = int(rows["label"].iloc[-1]), float(rows["prob"].iloc[-1])
    right = (now >= 0.5) == bool(label)
    picture, text = st.columns([2, 3], gap="small", vertical_alignment="center")
    try:
        look = gallery.Look(composites(data.bands)[0])
        picture.image(gallery.pictures(data, [patch_id], look)[0], width="stretch", alt=f"Patch {patch_id}")
    except LandslideLensError:
        pass  # the dataset file has changed since the run: its predictions are still shown
    text.markdown(f"**{escape_markdown(gallery.short(patch_id))}**")
    text.caption(f"{escape_markdown(data.class_names[label])}, now p {now:.2f} {'✓' if right else '✗'}")
    downloads.show(_line(rows, label), key=key)


def _line(rows: pd.DataFrame, label: int) -> go.Figure:
    """The probability over the epochs, and a dotted line at one half."""
    colour = theme.POSITIVE if label else theme.NEGATIVE
    figure = go.Figure()
    figure.add_hline(0.5, line={"color": theme.INK, "width": 1, "dash": "dot"})
    figure.add_scatter(
        x=rows["epoch"], y=rows["prob"], mode="lines+markers", line={"color": colour, "width": 2}, marker={"size": 4},
        showlegend=False, hovertemplate="epoch %{x}: %{y:.2f}<extra></extra>",
    )  # fmt: skip
    theme.apply(figure, LINE_PX)
    figure.update_layout(margin={"l": 4, "r": 4, "t": 4, "b": 4})
    figure.update_yaxes(range=[-0.04, 1.04], tickvals=[0, 0.5, 1])
    last = int(rows["epoch"].max())
    figure.update_xaxes(range=[0.5, last + 0.5], tickvals=sorted({1, (last + 1) // 2, last}))
    return figure
