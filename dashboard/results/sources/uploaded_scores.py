"""Probabilities from a CSV, evaluated like a run's: summary, errors, threshold and safety target, calibration, slices.

The upload is read within memory limits and never kept. ``core.data.scores_csv`` reads it and sets aside unusable rows.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pandas as pd
import streamlit as st

from core.data.scores_csv import Columns, ScoreTable, column_names, read_scores
from core.errors import DataError, LandslideLensError
from dashboard import url_state
from dashboard.results import calibration, curves, errors_by_kind, predictions, slices, summary, threshold
from dashboard.results.predictions import Predictions
from dashboard.results.safety import target
from dashboard.ui import downloads
from dashboard.ui.formatting import escape_markdown
from dashboard.ui.messages import show_error

UPLOAD, KEPT = "csv_upload", "csv_kept"
MAX_MB = 20
T = TypeVar("T")
FIELDS = {"id": "Id", "label": "Label", "prob": "Probability", "fold": "Fold", "group": "Group"}
AUTO = "(automatic)"
VIEWS = {
    "summary": "Summary", "errors": "Errors by kind", "safety": "Threshold and safety target",
    "calibration": "Calibration", "slices": "Slices", "curves": "Curves",
}  # fmt: skip
TEMPLATE = pd.DataFrame(
    {"id": ["patch_1", "patch_2"], "label": [1, 0], "probability": [0.92, 0.08], "fold": [0, 1], "group": ["a", "b"]}
)


def uploaded_scores_view() -> None:
    """The view."""
    uploaded = _uploaded()
    if uploaded is None:
        st.info(
            "One row per patch: id, label (0 or 1, or class names), probability. Optional: fold, group. Without folds, "
            "five are drawn with groups kept together, so that thresholds are evaluated on patches that did not choose "
            "them. The file stays in this session and is not stored.", icon=":material/upload_file:",
        )  # fmt: skip
        downloads.download(TEMPLATE, "template", "Template (CSV)")
        return
    scores, key = uploaded
    _read(scores)
    uploaded_predictions = predictions.of_csv(scores, key)
    summary.header(uploaded_predictions)
    view = url_state.choose(
        st.segmented_control, "View", list(VIEWS), key="csv_view", default="summary", required=True,
        format_func=VIEWS.get, wrap=True, label_visibility="collapsed",
    )  # fmt: skip
    draw(uploaded_predictions, view)


def draw(uploaded: Predictions, view: str) -> None:
    """One of ``VIEWS``."""
    if view == "summary":
        summary.summary_view(uploaded, uploaded.basis, _open_safety)
    elif view == "errors":
        errors_by_kind.errors_view(uploaded, None, None)
    elif view == "safety":
        target.target_view(uploaded)
        st.header("Try a threshold", anchor=False)
        threshold.threshold_view(uploaded, None, None)
    elif view == "calibration":
        calibration.calibration_view(uploaded)
    elif view == "slices":
        slices.slices_view(uploaded, None)
    else:
        curves.curves_view(uploaded)


def _open_safety() -> None:
    st.session_state["csv_view"] = "safety"


def _uploaded() -> tuple[ScoreTable, str] | None:
    """This session's upload and its key; None where there is none or it cannot be used."""
    words = f"CSV of probabilities, at most {MAX_MB} MB"
    file = st.file_uploader(words, type="csv", key=UPLOAD, max_upload_size=MAX_MB)
    if file is not None:
        st.session_state[KEPT] = (file.name, file.getvalue())  # outlives a look at another page
    elif KEPT in st.session_state and st.button("Remove this file", icon=":material/delete:", key="csv_forget"):
        st.session_state.pop(KEPT)
    if KEPT not in st.session_state:
        return None
    name, content = st.session_state[KEPT]
    try:
        if len(content) > MAX_MB * 2**20:
            raise DataError(f"{name[:80]} is larger than {MAX_MB} MB. Leave out columns that are not needed.")
        columns = _columns(content, name)
        positive = st.session_state.get("csv_positive") or None
        return _table(content, name, columns, positive), _key(content, columns, positive)
    except LandslideLensError as error:
        show_error(error, ":material/broken_image:")
        return None


def _key(content: bytes, columns: Columns, positive: str | None) -> str:
    return f"csv {hashlib.sha256(content).hexdigest()} {columns} {positive}"


def _columns(content: bytes, name: str) -> Columns:
    """The chosen columns; recognised by name where none is chosen."""
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
    return from_file(content, name, column_names)


@st.cache_data(max_entries=4, show_spinner="Reading the table…")
def _table(content: bytes, name: str, columns: Columns, positive: str | None) -> ScoreTable:
    return from_file(content, name, lambda path: read_scores(path, columns, positive))


def from_file(content: bytes, name: str, read: Callable[[Path], T]) -> T:
    """What ``read`` makes of a temporary file with a safe name."""
    from core.io.safe_paths import slug

    with tempfile.TemporaryDirectory(prefix="scores-") as folder:
        path = Path(folder) / slug(Path(name).name)
        path.write_bytes(content)
        return read(path)


def _read(scores: ScoreTable) -> None:
    """What was read, and what was set aside."""
    table = scores.table
    parts = [f"**{escape_markdown(scores.name)}**: {len(table):,} patches, {int(table['label'].sum()):,} "
             f"{escape_markdown(scores.class_names[1])}, {table['fold'].nunique()} folds"]  # fmt: skip
    parts.append(" drawn here (seed 0)" if scores.drawn else f" (column {escape_markdown(scores.columns.fold)})")
    st.markdown("".join(parts))
    for note in scores.notes:
        st.warning(escape_markdown(note), icon=":material/warning:")
    if len(scores.aside):
        with st.expander(f"{len(scores.aside):,} rows set aside", icon=":material/rule:"):
            downloads.table(scores.aside.head(500).rename(columns={"what": "Where", "why": "Reason"}), hide_index=True,
                         width="stretch")  # fmt: skip
            downloads.download(pd.DataFrame(scores.aside), f"{scores.name}_aside", "Rows set aside (CSV)")
