"""The newest runs, and what can be done with those that are ticked. All of them are on the Runs page."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.errors import LandslideLensError
from core.runs import labels
from core.runs.remembered import remembered
from core.runs.store import STATES, RunFolder
from core.text import duration
from dashboard import state, theme
from dashboard.runs import actions
from dashboard.runs.listed import table_key
from dashboard.ui import downloads, formatting, guards
from dashboard.ui.formatting import interval

NEWEST = 8  # runs that are listed


def run_row(run: RunFolder, dataset: str) -> dict:
    """One run as a row: state, score with interval, dataset, when and how long."""
    files = ("status.json", "summary.json", "config.json")
    row = remembered("row", run.path, files, lambda: _run_row(RunFolder(run.path)))
    star = "★ " if labels.label_of(run).starred else ""
    return {"Run": f"{star}{labels.title_of(run)}"} | row | {"Dataset": dataset}


def _run_row(run: RunFolder) -> dict:
    status = guards.run_state(run)
    row = {"State": status["state"], "F1": None, "95% interval": "", "AUC": None, "Patches": None}
    if status["state"] == "succeeded":
        try:
            oof = run.summary()["oof"]
            row |= {"F1": oof["f1"], "95% interval": interval(oof.get("f1_interval"), 2), "AUC": oof["auc"]}
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
    return row | {"Folder": run.name}


def runs_table() -> None:
    """The newest runs that are not archived, and the way to all of them."""
    choice = state.choice()
    runs = [RunFolder(state.checkpoints() / name) for name in choice.owner]
    listed = [run for run in runs if not labels.label_of(run).archived]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.header("Runs", anchor=False, width="stretch")
        actions.deleted()
        if len(runs) > min(len(listed), NEWEST) and st.button(
            f"All {len(runs):,} runs", icon=":material/table_view:", type="tertiary", key="overview_all_runs"
        ):
            state.open_view("runs")
    if not listed:
        st.markdown("None yet." if not runs else "All are archived.")
        return
    runs = listed[:NEWEST]
    table = pd.DataFrame([run_row(run, choice.owner[run.name]) for run in runs])
    bar = st.container(horizontal=True, vertical_alignment="center", key="overview_run_actions")
    key = table_key("overview_runs", [run.name for run in runs])
    with st.container(key="overview_runs"):
        event = downloads.table(
            table.drop(columns=["Patches", "Preset", "Backbone", "Folder"]).assign(
                State=[[name] for name in table["State"]]
            ),
            hide_index=True, width="stretch", height="content", key=key,
            on_select="rerun", selection_mode="multi-row",
            column_config={
                "Run": st.column_config.TextColumn("Run", pinned=True, width="large"),
                "State": st.column_config.MultiselectColumn(
                    "State", options=list(STATES), color=[theme.state_look(name)[0] for name in STATES]
                ),
                "F1": st.column_config.NumberColumn("F1", format="%.3f", help="Out of fold, of the headline head."),
                "95% interval": st.column_config.TextColumn("95% interval", help="Of F1, by bootstrap."),
                "AUC": st.column_config.NumberColumn("AUC", format="%.3f"),
                "Started": st.column_config.DatetimeColumn("Started", format="D MMM, HH:mm"),
            },
        )  # fmt: skip
    ticked = [runs[row] for row in event["selection"]["rows"] if row < len(runs)]
    with bar:
        actions.actions(ticked, "overview")
        downloads.download(table, "runs", "CSV")
