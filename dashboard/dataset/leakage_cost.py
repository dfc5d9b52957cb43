"""What a leaking split costs, measured in the background: F1 with and without grouping, and the difference."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.config import FoldsConfig
from core.data.leakage.split_audit import Leaks
from core.data.store import Dataset
from core.errors import LandslideLensError
from dashboard import state, theme
from dashboard.charts import intervals
from dashboard.dataset import check_task, leakage_charts
from dashboard.jobs import background
from dashboard.ui import downloads
from dashboard.ui.formatting import escape_markdown

PROBE_WORDS = {
    "stats_logreg": "Logistic regression",
    "stats_svm": "SVM",
    "stats_nearest": "Nearest neighbour",
}


def cost(data: Dataset, found: Leaks) -> None:
    """The comparison, or the button that makes it."""
    st.subheader("F1 with and without grouping", anchor=False)
    task = background.newest(state.checkpoints(), _kind(data))
    if task is not None and (task.running or task.result is None):
        st.fragment(_follow, run_every=1 if task.running else None)(data, task.running)
    if task is not None and task.running:
        return
    if task is not None and task.result is not None:
        _show(data, task.result)
        return
    st.markdown(
        "Classifiers on band statistics are judged twice on the same patches: under folds that ignore groups and "
        "pairs, and under folds that keep the same ground together. The difference is what a leak adds to a score."
    )
    if st.button("Measure it", icon=":material/balance:", key="cost_begin"):
        try:
            begin(data, found)
        except LandslideLensError as error:
            st.error(escape_markdown(error), icon=":material/error:")
            return
        st.rerun()


def begin(data: Dataset, found: Leaks) -> background.Task:
    """Measure it in the background."""
    labels = check_task.labels_that_count(data)

    def work(task: background.Task) -> pd.DataFrame:
        from core.analyses.leakage import inflation

        rows = inflation(
            data, found.pairs, FoldsConfig(), labels, progress=lambda share, text: task.step(share, 1.0, text)
        )
        return pd.DataFrame([row.to_dict() for row in rows])

    task = background.start(state.checkpoints(), _kind(data), f"Judging {data.name} under both kinds of folds", work)
    return task


def _kind(data: Dataset) -> str:
    return f"leak cost {data.content_hash} {len(check_task.excluded_ids(data))}"


def _follow(data: Dataset, was_running: bool) -> None:
    task = background.newest(state.checkpoints(), _kind(data))
    if task is None or (was_running and not task.running):
        st.rerun()
    if task.running:
        background.show_progress(task, "", "cost")
    elif task.error:
        st.info(escape_markdown(task.error), icon=":material/info:")
    elif task.cancelled:
        st.warning("The comparison was cancelled.", icon=":material/cancel:")


def sentence(rows: pd.DataFrame) -> tuple[str, str]:
    """(severity, words): what ignoring the groups adds to F1, for the classifier that gains most for sure."""
    f1 = rows[rows["metric"] == "f1"]
    sure = f1[f1["lo"] > 0]
    if len(sure):
        most = sure.loc[sure["difference"].idxmax()]
        return "warning", (
            f"Folds that ignore what belongs together flatter: {PROBE_WORDS.get(most['head'], most['head'])} scores "
            f"F1 {most['leaking']:.3f} instead of {most['honest']:.3f}, {most['difference']:+.3f} too much "
            f"(95 % interval {most['lo']:+.3f} to {most['hi']:+.3f})."
        )
    low, high = f1["lo"].min(), f1["hi"].max()
    return "ok", (
        "No difference that is sure: the intervals of all classifiers hold 0 "
        f"(together {low:+.3f} to {high:+.3f}), so folds that ignore groups and pairs do not visibly flatter here."
    )


def _show(data: Dataset, rows: pd.DataFrame) -> None:
    severity, words = sentence(rows)
    getattr(st, {"ok": "success"}.get(severity, severity))(escape_markdown(words), icon=theme.SEVERITY[severity][1])
    f1 = rows[rows["metric"] == "f1"].assign(title=lambda t: t["head"].map(PROBE_WORDS).fillna(t["head"]))
    grid = st.grid(2, min_column_width=340, gap="medium")
    with grid.cell():
        downloads.show(leakage_charts.leaking_and_honest(f1, "F1"), key="cost_f1")
    with grid.cell():
        named = list(f1[["title", "difference", "lo", "hi"]].itertuples(index=False, name=None))
        downloads.show(
            intervals.differences(named, "F1 gained by ignoring groups, 95 % interval"), key="cost_difference"
        )
    first = f1.iloc[0]
    st.caption(
        f"{int(first['n']):,} labelled patches in {int(first['n_groups']):,} groups of {escape_markdown(data.name)}, out of "
        f"{FoldsConfig().n_splits} folds, three draws pooled; classifiers on band statistics, thresholds learnt on the "
        "other folds. Intervals: paired bootstrap over whole groups. The nearest neighbour remembers what it has seen "
        "and so gains most from a leak."
    )
    downloads.download(rows, f"{data.name}_leak_cost", "Scores with and without grouping")
