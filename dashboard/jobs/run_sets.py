"""Sets of runs that an analysis makes on a dataset (experiments, searches): chosen, followed, shown, and a new one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import streamlit as st

from core.analyses.base import Analysis
from core.data.store import Dataset
from core.errors import LandslideLensError
from core.jobs.analysis_folder import AnalysisFolder, list_for
from core.runs.targets import DatasetTarget
from dashboard import cache, state, url_state
from dashboard.jobs import progress
from dashboard.ui.guards import or_stop

REFRESH_S = 3
Record = dict[str, Any]


@dataclass(frozen=True)
class Shown:
    """How the sets of one analysis are shown. nothing, icon: what is said before the first of them.

    title: of a set in the list. ended: how many of its rows have ended; the page is drawn anew when one more has. form:
    asks for a new one. results: draws one, by its name and what its analysis reads.
    """

    nothing: str
    icon: str
    title: Callable[[Record], str]
    ended: Callable[[Record], int]
    form: Callable[[DatasetTarget, Dataset], None]
    results: Callable[[str, Record], None]


def view(data: Dataset, analysis: Analysis, shown: Shown) -> None:
    """The newest set or the chosen one, and a new one."""
    target, word = cache.dataset_target(data.path, state.checkpoints()), analysis.sets.word
    jobs = _jobs(target, analysis)
    begun = or_stop(analysis.sets.names, target)
    order = [*reversed(jobs), *(name for name in begun if name not in jobs)]  # newest first
    order = [name for name in order if name in begun or not progress.was_cleared(jobs[name])]
    if not order:
        with st.container(border=True):
            st.header(f"No {word.lower()} on this dataset yet", icon=shown.icon, anchor=False)
            st.markdown(shown.nothing)
            shown.form(target, data)
        return
    titles = {one: _title(target, analysis, one, shown) for one in order}
    with st.container(horizontal=True, vertical_alignment="bottom", horizontal_alignment="distribute"):
        name = url_state.choose(
            st.selectbox, word, order, key=analysis.sets.chosen, default=order[0], format_func=titles.get, width=420
        )
        with st.popover(f"New {word.lower()}", icon=":material/add_circle:"):
            shown.form(target, data)
    if name in jobs and progress.watch(jobs[name]):
        watch = st.fragment(_watch, run_every=REFRESH_S)
        watch(target, analysis, name, shown, _ended(target, analysis, name, shown))
    if name in begun:
        shown.results(name, or_stop(analysis.read, target, name))


def _jobs(target: DatasetTarget, analysis: Analysis) -> dict[str, AnalysisFolder]:
    """Set -> its newest job, the oldest first; one of a kind that is not known here is passed over."""
    found: dict[str, AnalysisFolder] = {}
    for job in reversed(list_for(target, analysis.name)):
        try:
            name = analysis.sets.name_of(job.options())
        except LandslideLensError:
            continue
        found.pop(name, None)
        found[name] = job
    return found


def _read(target: DatasetTarget, analysis: Analysis, name: str) -> Record | None:
    try:
        return analysis.read(target, name)
    except LandslideLensError:
        return None


def _title(target: DatasetTarget, analysis: Analysis, name: str, shown: Shown) -> str:
    record = _read(target, analysis, name)
    return name if record is None else f"{shown.title(record)} [{name[-4:]}]"


def _ended(target: DatasetTarget, analysis: Analysis, name: str, shown: Shown) -> int:
    record = _read(target, analysis, name)
    return 0 if record is None else shown.ended(record)


def _watch(target: DatasetTarget, analysis: Analysis, name: str, shown: Shown, ended: int) -> None:
    if _ended(target, analysis, name, shown) != ended:
        st.rerun()
