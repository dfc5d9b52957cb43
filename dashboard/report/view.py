"""One of the three documents: made as a job, shown in a frame of its own, with a button for what it lacks."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import streamlit as st

from core.analyses import scene_map
from core.analyses.registry import analysis
from core.analyses.reports.report import NAME, ReportOptions, kept, read, text_of
from core.errors import LandslideLensError
from core.runs.labels import titles_of
from core.runs.store import RunFolder
from dashboard import cache, state, url_state
from dashboard.jobs import analyses
from dashboard.ui.empty_states import empty_state
from dashboard.ui.formatting import escape_markdown, parse_time
from dashboard.ui.guards import or_stop, run_state

HEIGHT = 900
UNREADABLE = (LandslideLensError, LookupError, TypeError, ValueError, AttributeError, OSError)
EMPTY = {
    "run": (
        "No report of this run yet",
        "One HTML file: a first page for people who decide, then data, splits, scores with intervals, errors with "
        "pictures, checks, limits, cost and how to reproduce it. It opens offline and prints.",
    ),
    "scene": (
        "No report of this scene yet",
        "One HTML file for the officer on duty: the map, cells in the order of looking, outlines, ground that was not "
        "seen, and what is promised.",
    ),
    "against": (
        "These runs have not been compared in a report yet",
        "One HTML file: their scores side by side, which differences are settled, and the settings behind them.",
    ),
}


def report_view(run: RunFolder, view: str) -> None:
    """The document of this view, or what has to be chosen or made first."""
    options = _chosen(run, view)
    if options is None:
        return
    active = analyses.follow(run, NAME)
    cards = or_stop(read, run) or {}
    name = kept(run, options).path.name
    if name not in cards:
        if not active:
            title, text = EMPTY[view]
            given = options.model_dump(mode="json")
            make = partial(analyses.begin, run, NAME, given)
            empty_state(title, text, "Make the report", make, ":material/description:")
        return
    _shown(run, name, cards[name], options, active)


def _chosen(run: RunFolder, view: str) -> ReportOptions | None:
    """Which document is asked for; None where nothing can be chosen, and that is said."""
    if view == "scene":
        return _scene(run)
    if view == "against":
        return _against(run)
    return ReportOptions()


def _scene(run: RunFolder) -> ReportOptions | None:
    maps = or_stop(scene_map.read, run) or {}
    if not maps:
        empty_state(
            "This run has not answered for a scene yet",
            "Give it a satellite scene on the Predict page; its map is what this report shows.",
            "Open Predict", lambda: state.open_view("predict", view="scene"), ":material/map:",
        )  # fmt: skip
        return None
    names = sorted(maps, key=lambda name: str(maps[name].get("made", "")), reverse=True)
    name = url_state.choose(
        st.selectbox, "Scene", names, key="report_scene", default=names[0], width=420,
        format_func=lambda one: f"{Path(maps[one]['scene']['scene']).name} · {str(maps[one].get('made', ''))[:10]}",
    )  # fmt: skip
    return ReportOptions(scene=name)


def _against(run: RunFolder) -> ReportOptions | None:
    others = [one for one in state.choice().runs if one.name != run.name and run_state(one)["state"] == "succeeded"]
    if not others:
        empty_state(
            "There is no other finished run on this dataset",
            "Train another one, with other settings or another seed, to have something to compare with.",
            "Train another", lambda: state.open_view("train", view="new"), ":material/model_training:",
        )  # fmt: skip
        return None
    titles = titles_of(others)
    names = url_state.choose_several(
        st.multiselect, "Compare with", list(titles), key="report_against", default=[next(iter(titles))],
        format_func=titles.get, max_selections=8,
    )  # fmt: skip
    if not names:
        st.caption("Choose what to compare with.")
        return None
    return ReportOptions(against=tuple(names))


def _shown(run: RunFolder, name: str, card: Mapping[str, Any], options: ReportOptions, active: bool) -> None:
    text = or_stop(text_of, run, name)
    made = parse_time(card.get("made"))
    when = f"{made.day} {made:%b %Y %H:%M} UTC" if made else "at an unknown time"
    with st.container(horizontal=True, vertical_alignment="center"):
        st.download_button(
            "Download the report", text.encode("utf-8"), file_name=f"{run.name}_{name}.html", mime="text/html",
            icon=":material/download:", type="primary", on_click="ignore", key="report_download",
        )  # fmt: skip
        if st.button("Make it again", icon=":material/refresh:", key="report_again", disabled=active):
            analyses.begin(run, NAME, options.model_dump(mode="json"))
        st.caption(f"Made {when} · {card['bytes'] / 1e6:.1f} MB · one file, opens offline", width="content")
    if not active:
        _missing(run, card)
    # A document of its own origin: nothing in it reaches this page, and by its own policy nothing runs or loads.
    source = f"data:text/html;charset=utf-8;base64,{base64.b64encode(text.encode('utf-8')).decode('ascii')}"
    st.iframe(source, height=HEIGHT, alt=f"Report: {card['title']}")


def _missing(run: RunFolder, card: Mapping[str, Any]) -> None:
    """What the report lacks, each with the button that computes it, or the words that it is there by now."""
    lacking = list(card.get("missing") or [])
    if not lacking:
        return
    n = len(lacking)
    words = "1 section was not computed" if n == 1 else f"{n} sections were not computed"
    with st.expander(words, icon=":material/playlist_add:"):
        for one in lacking:
            left, right = st.columns([3, 1], vertical_alignment="center")
            left.markdown(f"**{escape_markdown(one['title'])}**: {escape_markdown(one['what'])}")
            if not one.get("analysis"):
                continue
            target = run if one["target"] == "run" else cache.dataset_target(run.dataset_path(), run.checkpoints)
            with right:
                _compute(target, one)


def _compute(target: Any, one: Mapping[str, Any]) -> None:
    name = one["analysis"]
    try:
        there = analysis(name).read is not None and analysis(name).read(target) is not None
    except UNREADABLE:
        there = False
    if there:
        st.caption("Computed since: make the report again.")
    elif analyses.is_active(target, name):
        st.caption("Being computed…")
    elif st.button(f"Compute {analysis(name).title.lower()}", key=f"report_compute_{name}", width="stretch"):
        analyses.begin(target, name, one.get("options") or {})
