"""Whether a probability means what it says: reliability diagram, ECE, Brier score, and three ways to calibrate."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from core.errors import LandslideLensError
from core.evaluate.calibration.calibrators import METHODS, Calibrated
from core.evaluate.calibration.reliability import Reliability, reliability
from core.evaluate.prevalence import shifted
from dashboard import url_state
from dashboard.results import charts
from dashboard.results.charts import METHOD_WORDS
from dashboard.results.predictions import Predictions
from dashboard.ui import downloads
from dashboard.ui.formatting import escape_markdown, interval, number

COLUMNS = {"ece": "ECE", "brier": "Brier", "log_loss": "Log loss", "auc": "AUC"}
MARKS = (0.5, 0.9, 0.99)  # probabilities that are restated at another share of landslides
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
        st.markdown(
            f"Each method is fitted on the other {predictions.parts_word}. ECE: mean gap of predicted and observed "
            "shares, 15 bins of equal width. Brier: mean squared distance to the label. Lower is better for both, and "
            "for log loss. AUC depends on the order only; it may change because every fold has its own scaling. "
            "Points: 95% intervals of the observed share, groups kept together."
        )
        with st.container(horizontal=True):
            downloads.download(compared(rows, False), f"{predictions.name}_calibration", "Calibrations (CSV)")
            downloads.download(points_table(drawn), f"{predictions.name}_reliability", "Reliability diagram (CSV)")


def sentence(rows: list[Calibrated], positive: str) -> str:
    """Which method is best, and how far off the probabilities are without any."""
    known = {row.method: row for row in rows if not row.reason and np.isfinite(row.values["brier"])}
    if "none" not in known:
        return "Calibration is undefined for these patches."
    raw, best = known["none"], min(known.values(), key=lambda row: row.values["brier"])
    words = (
        f"Probabilities of {escape_markdown(positive)} are off by {100 * raw.values['ece']:.1f} percentage points on "
        "average (ECE)."
    )
    if best is raw:
        return f"{words} No calibration method lowers the Brier score."
    gain = raw.values["brier"] - best.values["brier"]
    bounds = raw.intervals.get("brier", (np.nan, np.nan))
    caveat = ", a gain smaller than the score's own interval" if gain < bounds[1] - bounds[0] else ""
    return (
        f"{words} {METHOD_WORDS[best.method]} calibration lowers the Brier score from {number(raw.values['brier'])} to "
        f"{number(best.values['brier'])}{caveat}."
    )


def elsewhere(predictions: Predictions) -> str:
    """What a calibrated probability means at the stated share of landslides, in Markdown."""
    own, there = float(predictions.labels.mean()), predictions.prevalence
    if not 0 < own < 1:
        return ""
    moved = shifted(np.array(MARKS), own, there)
    words = ", ".join(f"{mark:g} means **{number(value)}**" for mark, value in zip(MARKS, moved, strict=True))
    return (
        f"These probabilities are calibrated for {1000 * own:.0f} {escape_markdown(predictions.positive)} patches per "
        f"1,000. With {1000 * there:.3g} per 1,000, {words}. Predictions list both."
    )


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
