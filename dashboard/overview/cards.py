"""What Overview shows in place of the briefing: a run that has not finished, and the chosen dataset."""

from __future__ import annotations

import streamlit as st

from core.data.bands import composites
from core.data.store import Dataset
from core.jobs.queue import ACTIVE
from core.runs.labels import title_of
from core.runs.store import RunFolder
from dashboard import state
from dashboard.jobs.progress import progress_bar
from dashboard.patches import gallery
from dashboard.ui import guards, sidebar
from dashboard.ui.formatting import escape_markdown

LATER = {"failed", "cancelled", "interrupted"}


def no_run() -> None:
    """No run on the dataset yet, and the next step."""
    with st.container(border=True, height="stretch"):
        st.markdown("**No run on this dataset yet**")
        st.markdown("Train a classifier on it: the demo preset takes minutes on a small CPU.")
        if st.button("Train on it", type="primary", icon=":material/model_training:", key="overview_train"):
            state.open_view("train", view="new")


def unfinished_run(run: RunFolder) -> None:
    """A run without results: how it stands, and the way to it."""
    status = guards.run_state(run)
    with st.container(border=True, height="stretch"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{escape_markdown(title_of(run))}**", width="content")
            sidebar.state_badge(status["state"])
        if status["state"] in ACTIVE:
            progress_bar(status)
        elif status["state"] in LATER and (status.get("error") or status.get("message")):
            st.code(status.get("error") or status["message"], language=None, wrap_lines=True)
        if st.button("Follow it", icon=":material/monitoring:", key="overview_follow"):
            state.open_view("train", run=run.name, view="follow")


def dataset_card(data: Dataset) -> None:
    """The chosen dataset: a line of facts and six patches."""
    with st.container(border=True, height="stretch"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{escape_markdown(data.name)}**", width="content")
        positive, labelled = int((data.labels == 1).sum()), int((data.labels >= 0).sum())
        st.markdown(
            f"{len(data):,} patches, {positive:,} {escape_markdown(data.positive)} "
            f"({positive / max(labelled, 1):.1%} of the labelled), {len(data.bands)} bands, "
            f"{data.shape[1]} × {data.shape[2]} px."
        )
        with st.grid(6, wrap=False, min_column_width=36, gap="xsmall"):
            for picture, words in samples(data):
                st.image(picture, width="stretch", output_format="PNG", alt=words)
        st.caption(
            f"Left: {escape_markdown(data.positive)} (positive class). Right: {escape_markdown(data.class_names[0])}."
        )
        if st.button("Look at the patches", icon=":material/grid_view:", key="overview_dataset"):
            state.open_view("dataset", view="patches")


def samples(data: Dataset, each: int = 3) -> list:
    """Pictures of the first patches of the positive and of the other class, each with its words."""
    rows = [row for label in (1, 0) for row in (data.labels == label).nonzero()[0][:each]]
    ids = data.ids[rows].tolist()
    drawn = gallery.pictures(data, ids, gallery.Look(composites(data.bands)[0]), side=144)
    words = [f"Patch {name}, {data.class_names[data.labels[row]]}" for name, row in zip(ids, rows, strict=True)]
    return list(zip(drawn, words, strict=True))
