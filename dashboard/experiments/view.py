"""Experiments on a dataset: what was found in a sentence and a figure, the table, progress, and a new one."""

from __future__ import annotations

from typing import Any

import streamlit as st

from core.analyses import ablate
from core.data.store import Dataset
from core.errors import LandslideLensError
from core.experiments.results import sentence
from core.jobs.analysis_folder import AnalysisFolder, list_for
from core.runs.targets import DatasetTarget
from dashboard import cache, state, url_state
from dashboard.experiments import asking, figures, tables
from dashboard.jobs import progress
from dashboard.ui import downloads
from dashboard.ui.formatting import count, escape_markdown, percent
from dashboard.ui.guards import or_stop

CHOSEN = ablate.CHOSEN
REFRESH_S = 3


def experiments_view(data: Dataset) -> None:
    """The view: the newest experiment or the chosen one, and below it a new one."""
    target = cache.dataset_target(data.path, state.checkpoints())
    jobs = _jobs(target)
    begun = or_stop(ablate.names, target)
    order = [*reversed(jobs), *(name for name in begun if name not in jobs)]  # newest first
    order = [name for name in order if name in begun or not progress.was_cleared(jobs[name])]
    if not order:
        _nothing_yet(target, data)
        return
    titles = {one: _title(target, one) for one in order}
    with st.container(horizontal=True, vertical_alignment="bottom", horizontal_alignment="distribute"):
        name = url_state.choose(
            st.selectbox, "Experiment", order, key=CHOSEN, default=order[0], format_func=titles.get, width=420
        )
        with st.popover("New experiment", icon=":material/add_circle:"):
            asking.form(target, data)
    if name in jobs:
        _follow(target, name, jobs[name])
    if name in begun:
        _results(name, or_stop(ablate.read, target, name))


def _jobs(target: DatasetTarget) -> dict[str, AnalysisFolder]:
    """Experiment -> its job, the oldest first; one of a kind that is not known here is passed over."""
    found = {}
    for job in reversed(list_for(target, ablate.NAME)):
        try:
            found[ablate.name_of(job.options())] = job
        except LandslideLensError:
            continue
    return found


def _nothing_yet(target: DatasetTarget, data: Dataset) -> None:
    with st.container(border=True):
        st.header("No experiment on this dataset yet", icon=":material/experiment:", anchor=False)
        st.markdown(
            "An experiment trains a set of runs that differ in one thing, on the same folds, and says which "
            "differences are real: how much of a network to unfreeze, what each step of a recipe is worth, which "
            "backbone."
        )
        asking.form(target, data)


def _title(target: DatasetTarget, name: str) -> str:
    """What an experiment is called in the list: its title and budget, with the end of its name."""
    try:
        table = ablate.read(target, name)
    except LandslideLensError:
        table = None
    if table is None:
        return name
    return f"{table['title']}, {table['budget']} budget [{name[-4:]}]"


def _follow(target: DatasetTarget, name: str, job: AnalysisFolder) -> None:
    """Progress while it runs; the page is drawn anew whenever a row has ended."""
    if progress.watch(job):
        st.fragment(_watch_rows, run_every=REFRESH_S)(target, name, _ended(target, name))


def _watch_rows(target: DatasetTarget, name: str, ended: int) -> None:
    if _ended(target, name) != ended:
        st.rerun()


def _ended(target: DatasetTarget, name: str) -> int:
    try:
        table = ablate.read(target, name)
    except LandslideLensError:
        return 0
    return 0 if table is None else sum(row["state"] != "waiting" for row in table["rows"])


def _results(name: str, table: dict[str, Any]) -> None:
    done = figures.finished(table)
    st.markdown(f"**{escape_markdown(sentence(table))}**")
    if done:
        downloads.show(figures.drawn(table), key="experiment_figure")
        st.caption(_basis(table, done))
    downloads.table(tables.shown(table), hide_index=True, width="stretch", height="content")
    for row in table["rows"]:
        if row["state"] == "failed":
            reason = f"{escape_markdown(row['title'])} was not trained: {escape_markdown(row['reason'])}"
            st.warning(reason, icon=":material/error:")
    if table["full"].get("sentence"):
        st.caption(escape_markdown(table["full"]["sentence"]))
    with st.expander("How this was measured", icon=":material/info:"):
        st.markdown(escape_markdown(table["summary"]))
        st.markdown(
            "Every row is a run of its own, on the same patches and folds; it is among the dataset's runs under the "
            "name of its row. Differences to the baseline are paired: both rows on the same bootstrap samples of whole "
            "groups. p is corrected for the number of rows (Holm): below 0.05 the difference holds for all rows "
            "together. "
            + (
                f"Each row was trained with {table['seeds']} seeds: a difference must hold for other trainings as well."
                if table["seeds"] > 1
                else "One training of each row: variation from retraining is not in the intervals (set Seeds to 3 to "
                "see it)."
            )
        )
        for text in dict.fromkeys(text for row in done for text in row["warnings"]):
            st.caption(escape_markdown(text))
    with st.container(horizontal=True):
        downloads.download(tables.flat(table), name, "Table (CSV)")
        if done and st.button(
            "Open the best row's run", icon=":material/arrow_outward:", type="tertiary", key="experiment_open"
        ):
            best = max(done, key=lambda row: row["oof"]["f1"])
            state.open_view("results", run=best["runs"][0], view="summary")


def _basis(table: dict[str, Any], done: list[dict[str, Any]]) -> str:
    first = done[0]
    judged = f"out of fold over {first['folds']} folds, all folds together"
    if table.get("judged_on"):
        judged = f"those of {escape_markdown(table['judged_on'])}, no network learnt from what it answers"
    words = (
        f"n = {count(first['n'])} patches, {percent(first['positive_share'])} {escape_markdown(table['positive'])}, "
        f"{judged}; 95% bootstrap intervals, "
        f"{'groups kept together' if first['grouped'] else 'patches resampled'}."
    )
    return f"{words} {escape_markdown(table['reduced'])}".strip()
