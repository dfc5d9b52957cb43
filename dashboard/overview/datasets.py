"""The table of all dataset files; choosing a row opens it."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import streamlit as st

from core.errors import LandslideLensError
from dashboard import cache, state
from dashboard.ui import downloads, empty_states


def dataset_row(name: str, path: Path) -> dict:
    """One dataset as a row; one that cannot be opened says so."""
    row = {"Dataset": name, "Patches": None, "Positive": None, "Share": None, "Bands": None, "Side (px)": "",
           "Groups": None, "Source": ""}  # fmt: skip
    try:
        data = cache.dataset(path)
    except (LandslideLensError, OSError):
        return row | {"Source": "cannot be opened"}
    positive, labelled = int((data.labels == 1).sum()), max(int((data.labels >= 0).sum()), 1)
    return row | {
        "Patches": len(data),
        "Positive": positive,
        "Share": 100 * positive / labelled,
        "Bands": len(data.bands),
        "Side (px)": f"{data.shape[1]} × {data.shape[2]}",
        "Groups": None if data.groups is None else len(set(data.groups.tolist())),
        "Source": data.source,
    }


def datasets_table() -> None:
    """All dataset files; choosing one opens it."""
    choice = state.choice()
    st.header("Datasets", anchor=False)
    if not choice.datasets:
        st.markdown("None yet.")
        return
    table = pd.DataFrame([dataset_row(name, path) for name, path in choice.datasets.items()])
    event = downloads.table(
        table, hide_index=True, width="stretch", height="content" if len(table) < 12 else 460, key="overview_datasets",
        on_select="rerun", selection_mode="single-row",
        column_config={
            "Patches": st.column_config.NumberColumn("Patches", format="localized"),
            "Positive": st.column_config.NumberColumn(
                "Positive", format="localized", help="Patches of the positive class."
            ),
            "Share": st.column_config.NumberColumn("Share", format="%.1f%%", help="Of the labelled patches."),
        },
    )  # fmt: skip
    rows = event["selection"]["rows"]
    with st.container(horizontal=True):
        if st.button("Open the chosen row", disabled=not rows, icon=":material/open_in_new:", key="overview_open_data"):
            state.open_view("dataset", dataset=table.iloc[rows[0]]["Dataset"], view="facts")
        if st.button(
            "Make the demo", icon=":material/route:", key="overview_make_demo",
            help="Dataset, trained run and analyses; what is there already is kept.",
        ):  # fmt: skip
            empty_states.make_whole_demo()
        if st.button("Import a folder", icon=":material/drive_folder_upload:", key="overview_import"):
            empty_states.open_import()
