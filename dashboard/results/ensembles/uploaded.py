"""Uploaded CSVs of probabilities: their columns, and what is read from them; kept in this session only."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.data.scores_csv import column_names
from core.ensembles.answers_csv import read_answers
from core.errors import LandslideLensError
from dashboard.results.sources.uploaded_scores import from_file
from dashboard.ui.formatting import escape_markdown
from dashboard.ui.messages import show_error

MAX_MB = 50
AUTO = "(automatic)"


def column(file, key: str) -> str | None:
    """The column of the probabilities that is chosen for an upload; None: recognised by its name."""
    try:
        names = _names(file.getvalue(), file.name)
    except LandslideLensError as error:
        show_error(error)
        return None
    picked = st.selectbox(f"Probabilities in {escape_markdown(file.name[:80])}", [AUTO, *names], key=key, width=360)
    return None if picked not in names else picked


@st.cache_data(max_entries=16, show_spinner=False)
def answers(content: bytes, name: str, column: str | None) -> pd.DataFrame:
    """As ``core.ensembles.answers_csv.read_answers``, of an upload."""
    return from_file(content, name, lambda path: read_answers(path, column))


@st.cache_data(max_entries=16, show_spinner=False)
def _names(content: bytes, name: str) -> tuple[str, ...]:
    return from_file(content, name, column_names)
