"""Whether a probability means what it says: reliability diagram, ECE and Brier, and three ways of mending it.

Comes in: a :class:`dashboard.results.predictions.Scored`. Every way is learnt on the other folds (``core.evaluate.calibration.calibrators``).
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from core.errors import LandslideLensError
from core.evaluate.calibration.calibrators import METHODS, Calibrated
from core.evaluate.calibration.reliability import Reliability, reliability
from dashboard.results import charts, predictions
from dashboard.results.charts import METHOD_WORDS
from dashboard.results.predictions import Scored
from dashboard.ui import downloads
from dashboard.ui.formatting import escape_markdown, interval, number

COLUMNS = {"ece": "ECE", "brier": "Brier", "log_loss": "Log loss", "auc": "AUC"}
BINS = {"mass": "as many patches in each", "width": "equally wide"}


def calibration_view(of: Scored) -> None:
    """The view."""
    rows = predictions.calibrations(of)
    st.markdown(sentence(rows, of.positive))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.pills(
            "Drawn", METHODS, selection_mode="multi", default=["none", "platt"], format_func=METHOD_WORDS.get,
            key="calibration_drawn", wrap=True,
        )  # fmt: skip
        kind = st.segmented_control(
            "Bins", list(BINS), default="mass", required=True, format_func=BINS.get, key="calibration_bins"
        )
    grid = st.grid(2, min_column_width=380, gap="medium")
    try:
        drawn = diagrams(of, [row for row in rows if row.method in (chosen or ["none"])], kind)
    except LandslideLensError as error:  # too few patches for any point
        st.warning(escape_markdown(error), icon=":material/warning:")
        return
    with grid.cell():
        downloads.show(charts.reliability(drawn, of.positive), key="calibration_reliability")
    with grid.cell():
        st.caption(
            "Each way is learnt on the other folds. ECE: how far promises are from what happened, 15 bins of equal "
            "width. Brier: mean squared distance to the label. Less is better for both, and for log loss. AUC is of "
            "the order alone; it may move because every fold has its own scaling."
        )
        for row in rows:
            if row.reason:
                st.info(
                    f"{METHOD_WORDS[row.method]} is left out: {escape_markdown(row.reason)}", icon=":material/info:"
                )
    st.dataframe(compared(rows), hide_index=True, width="stretch", height="content")
    st.caption(f"{of.standing} Points: 95 % intervals of the share, groups minded.")
    with st.container(horizontal=True):
        downloads.download(compared(rows, False), f"{of.name}_calibration", "Calibrations (CSV)")
        downloads.download(points_table(drawn), f"{of.name}_reliability", "Reliability diagram (CSV)")


def sentence(rows: list[Calibrated], positive: str) -> str:
    """Which way is best, and whether the probabilities can be taken as they are."""
    known = {row.method: row for row in rows if not row.reason and np.isfinite(row.values["brier"])}
    if "none" not in known:
        return "Calibration is undefined here."
    plain, best = known["none"], min(known.values(), key=lambda row: row.values["brier"])
    words = (
        f"As they are, probabilities of {escape_markdown(positive)} are off by {number(plain.values['ece'])} on average "
        f"(ECE, 95 % interval {interval(plain.intervals.get('ece'))}); Brier {number(plain.values['brier'], 4)}."
    )
    if best is plain:
        return f"{words} No way of scaling makes the Brier score smaller."
    gain = plain.values["brier"] - best.values["brier"]
    bounds = plain.intervals.get("brier", (np.nan, np.nan))
    sure = " That is less than the interval of the score itself." if gain < bounds[1] - bounds[0] else ""
    return (
        f"{words} {METHOD_WORDS[best.method]} scaling brings the Brier score to {number(best.values['brier'], 4)} and "
        f"ECE to {number(best.values['ece'])}.{sure}"
    )


def diagrams(of: Scored, rows: list[Calibrated], kind: str) -> dict[str, Reliability]:
    """The diagram of each way that has one."""
    found = {}
    for row in rows:
        part = np.isfinite(row.probs)
        if part.any():
            groups = None if of.groups is None else of.groups[part]
            found[row.method] = reliability(of.labels[part], row.probs[part], bins=kind, groups=groups)
    return found


def compared(rows: list[Calibrated], rounded: bool = True) -> pd.DataFrame:
    """A row a way: each number with its interval."""
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
    """Every point of the diagram."""
    parts = [pd.DataFrame({"calibration": method} | vars(points)) for method, points in drawn.items()]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=["calibration"])
