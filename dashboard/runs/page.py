"""All runs, experiments and searches in one table: searched, filtered, sorted, and what can be done with the ticked."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from core.jobs.run_sets import Listed, run_sets
from core.runs.registry import run_set
from core.runs.registry.entry import Entry
from core.runs.registry.index import entries
from core.runs.registry.run_set import RunSet
from core.runs.store import STATES, strangers_in
from core.text import counted, interval, number
from dashboard import cache, state, url_state
from dashboard.runs import actions, listed
from dashboard.runs.listed import COLUMNS, SHOW, Filters
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
    sets = _sets()
    begun = [one.facts for one in sets]
    said = st.container()
    filters, against = _controls(known, begun)
    passed = listed.chosen(known, filters)
    passed_sets = listed.chosen_sets(run_set.listed(begun, known, filters.archived), filters)
    found = listed.rows(passed, passed_sets, filters)
    with said:
        st.markdown(sentence(known, passed, [] if filters.show == "runs" else passed_sets))
    if not found:
        st.info("Nothing matches these filters. Remove one of them.", icon=":material/filter_alt_off:")
        return
    if len(found) > SHOWN_AT_FIRST and not st.toggle(f"Show all {len(found):,}", key="runs_all"):
        found = found[:SHOWN_AT_FIRST]
        st.caption(f"The newest {SHOWN_AT_FIRST:,} of them.")
    table = listed.table(found, known, against)
    bar = st.container(horizontal=True, vertical_alignment="center", key="runs_actions")
    key = listed.table_key("runs_table", [one.name for one in found])
    hidden = [*HIDDEN, *([] if begun else ["Kind"])]
    event = downloads.table(
        table.drop(columns=hidden), hide_index=True, width="stretch",
        height=min(620, HEAD_PX + ROW_PX * len(table)), key=key, on_select="rerun",
        selection_mode="multi-row", column_config=COLUMNS,
    )  # fmt: skip
    ticked = [found[row] for row in event["selection"]["rows"] if row < len(found)]
    with bar:
        _actions(ticked, known, sets)
        downloads.download(table, "runs", "CSV", key="runs_csv")
    if len(ticked) == 1:
        _note(ticked[0])


def _sets() -> list[Listed]:
    return run_sets(state.checkpoints(), state.choice().datasets, cache.dataset_target)


def _actions(ticked: Sequence[Entry | RunSet], known: Sequence[Entry], sets: Sequence[Listed]) -> None:
    """What can be done with the ticked rows; a set stands for the runs that it has trained, not for those it found."""
    own = [run for one in ticked for run in ([one] if isinstance(one, Entry) else run_set.trained_by(one, known))]
    runs = [cache.run(state.checkpoints() / name) for name in dict.fromkeys(one.name for one in own)]
    alone = ticked[0] if len(ticked) == 1 and isinstance(ticked[0], RunSet) else None
    actions.actions(runs, "runs", next((one for one in sets if alone is not None and one.facts == alone), None))


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


def _controls(known: Sequence[Entry], sets: Sequence[RunSet]) -> tuple[Filters, str]:
    """What is looked for; all of it is in the URL."""
    tags = sorted({tag for one in known for tag in one.all_tags} | {one.name for one in sets}, key=str.casefold)
    datasets = sorted({one.dataset for one in (*known, *sets)}, key=str.casefold)
    states = [name for name in STATES if any(one.state == name for one in (*known, *sets))]
    show = "all"
    with st.container(horizontal=True, vertical_alignment="bottom"):
        words = url_state.text(
            "Search", key="runs_search", placeholder="Title, note, setting, backbone, hash…", icon=":material/search:",
            width=200,
        )  # fmt: skip
        of_datasets = url_state.choose_several(
            st.multiselect, "Dataset", datasets, key="runs_datasets", placeholder="all", width=140
        )
        of_tags = []
        if tags:  # there is nothing to choose from before
            of_tags = url_state.choose_several(
                st.multiselect, "Tag or experiment", tags, key="runs_tags", placeholder="all", width=150
            )
        of_states = url_state.choose_several(
            st.multiselect, "State", states, key="runs_states", placeholder="all", width=120
        )
        if sets:
            show = url_state.choose(
                st.selectbox, "Show", list(SHOW), key="runs_show", default="all", format_func=SHOW.get, width=180
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
    return Filters(words, tuple(of_datasets), tuple(of_states), tuple(of_tags), starred, archived, show), against


def sentence(known: Sequence[Entry], found: Sequence[Entry], sets: Sequence[RunSet] = ()) -> str:
    """How many there are, and the best of each of them that are listed, in Markdown."""
    n = f"{count(len(found))} of {count(len(known))} runs" if len(found) < len(known) else counted(len(known), "run")
    for word in dict.fromkeys(one.word for one in sets):
        plural = f"{word.lower()}es" if word.endswith("ch") else ""  # searches
        n += f", {counted(sum(one.word == word for one in sets), word.lower(), plural)}"
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


def _note(one: Entry | RunSet) -> None:
    """What is known of the ticked row and has no column."""
    if isinstance(one, RunSet):
        if one.sentence:
            st.markdown(escape_markdown(one.sentence))
        return
    if one.note:
        st.markdown(f"**Note** · {escape_markdown(one.note)}")
    st.caption(f"Folder: {escape_markdown(one.name)}")
