"""What a leaking split adds to scores: F1 with and without grouping, and the difference."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.analyses.datasets.leakage import ANALYSIS, Leakage, read
from core.analyses.datasets.state import is_current
from core.data.store import Dataset
from core.runs.targets import DatasetTarget
from core.text import difference, interval
from dashboard import cache, state, theme
from dashboard.charts import intervals
from dashboard.dataset import leakage_charts
from dashboard.jobs import analyses
from dashboard.ui import downloads
from dashboard.ui.formatting import escape_markdown
from dashboard.ui.guards import or_stop

NAME = ANALYSIS.name

PROBE_WORDS = {
    "stats_logreg": "Logistic regression",
    "stats_svm": "SVM",
    "stats_nearest": "Nearest neighbour",
}


def cost(data: Dataset) -> None:
    """The comparison, and the form that makes it."""
    st.header("Effect of leakage on scores", anchor=False)
    target = cache.dataset_target(data.path, state.checkpoints())
    under_way = analyses.follow(target, NAME)
    found = or_stop(lambda: read(target))
    measured = found is not None and (found.report["inflation"] or found.report["inflation_note"])
    if measured:
        if not or_stop(lambda: is_current(found.report, data)):
            st.caption("Showing results from before the last change.")
        if found.report["inflation_note"]:
            st.info(escape_markdown(found.report["inflation_note"]), icon=":material/info:")
        if found.report["inflation"]:
            _show(data, found)
    if under_way:
        return
    if measured:
        with st.expander("Measure again"):
            _form(data, target)
    else:
        st.markdown(
            "Simple classifiers are scored twice on the same patches: with folds that ignore groups and pairs, and "
            "with folds that keep the same ground together. The difference is what leakage adds to a score."
        )
        _form(data, target)


def _form(data: Dataset, target: DatasetTarget) -> None:
    choices = {"group_by": ["groups", "block", "duplicates", *data.columns]}
    analyses.options_form(
        target, NAME, "Measure", hidden=("run", "leaking_run", "scores"), choices=choices, key="leakage_scores"
    )


def sentence(rows: pd.DataFrame) -> tuple[str, str]:
    """(severity, sentence): what ignoring the groups adds to F1, for the classifier with the largest certain gain."""
    f1 = rows[rows["metric"] == "f1"]
    certain = f1[f1["lo"] > 0]
    if len(certain):
        most = certain.loc[certain["difference"].idxmax()]
        return "warning", (
            f"Folds that ignore groups inflate scores: {PROBE_WORDS.get(most['head'], most['head'])} reaches F1 "
            f"{most['leaking']:.3f} instead of {most['honest']:.3f}, which is {difference(most['difference'])} "
            f"(95% interval {interval((most['lo'], most['hi']), signed=True)})."
        )
    together = interval((f1["lo"].min(), f1["hi"].max()), signed=True)
    return "ok", f"No significant difference: the intervals of all classifiers include 0 (together {together})."


def _show(data: Dataset, found: Leakage) -> None:
    rows, options = found.scores, found.report["options"]
    severity, words = sentence(rows)
    getattr(st, {"ok": "success"}.get(severity, severity))(escape_markdown(words), icon=theme.SEVERITY[severity][1])
    f1 = rows[rows["metric"] == "f1"].assign(title=lambda t: t["head"].map(PROBE_WORDS).fillna(t["head"]))
    grid = st.grid(2, min_column_width=340, gap="medium")
    with grid.cell():
        downloads.show(leakage_charts.leaking_and_honest(f1, "F1"), key="cost_f1")
    with grid.cell():
        named = list(f1[["title", "difference", "lo", "hi"]].itertuples(index=False, name=None))
        downloads.show(
            intervals.differences(named, "F1 gained by ignoring groups, 95% interval"), key="cost_difference"
        )
    first = f1.iloc[0]
    st.caption(
        f"{int(first['n']):,} labelled patches of {escape_markdown(data.name)} in {int(first['n_groups']):,} groups; "
        f"{options['n_splits']}-fold cross-validation, 95% intervals.",
        help="Classifiers on band statistics; thresholds are chosen on the other folds. Three draws of the folds are "
        "pooled. Intervals: paired bootstrap over whole groups. The nearest neighbour remembers every training patch, "
        "so it gains most from leakage.",
    )
    downloads.download(rows, f"{data.name}_leak_cost", "Scores with and without grouping")
