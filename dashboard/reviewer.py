"""Who judges: one name on every page of a session, which the browser remembers for the next.

Two browsers, or two profiles of one, are two people.
"""

from __future__ import annotations

import streamlit as st

from core import access
from core.review.entry import MOST_NAME

REVIEWER = "reviewer"  # in the session: the name, on every page that judges
TAKEN = "review_name_taken"  # in the session: the name that was given on a card
_KNOWN = "reviewer_known"  # in the session: there has been a name, so that an empty one was emptied by hand


def reviewer() -> str:
    """The name under which this session judges, of whoever has signed in; "" where none was given."""
    if signed_in := access.actor().name:
        return " ".join(signed_in.split())
    return " ".join(str(st.session_state.get(REVIEWER) or st.session_state.get(TAKEN) or "").split())


def for_browser(kept: object) -> str | None:
    """What the browser is to remember: the name, "" to forget it, None to leave it as it is.

    kept: what it says that it has remembered; taken where this session has had no name yet. Call it before anything
    that asks for the name is drawn.
    """
    if access.actor().name:
        return None  # whoever signs in has a name: the browser's is another matter
    if not reviewer() and not st.session_state.get(_KNOWN) and isinstance(kept, str):
        st.session_state[REVIEWER] = "".join(c for c in kept if c.isprintable())[:MOST_NAME]
    if reviewer():
        st.session_state[_KNOWN] = True
    return reviewer() if st.session_state.get(_KNOWN) else None
