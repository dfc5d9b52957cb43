"""The chosen run and the chosen dataset, each as a card."""

from __future__ import annotations

import streamlit as st

from core.data.bands import composites
from core.data.store import Dataset
from core.errors import LandslideLensError
from core.jobs.queue import ACTIVE
from core.runs.store import RunFolder
from dashboard import state
from dashboard.jobs.progress import progress_bar
from dashboard.patches import gallery
from dashboard.ui import formatting, guards, metric_card, sidebar
from dashboard.ui.formatting import escape_markdown, interval

# --------------------------------------------------------------------------------------------------------- cards


def run_card(run: RunFolder | None) -> None:
    """The chosen run: its headline number with the sentence behind it, or what is missing and the next step."""
    with st.container(border=True, height="stretch"):
        if run is None:
            st.markdown("**No run on this dataset yet**")
            st.markdown("Train a classifier on it: the demo preset takes minutes on a small CPU.")
            if st.button("Train on it", type="primary", icon=":material/model_training:", key="overview_train"):
                state.open_view("train", view="new")
            return
        status = guards.run_state(run)
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**Run {escape_markdown(run.name)}**", width="content")
            sidebar.state_badge(status["state"])
        if status["state"] == "succeeded" and _headline(run):
            return
        if status["state"] in ACTIVE:
            progress_bar(status)
        elif status.get("error") or status.get("message"):
            st.code(status.get("error") or status["message"], language=None, wrap_lines=True)
        if st.button("Follow it", icon=":material/monitoring:", key="overview_follow"):
            state.open_view("train", view="follow")


def _headline(run: RunFolder) -> bool:
    """Draw the run's numbers; False, with the reason shown, when they cannot be read."""
    try:
        summary = run.summary()
        oof, heads = summary["oof"], summary["heads"]
        intervals = heads[summary["head"]]["intervals"]
    except (LandslideLensError, KeyError, TypeError) as error:
        st.warning(f"The numbers of this run cannot be read: {escape_markdown(error)}", icon=":material/warning:")
        return False
    with st.grid(min_column_width=84):
        for name, label in (("f1", "F1"), ("auc", "AUC"), ("precision", "Precision"), ("recall", "Recall")):
            bounds = interval(intervals.get(name), 2)
            st.metric(label, formatting.number(oof.get(name)), bounds or None, delta_color="off", delta_arrow="off")
    st.caption(headline_sentence(summary))
    if text := guards.changed_data(run, guards.chosen_dataset()):
        st.warning(escape_markdown(text), icon=":material/history:")
    for warning in summary.get("warnings", []):
        st.warning(escape_markdown(warning), icon=":material/warning:")
    if st.button("Open the results", type="primary", icon=":material/query_stats:", key="overview_results"):
        state.open_view("results")
    return True


def headline_sentence(summary: dict) -> str:
    """Which set, how many folds and patches, which head and rule, which interval stand behind the headline."""
    oof = summary["oof"]
    cells = oof.get("confusion") or {}
    n_positive = cells["tp"] + cells["fn"] if cells else None
    rule = "best-F1 threshold learnt on the other folds" if summary["threshold_rule"] == "best_f1" else "threshold 0.5"
    sentence = metric_card.provenance_sentence(
        "out of fold", oof["n"], n_positive, summary["positive"], len(summary["folds"]), head=summary["head"]
    )
    kept = ", groups kept together" if summary.get("grouped") else ""
    return f"{sentence[:-1]}; {rule}. Small figures: 95% bootstrap intervals{kept}."


def dataset_card(data: Dataset | None) -> None:
    """The chosen dataset in four facts."""
    with st.container(border=True, height="stretch"):
        if data is None:
            st.markdown("**The dataset cannot be opened**")
            st.markdown("Choose another one in the sidebar, or make the demo.")
            return
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**Dataset {escape_markdown(data.name)}**", width="content")
            if data.facts.get("simulated"):
                st.badge("simulated", icon=":material/science:", color="violet")
        positive, labelled = int((data.labels == 1).sum()), int((data.labels >= 0).sum())
        with st.grid(min_column_width=85):
            st.metric("Patches", f"{len(data):,}")
            st.metric(
                escape_markdown(data.positive), f"{positive:,}", f"{positive / max(labelled, 1):.1%}",
                delta_color="off", delta_arrow="off",
            )  # fmt: skip
            st.metric("Bands", len(data.bands))
            st.metric("Side (px)", f"{data.shape[1]} × {data.shape[2]}")
        with st.grid(6, wrap=False, min_column_width=36, gap="xsmall"):
            for picture in samples(data):
                st.image(picture, width="stretch", output_format="PNG")
        st.caption(
            f"Left: {escape_markdown(data.positive)} (positive class). Right: {escape_markdown(data.class_names[0])}."
        )
        if st.button("Look at the patches", icon=":material/grid_view:", key="overview_dataset"):
            state.open_view("dataset", view="patches")


def samples(data: Dataset, each: int = 3) -> list:
    """Pictures of the first patches of the positive and of the other class."""
    rows = [row for label in (1, 0) for row in (data.labels == label).nonzero()[0][:each]]
    look = gallery.Look(composites(data.bands)[0])
    return gallery.pictures(data, data.ids[rows].tolist(), look, side=144)
