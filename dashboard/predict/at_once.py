"""Questions to the process that keeps networks loaded, without holding the page up while it answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st

from core.errors import LandslideLensError
from dashboard.jobs import model_client
from dashboard.ui.messages import show_error

POLL_S = 0.4


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
    st.fragment(_poll, run_every=POLL_S)(dict(request), waiting)


def _poll(request: dict[str, Any], waiting: str) -> None:
    try:
        ready = model_client.models().later(request) is not None
    except LandslideLensError as error:
        show_error(error)
        return
    if ready:
        st.rerun()
    st.caption(f":material/hourglass_top: {waiting}")
