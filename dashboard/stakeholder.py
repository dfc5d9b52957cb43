"""The view for people who decide and do not train: large type, no jargon, nothing that changes anything.

``?mode=stakeholder`` in the URL turns it on for a session, whatever page is opened; a new session without it has the
whole dashboard. What such a session asks for is refused by ``core.access``, as a viewer's is, and is not offered.
"""

from __future__ import annotations

from urllib.parse import urlencode

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from core.access import ROLES, Actor

PARAM, MODE = "mode", "stakeholder"
_ON = "stakeholder_mode"
WHY = "this link shows the result and changes nothing"


def settle() -> None:
    """Read the URL, once a draw, before anything else is drawn; a session that began so stays so."""
    if st.query_params.get(PARAM) == MODE:
        st.session_state[_ON] = True
    elif is_on():
        st.query_params[PARAM] = MODE


def is_on() -> bool:
    """Whether this session is for stakeholders."""
    return bool(st.session_state.get(_ON))


def lowered(actor: Actor) -> Actor:
    """Who acts in a session for stakeholders: whoever it is, nobody who may do more than look."""
    if get_script_run_ctx(suppress_warning=True) is None or not is_on() or not ROLES[actor.role] > ROLES["viewer"]:
        return actor
    return Actor(actor.name, "viewer", WHY)


def link(**chosen: str | None) -> str:
    """Where this view of a dataset and a run is, relative to the dashboard's address."""
    return "/?" + urlencode({PARAM: MODE, **{key: value for key, value in chosen.items() if value}})
