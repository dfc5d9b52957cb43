"""ROC and precision-recall curves with their areas, and the confusion matrix whose cells open their patches."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import streamlit as st

from core.evaluate.results import HeadResults
from dashboard import state, theme, url_state
from dashboard.charts import scores
from dashboard.results import tables
from dashboard.results.predictions import Predictions
from dashboard.ui import downloads
from dashboard.ui.formatting import escape_markdown, interval, number


def curves_view(predictions: Predictions, oof: pd.DataFrame | None = None, summary: Mapping | None = None) -> None:
    """The view. ``oof``, ``summary``: of the run whose other heads can be shown too."""
    results = predictions.results()
    st.subheader("All thresholds", anchor=False)
    if results.roc.x.size == 0:
        st.info("Both curves need patches of both classes.", icon=":material/info:")
    else:
        _curves(predictions, results, oof, summary)
    st.subheader("Decisions", anchor=False)
    grid = st.grid(2, min_column_width=380, gap="medium")
    with grid.cell():
        _matrix(predictions, results)
    with grid.cell():
        figure = scores.probability_histogram(
            predictions.probs, predictions.labels, predictions.class_names, sorted(set(predictions.table["threshold"]))
        )
        downloads.show(figure, key="curves_histogram")
        st.caption(f"Patches by probability, one colour per class. {_scaling(predictions.head)}")
    st.caption(predictions.basis)
    decided = predictions.table.rename(columns={"prob": "probability", "pred": "called"})
    downloads.download(decided, f"{predictions.name}_decisions", "All decisions (CSV)")


def _curves(predictions: Predictions, results: HeadResults, oof: pd.DataFrame | None, summary: Mapping | None) -> None:
    if oof is None or summary is None:
        precision_recall, roc, share = tables.curves_of(results, predictions.labels)
        heads: tuple[str, ...] = ("probabilities",)
    else:
        heads = tuple(name for name in summary["heads"] if f"prob_{name}" in oof)
        usual = [name for name in dict.fromkeys((predictions.head, "fc", "stats_svm")) if name in heads]
        chosen = url_state.choose_several(
            st.pills, "Heads shown", heads, key="results_curves", default=usual, selection_mode="multi",
            format_func=theme.head_title, wrap=True,
        )  # fmt: skip
        shown = [name for name in heads if name in (chosen or [predictions.head])]
        precision_recall, roc, share = tables.curves(oof, summary, shown)
    grid = st.grid(2, min_column_width=380, gap="medium")
    with grid.cell():
        downloads.show(scores.precision_recall(precision_recall, heads, share, predictions.positive), key="results_pr")
    with grid.cell():
        downloads.show(scores.roc(roc, heads), key="results_roc")
    values, bounds = results.values, results.intervals
    st.caption(
        f"Area under ROC {number(values['auc'])} (95% interval {interval(bounds['auc'])}); average precision "
        f"{number(values['average_precision'])} ({interval(bounds['average_precision'])}). All folds pooled. Dots are "
        "decisions at each fold's own threshold, so they may lie slightly off their curve."
    )
    with st.container(horizontal=True):
        for name, curve, axes in (
            ("roc", results.roc, ("false_alarm_rate", "recall")),
            ("pr", results.pr, ("recall", "precision")),
        ):
            table = pd.DataFrame({axes[0]: curve.x, axes[1]: curve.y, "threshold": curve.threshold})
            downloads.download(table, f"{predictions.name}_{name}", f"{name.upper()} curve (CSV)")


def _matrix(predictions: Predictions, results: HeadResults) -> None:
    cells = results.values["confusion"]
    event = downloads.show(
        scores.confusion_matrix(cells, predictions.class_names), key="results_confusion",
        on_select="rerun" if predictions.head else "ignore", selection_mode="points",
    )  # fmt: skip
    st.caption(f"Positive class: {escape_markdown(predictions.positive)}. Shares are of the true class (row).")
    if not predictions.head:
        return
    picked = [point.get("customdata") for point in (event or {}).get("selection", {}).get("points", [])]
    if picked and picked[0]:
        outcome = picked[0][0] if isinstance(picked[0], list | tuple) else picked[0]
        if outcome in cells_of(cells):
            st.session_state.pop("results_confusion", None)
            state.open_errors(predictions.head, outcome)
    with st.container(horizontal=True):
        for outcome, count in cells_of(cells).items():
            if st.button(
                f"{theme.OUTCOME_WORDS[outcome]}: {count:,}", key=f"matrix_{outcome}", icon=":material/photo_library:",
                disabled=not count, help="Show these patches.",
            ):  # fmt: skip
                state.open_errors(predictions.head, outcome)


def cells_of(cells: Mapping[str, int]) -> dict[str, int]:
    """The matrix by outcome, in reading order."""
    return {outcome: cells[outcome.lower()] for outcome in ("TP", "FN", "FP", "TN")}


def _scaling(head: str) -> str:
    if not head:
        return "Lines: each fold's threshold for the best F1, learnt on the other folds."
    if head == "fc":
        return "Probabilities are the network's softmax."
    if head == "blend":
        return "Log-odds are the mean of those of the network and of the Platt-scaled statistics SVM."
    return "Probabilities are Platt-scaled scores; each fold's scaling is learnt on the other folds."
