"""The view for people who decide and do not train: large type, no jargon, nothing that changes anything.

``?mode=stakeholder`` in the URL turns it on for a session, whatever page is opened; the same without it is the whole
dashboard. What may be changed is decided in core: this only leaves out what would be refused.
"""

from __future__ import annotations

import streamlit as st

PARAM, MODE = "mode", "stakeholder"
_ON = "stakeholder_mode"


def settle() -> None:
    """Read the URL, once a draw, before anything else is drawn; a session that began so stays so."""
    if st.query_params.get(PARAM) == MODE:
        st.session_state[_ON] = True
    elif is_on():
        st.query_params[PARAM] = MODE


def is_on() -> bool:
    """Whether this session is for stakeholders."""
    return bool(st.session_state.get(_ON))
