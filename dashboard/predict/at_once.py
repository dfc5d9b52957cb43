"""Questions to the process that keeps networks loaded, without holding the page up while it answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st

from core.errors import LandslideLensError
from dashboard.jobs import model_client
from dashboard.ui.messages import show_error

POLL_S = 0.4
_LATEST = "asked_at_once"


def ask(request: Mapping[str, Any], waiting: str, show: Callable[[dict[str, Any]], None]) -> None:
    """Draw ``show(answer)`` as soon as the answer is there; until then ``waiting``, and where there is none, why."""
    try:
        answer = model_client.models().later(request)
    except LandslideLensError as error:
        show_error(error)
        return
    if answer is not None:
        show(answer)
        return
    st.session_state[_LATEST] = dict(request)
    link = {name: st.query_params.get_all(name) for name in st.query_params}
    st.fragment(_poll, run_every=POLL_S)(dict(request), waiting, link)


def _poll(request: dict[str, Any], waiting: str, link: dict[str, list[str]]) -> None:
    try:
        ready = model_client.models().later(request) is not None
    except LandslideLensError as error:
        show_error(error)
        return
    if ready and st.session_state.get(_LATEST) == request:
        st.query_params.from_dict(link)  # this part may have been drawn by a browser whose address was older
        st.rerun()
    st.caption(f":material/hourglass_top: {waiting}")
