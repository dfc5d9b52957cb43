"""The table of all runs, and what can be done with those that are ticked."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import streamlit as st

from core.errors import LandslideLensError
from core.runs import labels
from core.runs.remembered import remembered
from core.runs.store import STATES, RunFolder, strangers_in
from core.text import duration
from dashboard import state, theme
from dashboard.results.compare.door import open_compare
from dashboard.train import prefill
from dashboard.ui import downloads, formatting, guards, run_actions
from dashboard.ui.formatting import escape_markdown, interval

NEWEST = 500  # runs that are listed at first: reading the summaries of thousands takes seconds
MOST_DELETED = 20


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


@st.cache_data(ttl=60, max_entries=4, show_spinner=False)
def _strangers(root: str) -> list[str]:
    return strangers_in(Path(root))


def runs_table() -> None:
    """All runs, newest first. Links and pipes in a run's folder are named above it."""
    for note in _strangers(str(state.checkpoints())):
        st.warning(escape_markdown(note), icon=":material/link_off:")
    choice = state.choice()
    runs = [RunFolder(state.checkpoints() / name) for name in choice.owner]
    archived = {run.name for run in runs if labels.label_of(run).archived}
    with st.container(horizontal=True, vertical_alignment="center"):
        st.header("Runs", anchor=False, width="stretch")
        if archived and not st.toggle(f"Show archived ({len(archived)})", key="overview_archived"):
            runs = [run for run in runs if run.name not in archived]
        _deleted()
    if not runs:
        st.markdown("None yet." if not archived else "All are archived.")
        return
    if len(runs) > NEWEST and not st.toggle(f"Show all {len(runs):,}", key="overview_all_runs"):
        runs = runs[:NEWEST]
        st.caption(f"The newest {NEWEST:,} runs.")
    table = pd.DataFrame([run_row(run, choice.owner[run.name]) for run in runs])
    actions = st.container(horizontal=True, vertical_alignment="center", key="overview_run_actions")
    event = downloads.table(
        table.drop(columns=["Patches", "Preset", "Backbone", "Folder"]).assign(
            State=[[name] for name in table["State"]]
        ),
        hide_index=True, width="stretch", height="content" if len(table) < 12 else 460, key="overview_runs",
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
    with actions:
        _actions(ticked)
        downloads.download(table, "runs", "CSV")


def _actions(ticked: list[RunFolder]) -> None:
    one = ticked[0] if len(ticked) == 1 else None
    if st.button("Open", disabled=one is None, icon=":material/open_in_new:", key="overview_open_run",
                 help="Tick one run to open it."):  # fmt: skip
        page = "results" if guards.run_state(one)["state"] == "succeeded" else "train"
        state.open_view(page, run=one.name, view="follow")
    if st.button("Duplicate and edit", disabled=one is None, icon=":material/content_copy:", key="overview_duplicate",
                 help="Tick one run: Train opens with all its settings."):  # fmt: skip
        prefill.duplicate(one)
    why = _not_comparable(ticked)
    if st.button("Compare", disabled=bool(why), icon=":material/compare_arrows:", key="overview_compare",
                 help=why or "What differs in settings, numbers and patches."):  # fmt: skip
        open_compare(ticked[0].name, ticked[1].name)
    if one is not None:
        run_actions.menu(one, "overview")
    elif ticked:
        if st.button(f"Archive {len(ticked)}", icon=":material/archive:", key="overview_archive", type="tertiary"):
            run_actions.archive(ticked)
        if st.button(f"Delete {len(ticked)}", icon=":material/delete:", key="overview_delete", type="tertiary"):
            run_actions.delete(ticked)
    else:
        st.caption("Tick a run for more, two to compare.", width="content")


def _not_comparable(ticked: list[RunFolder]) -> str:
    """Why these runs cannot be compared; empty where they can."""
    if len(ticked) != 2:
        return "Tick two finished runs on the same dataset."
    if any(guards.run_state(run)["state"] != "succeeded" for run in ticked):
        return "Both runs have to be finished."
    owner = state.choice().owner
    return "" if owner[ticked[0].name] == owner[ticked[1].name] else "The runs are on different datasets."


def _deleted() -> None:
    """The deleted runs, to bring back or to remove for good; nothing where there are none."""
    gone = labels.deleted_runs(state.checkpoints())
    if not gone:
        return
    with st.popover(f"Deleted ({len(gone)})", icon=":material/delete:", type="tertiary", key="overview_deleted"):
        for run in gone[:MOST_DELETED]:
            with st.container(horizontal=True, vertical_alignment="center"):
                st.markdown(escape_markdown(labels.title_of(run)), help=escape_markdown(run.name))
                if st.button("Bring back", key=f"restore_{run.name}", icon=":material/undo:", type="tertiary"):
                    run_actions.restore(run.name)
        if len(gone) > MOST_DELETED:
            st.caption(f"And {len(gone) - MOST_DELETED:,} more.")
        if st.button(f"Remove all {len(gone)} for good", key="empty_deleted", icon=":material/delete_forever:"):
            run_actions.remove_for_good()
