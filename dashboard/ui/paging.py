"""Long tables in pages; the page's number is kept and stands in the URL."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from dashboard import url_state
from dashboard.patches import outcomes

MOST_PAGES = 100_000
AHEAD = 2  # pages of pictures that are drawn before they are turned to


def of(table: pd.DataFrame, key: str, size: int) -> tuple[pd.DataFrame, int, int]:
    """The page that is open, its number and how many there are; the number is in the session as ``key``.

    Where a filter has left fewer pages than the one that was open, the last is.
    """
    url_state.read_query_number(key, 1, MOST_PAGES, 1)
    page, st.session_state[key], n_pages = outcomes.page_of(table, st.session_state[key], size)
    return page, st.session_state[key], n_pages


def ahead(table: pd.DataFrame, number: int, size: int) -> list[str]:
    """Ids of the pages after this one, which may be turned to next."""
    return table["id"].iloc[number * size : (number + AHEAD) * size].astype(str).tolist()


def pages(n_pages: int, key: str, **look: object) -> None:
    """The numbers to turn the pages by, after :func:`of`; nothing where there is one page."""
    if n_pages > 1:
        st.pagination(n_pages, key=key, **look)
    url_state.write_query_param(key, st.session_state[key], 1)
