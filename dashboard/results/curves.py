"""ROC and precision-recall curves with their areas."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import streamlit as st

from core.evaluate.results import HeadResults
from dashboard import theme, url_state
from dashboard.charts import scores
from dashboard.results import tables
from dashboard.results.predictions import Predictions
from dashboard.ui import downloads
from dashboard.ui.formatting import interval, number


def curves_view(predictions: Predictions, oof: pd.DataFrame | None = None, summary: Mapping | None = None) -> None:
    """Both curves. ``oof``, ``summary``: of the run whose other heads can be shown too."""
    results = predictions.results()
    st.header("All thresholds", anchor=False)
    if results.roc.x.size == 0:
        st.info("Both curves need patches of both classes.", icon=":material/info:")
    else:
        _curves(predictions, results, oof, summary)


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
