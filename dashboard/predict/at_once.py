"""Questions to the process that keeps networks loaded, without holding the page up while it answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import streamlit as st

from core.errors import LandslideLensError
from core.runs.store import RunFolder
from dashboard.jobs import model_client
from dashboard.ui.messages import show_error

POLL_S = 0.4
OWN = "predict_"  # the parameters of this page
_LATEST = "asked_at_once"


def prepare(run: RunFolder, fold: int = 0) -> None:
    """Load a fold's network while the viewer still looks; a failure is told to whoever asks it something."""
    with suppress(LandslideLensError):
        model_client.models().prepare(run, fold)


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
    link = {name: st.query_params.get_all(name) for name in st.query_params if name.startswith(OWN)}
    st.fragment(_poll, run_every=POLL_S)(dict(request), waiting, link)


def _poll(request: dict[str, Any], waiting: str, link: dict[str, list[str]]) -> None:
    try:
        ready = model_client.models().later(request) is not None
    except LandslideLensError as error:
        show_error(error)
        return
    if ready and st.session_state.get(_LATEST) == request:
        _write(link)  # the browser that asked for this part may have had an older address
        st.rerun()
    st.caption(f":material/hourglass_top: {waiting}")


def _write(link: Mapping[str, list[str]]) -> None:
    for name in [one for one in st.query_params if one.startswith(OWN) and one not in link]:
        st.query_params.pop(name, None)
    for name, values in link.items():
        if st.query_params.get_all(name) != values:
            st.query_params[name] = values
