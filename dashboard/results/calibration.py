"""Whether a probability means what it says: reliability diagram, ECE, Brier score, and three ways to calibrate."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from core.errors import LandslideLensError
from core.evaluate.calibration.calibrators import METHODS, Calibrated
from core.evaluate.calibration.reliability import Reliability, reliability
from core.wording import calibration
from core.wording.names import METHOD_WORDS
from dashboard import url_state
from dashboard.results import charts
from dashboard.results.predictions import Predictions
from dashboard.ui import downloads
from dashboard.ui.formatting import MARKDOWN, escape_markdown, interval, number

COLUMNS = {"ece": "ECE", "brier": "Brier", "log_loss": "Log loss", "auc": "AUC"}
BINS = {"mass": "Equal count", "width": "Equal width"}


def calibration_view(predictions: Predictions) -> None:
    """The view. Every way of calibrating is fitted on the other folds."""
    rows = predictions.calibrations()
    st.markdown(f"**{sentence(rows, predictions.positive)}**")
    left, right = st.columns([1, 2], gap="medium")
    with left:
        chosen = url_state.choose_several(
            st.pills, "Calibration methods", METHODS, key="calibration_drawn", default=["none", "platt"],
            selection_mode="multi", format_func=METHOD_WORDS.get, wrap=True,
        )  # fmt: skip
        kind = url_state.choose(
            st.segmented_control, "Bins", list(BINS), key="calibration_bins", default="mass", required=True,
            format_func=BINS.get, wrap=True,
        )  # fmt: skip
        for row in rows:
            if row.reason:
                words = f"{METHOD_WORDS[row.method]} is not available: {escape_markdown(row.reason)}"
                st.info(words, icon=":material/info:")
    try:
        drawn = diagrams(predictions, [row for row in rows if row.method in (chosen or ["none"])], kind)
    except LandslideLensError as error:  # too few patches for any point
        st.warning(escape_markdown(error), icon=":material/warning:")
        return
    with right:
        downloads.show(charts.reliability(drawn, predictions.positive), key="calibration_reliability")
        st.caption(f"{predictions.basis} Points on the dotted line: probabilities mean what they say.")
    downloads.table(compared(rows), hide_index=True, width="stretch", height="content")
    if predictions.prevalence is not None:
        st.markdown(elsewhere(predictions))
    with st.expander("How this was measured", icon=":material/info:"):
        st.markdown(f"Each method is fitted on the other {predictions.parts_word}. {calibration.MEASURED}")
        with st.container(horizontal=True):
            downloads.download(compared(rows, False), f"{predictions.name}_calibration", "Calibrations (CSV)")
            downloads.download(points_table(drawn), f"{predictions.name}_reliability", "Reliability diagram (CSV)")


def sentence(rows: list[Calibrated], positive: str) -> str:
    """``core.wording.calibration.sentence``, as Markdown."""
    return calibration.sentence(rows, positive, MARKDOWN)


def elsewhere(predictions: Predictions) -> str:
    """What a calibrated probability means at the stated share of landslides, in Markdown."""
    own = float(predictions.labels.mean()) if len(predictions.labels) else 0.0
    return calibration.elsewhere(own, predictions.prevalence, predictions.positive, MARKDOWN)


def diagrams(predictions: Predictions, rows: list[Calibrated], kind: str) -> dict[str, Reliability]:
    """The diagram of each method that has one."""
    by_method = {}
    for row in rows:
        part = np.isfinite(row.probs)
        if part.any():
            groups = None if predictions.groups is None else predictions.groups[part]
            by_method[row.method] = reliability(predictions.labels[part], row.probs[part], bins=kind, groups=groups)
    return by_method


def compared(rows: list[Calibrated], rounded: bool = True) -> pd.DataFrame:
    """One row per method: each number with its interval."""
    table = []
    for row in rows:
        cells: dict[str, object] = {"Calibration": METHOD_WORDS[row.method]}
        for name, title in COLUMNS.items():
            low, high = row.intervals.get(name, (np.nan, np.nan))
            if rounded:
                words = interval((low, high))
                cells[title] = number(row.values[name]) + (f" ({words})" if words else "")
            else:
                cells |= {title: row.values[name], f"{title}, low": low, f"{title}, high": high}
        table.append(cells)
    return pd.DataFrame(table)


def points_table(drawn: dict[str, Reliability]) -> pd.DataFrame:
    """Every point of the diagrams."""
    parts = [pd.DataFrame({"calibration": method} | vars(points)) for method, points in drawn.items()]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=["calibration"])
