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
    url_state.read_query_param(key, list(views), default)
    if (asked := state.asked_view(page)) in views:
        st.session_state[key] = asked
    if st.session_state.get(key) not in views:  # the choice of another run, which has more views
        st.session_state[key] = default
    view = st.segmented_control(
        "View", list(views), required=True, format_func=views.get, key=key, wrap=True, label_visibility="collapsed",
        width="content",
    )  # fmt: skip
    url_state.write_query_param(key, view, default)
    return view
