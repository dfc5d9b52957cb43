"""Narrow windows: tables as cards, one a row, where a table would have to be pushed about under a thumb.

The browser alone knows the width of its window; ``dashboard.ui.browser_window`` tells it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from dashboard.ui.formatting import count, escape_markdown, number

WIDTH = 640  # px
KEY = "window"  # of the browser's answer in the session
MOST_CARDS = 25
NOTHING = "–"


def is_narrow() -> bool:
    """Whether the viewer's window is narrower than ``WIDTH``."""
    return bool((st.session_state.get(KEY) or {}).get("narrow"))


def cards(table: pd.DataFrame, column_config: Mapping[str, Any] | None = None) -> None:
    """The first rows, a card each: the first column is its title, each further one a line. No HTML, no links."""
    config = column_config or {}
    if not isinstance(table.index, pd.RangeIndex):
        table = table.reset_index()
    columns = [name for name in table.columns if config.get(name, "") is not None]
    for _, row in table.head(MOST_CARDS).iterrows():
        with st.container(border=True, gap=None):
            for place, name in enumerate(columns):
                words = escape_markdown(in_words(row[name], _format(config.get(name))))
                label = escape_markdown(_label(name, config.get(name)))
                st.markdown(f"**{words}**" if place == 0 else f":gray[{label}] {words}")
    if len(table) > MOST_CARDS:
        st.caption(f"The first {MOST_CARDS} of {len(table):,}; a wider window shows all.")


def in_words(value: object, form: str | None = None) -> str:
    """A cell as text. form: of printf, as in ``st.column_config``."""
    if isinstance(value, list | tuple):
        return ", ".join(map(in_words, value)) or NOTHING
    if value is None or pd.isna(value) or value == "":
        return NOTHING
    if isinstance(value, pd.Timestamp):
        return f"{value.day} {value:%b %Y, %H:%M}"
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, int | float | np.number):
        if form and "%" in form:
            return form % value
        return count(value) if float(value).is_integer() else number(value)
    return str(value)


def _label(name: object, config: object) -> str:
    given = config if isinstance(config, str) else config.get("label") if isinstance(config, dict) else None
    return str(given or name)


def _format(config: object) -> str | None:
    found = (config.get("type_config") or {}).get("format") if isinstance(config, dict) else None
    return found if isinstance(found, str) else None
