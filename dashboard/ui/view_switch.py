"""The switch between the views of a page; the view is in the URL, so that a link reopens it."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from dashboard import state, url_state


def view_switch(page: str, views: Mapping[str, str], default: str) -> str:
    """Draw it and return the chosen view's name. views: name -> label, with an icon if it has one.

    The URL names the view as ``<page>_view``; so does the session. Whoever led here with ``state.open_view`` may have
    asked for one.
    """
    key = f"{page}_view"
    if (asked := state.asked_view(page)) in views:
        url_state.read_query_param(key, list(views), default)
        st.session_state[key] = asked
    return url_state.choose(
        st.segmented_control, "View", list(views), key=key, default=default, required=True, format_func=views.get,
        wrap=True, label_visibility="collapsed", width="content",
    )  # fmt: skip
