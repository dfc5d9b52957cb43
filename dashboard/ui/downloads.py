"""Figures and tables on a page, and how they leave it: pictures, CSV.

A CSV cell that a spreadsheet would run as a formula gets an apostrophe in front. Folds are counted from 1 in CSV files,
as on pages.
"""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from core.io.csv_injection import csv_cell
from dashboard import theme
from dashboard.ui import narrow
from dashboard.ui.alternatives import in_words

PICTURE = "picture_format"  # in the session
PLOT_CONFIG = {"displaylogo": False, "modeBarButtonsToRemove": ["autoScale2d"], "responsive": True}


def show(figure: go.Figure, key: str, **options) -> object:
    """A Plotly figure in the viewer's theme, without the toolbar's advertising; returns a selection where asked.

    Its text alternative is ``alt`` among the options, or written from the figure. Its camera saves a picture named
    after ``key``, in the format of :func:`picture_format`. A large figure may be given as :class:`Sent`, with ``alt``.
    """
    sent = figure if isinstance(figure, Sent) else Sent(figure, dark=st.context.theme.type == "dark")
    saved = {"format": st.session_state.get(PICTURE) or "png", "filename": key, "scale": 2}
    config = PLOT_CONFIG | {"toImageButtonOptions": saved}
    said = options if "alt" in options else {"alt": in_words(figure)} | options
    return st.plotly_chart(sent, key=key, theme="streamlit", config=config, **said)


class Sent(go.Figure):
    """A figure as it is sent to a page of one ground; it can be kept, and drawn again.

    Streamlit asks a figure for its dictionary, and would validate a dictionary.
    """

    def __init__(self, figure: go.Figure, dark: bool) -> None:
        self._sent = theme.as_sent(figure, dark)

    def to_dict(self) -> dict:
        return self._sent


def picture_format() -> None:
    """The choice of what the camera above every figure saves."""
    st.segmented_control(
        "Figures are saved as", ["png", "svg"], default="png", required=True, key=PICTURE, format_func=str.upper,
        help="The camera at the top right of a figure saves it in this format.",
        persist_state="session",
    )  # fmt: skip


def table(data: object, **options) -> object:
    """A table on a page; a cell without a value holds a dash, not "None". options: those of ``st.dataframe``.

    In a narrow window a table that nothing is chosen from is a card for each row.
    """
    if narrow.is_narrow() and isinstance(data, pd.DataFrame) and "on_select" not in options:
        narrow.cards(data, options.get("column_config"))
        return None
    return st.dataframe(data, **{"placeholder": narrow.NOTHING} | options)


def csv_bytes(data: pd.DataFrame) -> bytes:
    """A table as CSV (UTF-8); text that a spreadsheet would run as a formula gets an apostrophe in front."""
    safe = data.copy()
    if "fold" in safe and pd.api.types.is_integer_dtype(safe["fold"]):
        safe["fold"] = safe["fold"].where(safe["fold"] < 0, safe["fold"] + 1)  # -1: in no fold
    for column in safe.columns:
        if not pd.api.types.is_numeric_dtype(safe[column]):
            safe[column] = safe[column].map(csv_cell)
    safe.columns = [csv_cell(str(column)) for column in safe.columns]
    return safe.to_csv(index=False).encode("utf-8")


def download(data: pd.DataFrame | Callable[[], pd.DataFrame], name: str, label: str = "CSV", key: str = "") -> None:
    """A button that downloads a table as ``name``.csv, written when it is pressed; a function is called only then."""
    st.download_button(
        label,
        lambda: csv_bytes(data() if callable(data) else data),
        file_name=f"{name}.csv",
        mime="text/csv",
        icon=":material/download:",
        type="tertiary",
        key=key or f"download_{name}",
        on_click="ignore",
    )
