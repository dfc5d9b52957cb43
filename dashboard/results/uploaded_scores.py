"""Probabilities from a CSV, judged like a run's: story, scores, threshold, curves, calibration, the desk.

Comes in: an upload, which is read in memory limits and never kept. Reading it, and setting aside what cannot be judged,
is ``core.data.scores_csv``'s.
"""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path

import pandas as pd
import streamlit as st

from core.data.scores_csv import Columns, ScoreTable, column_names, read_scores
from core.errors import DataError, LandslideLensError
from dashboard.results import calibration, curves, decision_summary, metrics, predictions, risk_control, threshold
from dashboard.results.predictions import Scored
from dashboard.ui import downloads
from dashboard.ui.formatting import escape_markdown

UPLOAD, KEPT = "csv_upload", "csv_kept"
MAX_MB = 20
FIELDS = {"id": "Id", "label": "Label", "prob": "Probability", "fold": "Fold", "group": "Group"}
AUTO = "(by its name)"
VIEWS = {
    "scores": "Scores", "threshold": "Threshold", "curves": "Curves", "calibration": "Calibration",
    "desk": "Recall first",
}  # fmt: skip


def csv_view() -> None:
    """The view."""
    found = _uploaded()
    if found is None:
        st.info(
            "A row a patch: id, label (0 or 1, or class names) and probability; fold and group where there are any. "
            "Without folds five are drawn, groups kept together, so that a threshold is judged on patches that did not "
            "choose it. The file is read in this session only and is not kept.", icon=":material/upload_file:",
        )  # fmt: skip
        return
    table, key = found
    _read(table)
    of = predictions.of_csv(table, key)
    decision_summary.missing_class(of)
    decision_summary.story(of, of.standing)
    view = st.segmented_control(
        "View", list(VIEWS), default="scores", required=True, format_func=VIEWS.get, key="csv_view", wrap=True,
        label_visibility="collapsed",
    )  # fmt: skip
    draw(of, view)


def draw(of: Scored, view: str) -> None:
    """One of ``VIEWS``."""
    if view == "scores":
        metrics.scores_view(of, None)
    elif view == "threshold":
        threshold.threshold_view(of, None, None)
    elif view == "curves":
        curves.curves_view(of)
    elif view == "calibration":
        calibration.calibration_view(of)
    else:
        risk_control.desk_view(of)


def _uploaded() -> tuple[ScoreTable, str] | None:
    """The table of the upload of this session, and its key; None where there is none or it cannot be used."""
    words = f"CSV of probabilities, at most {MAX_MB} MB"
    file = st.file_uploader(words, type="csv", key=UPLOAD, max_upload_size=MAX_MB)
    if file is not None:
        st.session_state[KEPT] = (file.name, file.getvalue())  # outlives a look at another page
    elif KEPT in st.session_state and st.button("Forget this file", icon=":material/delete:", key="csv_forget"):
        st.session_state.pop(KEPT)
    if KEPT not in st.session_state:
        return None
    name, content = st.session_state[KEPT]
    try:
        if len(content) > MAX_MB * 2**20:
            raise DataError(f"{name[:80]} has more than {MAX_MB} MB. Leave out columns that are not needed.")
        columns = _columns(content, name)
        positive = st.session_state.get("csv_positive") or None
        return _table(content, name, columns, positive), _key(content, columns, positive)
    except LandslideLensError as error:
        st.error(escape_markdown(error), icon=":material/broken_image:")
        return None


def _key(content: bytes, columns: Columns, positive: str | None) -> str:
    return f"csv {hashlib.sha256(content).hexdigest()} {columns} {positive}"


def _columns(content: bytes, name: str) -> Columns:
    """The columns chosen; by their names where nothing is."""
    names = _names(content, name)
    with st.expander("Columns and positive class", icon=":material/tune:"):
        chosen = {}
        with st.container(horizontal=True):
            for field, title in FIELDS.items():
                picked = st.selectbox(title, [AUTO, *names], key=f"csv_column_{field}", width=170)
                chosen[field] = None if picked not in names else picked
            st.text_input("Positive class", key="csv_positive", placeholder="landslide, or 1", width=170, max_chars=100)
    return Columns(**chosen)


@st.cache_data(max_entries=4, show_spinner=False)
def _names(content: bytes, name: str) -> tuple[str, ...]:
    return _from_file(content, name, column_names)


@st.cache_data(max_entries=4, show_spinner="Reading the table…")
def _table(content: bytes, name: str, columns: Columns, positive: str | None) -> ScoreTable:
    return _from_file(content, name, lambda path: read_scores(path, columns, positive))


def _from_file(content: bytes, name: str, read):
    """``read`` a temporary file of a safe name that is gone afterwards."""
    from core.io.safe_paths import slug

    with tempfile.TemporaryDirectory(prefix="scores-") as folder:
        path = Path(folder) / slug(Path(name).name)
        path.write_bytes(content)
        return read(path)


def _read(found: ScoreTable) -> None:
    """What was read, and what was set aside."""
    table = found.table
    parts = [f"**{escape_markdown(found.name)}**: {len(table):,} patches, {int(table['label'].sum()):,} "
             f"{escape_markdown(found.class_names[1])}, {table['fold'].nunique()} folds"]  # fmt: skip
    parts.append(" drawn here (seed 0)" if found.drawn else f" (column {escape_markdown(found.columns.fold)})")
    st.markdown("".join(parts))
    for note in found.notes:
        st.warning(escape_markdown(note), icon=":material/warning:")
    if len(found.aside):
        with st.expander(f"{len(found.aside):,} rows set aside", icon=":material/rule:"):
            st.dataframe(found.aside.head(500).rename(columns={"what": "Where", "why": "Why"}), hide_index=True,
                         width="stretch")  # fmt: skip
            downloads.download(pd.DataFrame(found.aside), f"{found.name}_aside", "Rows set aside (CSV)")
