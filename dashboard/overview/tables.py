"""Tables of all runs and all dataset files; choosing a row opens it."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import streamlit as st

from core.errors import LandslideLensError
from core.runs.remembered import remembered
from core.runs.store import STATES, RunFolder, strangers_in
from core.text import duration
from dashboard import cache, state, theme
from dashboard.ui import downloads, empty_states, formatting, guards
from dashboard.ui.formatting import escape_markdown, interval

NEWEST = 500  # runs that are listed at first: reading the summaries of thousands takes seconds


def run_row(run: RunFolder, dataset: str) -> dict:
    """One run as a row: state, preset, score with interval, when and how long."""
    files = ("status.json", "summary.json", "config.json")
    return remembered("row", run.path, files, lambda: _run_row(RunFolder(run.path))) | {"Dataset": dataset}


def _run_row(run: RunFolder) -> dict:
    status = guards.run_state(run)
    row = {"State": status["state"], "F1": None, "95% interval": "", "AUC": None, "Patches": None}
    if status["state"] == "succeeded":
        try:
            oof = run.summary()["oof"]
            row |= {"F1": oof["f1"], "95% interval": interval(oof.get("f1_interval")), "AUC": oof["auc"]}
            row["Patches"] = oof["n"]
        except (LandslideLensError, KeyError, TypeError):
            pass
    row |= {"Dataset": "", "Preset": "", "Backbone": ""}
    try:
        config = run.config()
        row |= {"Preset": config.preset, "Backbone": config.model.backbone}
    except LandslideLensError:
        pass  # the state column says that something is wrong
    row["Started"] = formatting.parse_time(status.get("started") or status.get("created"))
    row["Took"] = duration(formatting.elapsed(status))
    return row | {"Run": run.name}


@st.cache_data(ttl=60, max_entries=4, show_spinner=False)
def _strangers(root: str) -> list[str]:
    return strangers_in(Path(root))


def runs_table() -> None:
    """All runs, newest first; choosing one opens it. Links and pipes in a run's folder are named below it."""
    for note in _strangers(str(state.checkpoints())):
        st.warning(escape_markdown(note), icon=":material/link_off:")
    choice = state.choice()
    if not choice.owner:
        st.markdown("None yet.")
        return
    root, names = state.checkpoints(), list(choice.owner)
    if len(names) > NEWEST and not st.toggle(f"Show all {len(names):,}", key="overview_all_runs"):
        names = names[:NEWEST]
        st.caption(f"The newest {NEWEST:,} runs.")
    table = pd.DataFrame([run_row(RunFolder(root / name), choice.owner[name]) for name in names])
    event = downloads.table(
        table.assign(State=[[name] for name in table["State"]]), hide_index=True, width="stretch", placeholder="–",
        height="content" if len(table) < 12 else 460, key="overview_runs",
        on_select="rerun", selection_mode="single-row",
        column_config={
            "State": st.column_config.MultiselectColumn(
                "State", options=list(STATES), color=[theme.state_look(name)[0] for name in STATES]
            ),
            "F1": st.column_config.NumberColumn("F1", format="%.3f", help="Out of fold, of the headline head."),
            "AUC": st.column_config.NumberColumn("AUC", format="%.3f"),
            "Patches": st.column_config.NumberColumn("Patches", format="localized"),
            "Started": st.column_config.DatetimeColumn("Started", format="D MMM YYYY, HH:mm"),
        },
    )  # fmt: skip
    rows = event["selection"]["rows"]
    with st.container(horizontal=True):
        picked = table.iloc[rows[0]] if rows else None
        if st.button(
            "Open the chosen row", disabled=picked is None, icon=":material/open_in_new:", key="overview_open_run"
        ):
            page = "results" if picked["State"] == "succeeded" else "train"
            state.open_view(page, run=picked["Run"], view="follow")
        downloads.download(table, "runs", "Runs as CSV")


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
