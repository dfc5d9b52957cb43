"""The switch between the views of a page; the view is in the URL, so that a link reopens it."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from dashboard import state, url_state

PAUSE_S = 0.3  # for the browser to draw the short page
_FROM_WITHIN, _WAITED = "view_from_within", "view_waited"


def view_switch(page: str, views: Mapping[str, str], default: str) -> str:
    """Draw it and return the chosen view's name. views: name -> label, with an icon if it has one.

    The URL names the view as ``<page>_view``; so does the session. Whoever led here with ``state.open_view`` may have
    asked for one.
    """
    key = f"{page}_view"
    from_within = st.session_state.pop(_FROM_WITHIN, None) == page
    if (asked := state.asked_view(page)) in views:
        url_state.read_query_param(key, list(views), default)
        st.session_state[key] = asked
    view = url_state.choose(
        st.segmented_control, "View", list(views), key=key, default=default, required=True, format_func=views.get,
        wrap=True, label_visibility="collapsed", width="content",
    )  # fmt: skip
    if from_within:
        st.session_state[_WAITED] = False
        st.fragment(_draw_on, run_every=PAUSE_S)()
        st.stop()
    return view


def open_from_within(page: str, view: str) -> None:
    """Callback of a button far down on ``page``: open another view of it, and that from its top.

    A page keeps its place when it is drawn anew, and the new view would open in its middle. So the page is short for a
    moment, which brings the reader to its top.
    """
    st.session_state[f"{page}_view"], st.session_state[_FROM_WITHIN] = view, page


def _draw_on() -> None:
    if st.session_state.get(_WAITED):
        st.rerun()
    st.session_state[_WAITED] = True
