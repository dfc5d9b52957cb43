"""Experiments on a dataset: what was found in a sentence and a figure, the table, progress, and a new one."""

from __future__ import annotations

from typing import Any

import streamlit as st

from core.analyses import ablate
from core.data.store import Dataset
from core.experiments.results import sentence
from dashboard import state
from dashboard.experiments import asking, figures, tables
from dashboard.jobs import run_sets
from dashboard.ui import downloads
from dashboard.ui.formatting import count, escape_markdown, percent


def experiments_view(data: Dataset) -> None:
    """The view: the newest experiment or the chosen one, and a new one."""
    run_sets.view(data, ablate.ANALYSIS, _SHOWN)


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


_SHOWN = run_sets.Shown(
    nothing="An experiment trains a set of runs that differ in one thing, on the same folds, and says which "
    "differences are real: how much of a network to unfreeze, what each step of a recipe is worth, which backbone.",
    icon=":material/experiment:",
    title=lambda table: f"{table['title']}, {table['budget']} budget",
    ended=lambda table: sum(row["state"] != "waiting" for row in table["rows"]),
    form=asking.form,
    results=_results,
)
