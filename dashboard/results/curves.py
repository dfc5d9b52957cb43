"""ROC and precision-recall curves with their areas, and the confusion matrix whose cells open their patches.

Comes in: a :class:`dashboard.results.predictions.Scored`, and other heads of the same run to draw beside it.
"""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import streamlit as st

from core.evaluate.results import HeadResults
from dashboard import state, theme
from dashboard.charts import scores
from dashboard.results import predictions
from dashboard.results import tables as tables
from dashboard.results.predictions import Scored
from dashboard.ui import downloads
from dashboard.ui.formatting import escape_markdown, interval, number


def curves_view(of: Scored, oof: pd.DataFrame | None = None, summary: Mapping | None = None) -> None:
    """The view. ``oof``, ``summary``: of the run whose other heads may be drawn too."""
    found = predictions.results(of)
    st.subheader("Every threshold", anchor=False)
    if found.roc.x.size == 0:
        st.info("With one class only neither curve is defined.", icon=":material/info:")
    else:
        _curves(of, found, oof, summary)
    st.subheader("What it decides", anchor=False)
    grid = st.grid(2, min_column_width=380, gap="medium")
    with grid.cell():
        _matrix(of, found)
    with grid.cell():
        thresholds = sorted(set(of.table["threshold"]))
        figure = scores.probability_histogram(of.probs, of.labels, of.class_names, thresholds)
        downloads.show(figure, key="curves_histogram")
        st.caption(f"Patches by probability, a colour a class. {_scaling(of.head)}")
    st.caption(of.standing)
    judged = of.table.rename(columns={"prob": "probability", "pred": "called"})
    downloads.download(judged, f"{of.name}_judged", "Every patch, judged (CSV)")


def _curves(of: Scored, found: HeadResults, oof: pd.DataFrame | None, summary: Mapping | None) -> None:
    if oof is None or summary is None:
        precision_recall, roc, share = tables.curves_of(found, of.labels)
        heads: tuple[str, ...] = ("it",)
    else:
        heads = tuple(name for name in summary["heads"] if f"prob_{name}" in oof)
        usual = [name for name in dict.fromkeys((of.head, "fc", "stats_svm")) if name in heads]
        chosen = st.pills(
            "Heads drawn", heads, selection_mode="multi", default=usual, format_func=theme.head_title,
            key=f"results_curves_{of.head}", wrap=True,
        )  # fmt: skip
        shown = [name for name in heads if name in (chosen or [of.head])]
        precision_recall, roc, share = tables.curves(oof, summary, shown)
    grid = st.grid(2, min_column_width=380, gap="medium")
    with grid.cell():
        downloads.show(scores.precision_recall(precision_recall, heads, share, of.positive), key="results_pr")
    with grid.cell():
        downloads.show(scores.roc(roc, heads), key="results_roc")
    values, bounds = found.values, found.intervals
    st.caption(
        f"Area under ROC {number(values['auc'])} (95 % interval {interval(bounds['auc'])}); average precision "
        f"{number(values['average_precision'])} ({interval(bounds['average_precision'])}). All folds pooled. Dots are "
        "the decisions at the folds' own thresholds, so they may lie a little beside their curve."
    )
    with st.container(horizontal=True):
        for name, curve, axes in (
            ("roc", found.roc, ("false_alarm_rate", "recall")),
            ("pr", found.pr, ("recall", "precision")),
        ):
            table = pd.DataFrame({axes[0]: curve.x, axes[1]: curve.y, "threshold": curve.threshold})
            downloads.download(table, f"{of.name}_{name}", f"{name.upper()} curve (CSV)")


def _matrix(of: Scored, found: HeadResults) -> None:
    cells = found.values["confusion"]
    event = downloads.show(
        scores.confusion_matrix(cells, of.class_names), key="results_confusion",
        on_select="rerun" if of.head else "ignore", selection_mode="points",
    )  # fmt: skip
    st.caption(f"Positive class: {escape_markdown(of.positive)}; shares are of the true class (row).")
    if not of.head:
        return
    picked = [point.get("customdata") for point in (event or {}).get("selection", {}).get("points", [])]
    if picked and picked[0]:
        outcome = picked[0][0] if isinstance(picked[0], list | tuple) else picked[0]
        if outcome in cells_of(cells):
            st.session_state.pop("results_confusion", None)
            state.open_errors(of.head, outcome)
    with st.container(horizontal=True):
        for outcome, count in cells_of(cells).items():
            if st.button(
                f"{outcome} {count:,}", key=f"matrix_{outcome}", icon=":material/photo_library:", disabled=not count,
                help=f"Open these patches: {theme.OUTCOME_WORDS[outcome]}",
            ):  # fmt: skip
                state.open_errors(of.head, outcome)


def cells_of(cells: Mapping[str, int]) -> dict[str, int]:
    """The matrix by outcome, in the order in which it is read."""
    return {outcome: cells[outcome.lower()] for outcome in ("TP", "FN", "FP", "TN")}


def _scaling(head: str) -> str:
    if not head:
        return "Lines: each fold's threshold of the best F1, learnt on the other folds."
    if head == "fc":
        return "Probabilities are the network's softmax."
    if head == "blend":
        return "Log-odds are the mean of the network's and of the Platt-scaled statistics SVM's."
    return "Probabilities are Platt scalings of the scores, each fold's learnt on the other folds."
