"""All runs in one table: searched, filtered, sorted, and what can be done with those that are ticked."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from core.runs.registry.entry import Entry
from core.runs.registry.index import entries
from core.runs.store import STATES, strangers_in
from core.text import interval, number
from dashboard import cache, state, url_state
from dashboard.experiments.view import CHOSEN as EXPERIMENT
from dashboard.runs import actions, listed
from dashboard.runs.listed import COLUMNS, Filters
from dashboard.ui import downloads, empty_states
from dashboard.ui.formatting import count, escape_markdown

AGAINST = {"others": "From the others", "preset": "From its preset"}
SHOWN_AT_FIRST = 1000
HIDDEN = ("Seconds", "Folder", "Note", "Preset")  # in the CSV, not on the page
ROW_PX, HEAD_PX = 35, 38


def page() -> None:
    """The page below its title."""
    for note in _strangers(str(state.checkpoints())):
        st.warning(escape_markdown(note), icon=":material/link_off:")
    known = entries(state.checkpoints())
    if not known:
        _nothing()
        return
    said = st.container()
    filters, against = _controls(known)
    found = listed.chosen(known, filters)
    with said:
        st.markdown(sentence(known, found))
        _experiment(filters, found)
    if not found:
        st.info("No run matches these filters. Remove one of them.", icon=":material/filter_alt_off:")
        return
    if len(found) > SHOWN_AT_FIRST and not st.toggle(f"Show all {len(found):,}", key="runs_all"):
        found = found[:SHOWN_AT_FIRST]
        st.caption(f"The newest {SHOWN_AT_FIRST:,} of them.")
    table = listed.table(found, known, against)
    bar = st.container(horizontal=True, vertical_alignment="center", key="runs_actions")
    event = downloads.table(
        table.drop(columns=list(HIDDEN)), hide_index=True, width="stretch",
        height=min(620, HEAD_PX + ROW_PX * len(table)), key="runs_table", on_select="rerun",
        selection_mode="multi-row", column_config=COLUMNS,
    )  # fmt: skip
    rows = event["selection"]["rows"]
    ticked = [cache.run(state.checkpoints() / found[row].name) for row in rows if row < len(found)]
    with bar:
        actions.actions(ticked, "runs")
        downloads.download(table, "runs", "CSV", key="runs_csv")
    if len(ticked) == 1:
        _note(found[rows[0]])


@st.cache_data(ttl=60, max_entries=4, show_spinner=False)
def _strangers(root: str) -> list[str]:
    return strangers_in(Path(root))


def _nothing() -> None:
    actions.deleted()
    if state.choice().dataset is None:
        empty_states.no_dataset()
        return
    empty_states.empty_state(
        "No runs yet",
        "Every run that is trained here is listed with its numbers, settings and tags, and so is one whose folder is "
        "copied here from another machine.",
        "Train one",
        lambda: state.open_view("train", view="new"),
        ":material/model_training:",
    )


def _controls(known: Sequence[Entry]) -> tuple[Filters, str]:
    """What is looked for; all of it is in the URL."""
    tags = sorted({tag for entry in known for tag in entry.all_tags}, key=str.casefold)
    datasets = sorted({entry.dataset for entry in known}, key=str.casefold)
    states = [name for name in STATES if any(entry.state == name for entry in known)]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        words = url_state.text(
            "Search", key="runs_search", placeholder="Title, note, setting, backbone, hash…", icon=":material/search:",
            width=260,
        )  # fmt: skip
        of_datasets = url_state.choose_several(
            st.multiselect, "Dataset", datasets, key="runs_datasets", placeholder="all", width=170
        )
        of_tags = []
        if tags:  # there is nothing to choose from before
            of_tags = url_state.choose_several(
                st.multiselect, "Tag or experiment", tags, key="runs_tags", placeholder="all", width=190
            )
        of_states = url_state.choose_several(
            st.multiselect, "State", states, key="runs_states", placeholder="all", width=150
        )
        with st.popover("More", icon=":material/tune:", key="runs_more"):
            against = url_state.choose(
                st.segmented_control, "Settings that differ", list(AGAINST), key="runs_against", default="others",
                required=True, format_func=AGAINST.get,
            )  # fmt: skip
            starred = url_state.toggle("Only starred", key="runs_starred")
            n_archived = sum(entry.archived for entry in known)
            archived = url_state.toggle(f"Archived too ({n_archived})", key="runs_archived")
        actions.deleted()
    return Filters(words, tuple(of_datasets), tuple(of_states), tuple(of_tags), starred, archived), against


def _experiment(filters: Filters, found: Sequence[Entry]) -> None:
    """The way to the experiment whose runs are listed, where it is one."""
    own = {(one.experiment, state.choice().owner.get(one.name)) for one in found if one.experiment in filters.tags}
    if (
        len(own) == 1
        and (name := next(iter(own)))[1] is not None
        and st.button(
            f"Open the experiment {escape_markdown(name[0])}", icon=":material/experiment:", key="runs_experiment"
        )
    ):
        state.open_view("train", dataset=name[1], view="experiments", filters={EXPERIMENT: name[0]})


def sentence(known: Sequence[Entry], found: Sequence[Entry]) -> str:
    """How many there are, and the best of each of them that are listed, in Markdown."""
    n = f"{count(len(found))} of {count(len(known))} runs" if len(found) < len(known) else _runs(len(known))
    scored = [entry for entry in found if entry.f1 is not None]
    if not scored:
        return f"**{n}**; none of them is finished." if found else f"**{n}**."
    datasets = {entry.dataset for entry in scored}
    best = max(scored, key=lambda entry: entry.f1)
    where = f" on {escape_markdown(best.dataset)}" if len(datasets) > 1 else ""
    return (
        f"**{n}**, {count(len(scored))} finished. Highest F1{where}: **{number(best.f1)}** "
        f"({interval((best.f1_low, best.f1_high))}), {escape_markdown(best.title)}."
    )


def _runs(n: int) -> str:
    return "1 run" if n == 1 else f"{count(n)} runs"


def _note(entry: Entry) -> None:
    """What is known of the ticked run and has no column."""
    if entry.note:
        st.markdown(f"**Note** · {escape_markdown(entry.note)}")
    st.caption(f"Folder: {escape_markdown(entry.name)}")
