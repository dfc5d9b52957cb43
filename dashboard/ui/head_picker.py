"""The classifier head whose decisions are shown: chosen once, in the sidebar, for every page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from core.errors import LandslideLensError
from core.runs.store import RunFolder
from dashboard import theme, url_state
from dashboard.patches.outcomes import heads_of
from dashboard.state import HEAD
from dashboard.ui.formatting import escape_markdown

# Names that the choice had when each page held its own; links made then still work.
FORMER = ("results_head", "errors_head", "explain_head", "explain_occ_head")


def head_picker(run: RunFolder) -> None:
    """The picker, for a finished run with more than one head; nothing for another run.

    At first it holds the head with the run's headline numbers, which is never named in the URL.
    """
    try:
        heads, headline = heads_of(run.oof()), run.summary()["head"]
    except (LandslideLensError, KeyError, TypeError):
        return  # the pages say what is wrong with this run
    if len(heads) < 2:
        return
    _read_former(heads)
    default = headline if headline in heads else heads[0]
    with st.container(gap="xxsmall"):
        st.caption(
            "Classifier head",
            help="Whose decisions every page shows. The headline numbers of a run are those of one head.",
        )
        url_state.choose(
            st.selectbox, "Classifier head", heads, key=HEAD, default=default,
            format_func=lambda head: theme.head_title(head) + (" · headline" if head == headline else ""),
            label_visibility="collapsed",
        )  # fmt: skip


def chosen_head(heads: Sequence[str], summary: Mapping) -> str:
    """The head to show, one of ``heads``: those that this view has results for.

    That is the one chosen in the sidebar; where the view has nothing for it, the run's headline head, or the first, and
    a caption says so. Ends the page where there is no head.
    """
    if not heads:
        st.info("No head of this run has scored a patch.", icon=":material/info:")
        st.stop()
    wanted = st.session_state.get(HEAD, summary["head"])
    if wanted in heads:
        return wanted
    shown = summary["head"] if summary["head"] in heads else heads[0]
    st.caption(
        f"This view has no results for {_title(wanted)}, the head chosen in the sidebar. It shows {_title(shown)}."
    )
    return shown


def _read_former(heads: Sequence[str]) -> None:
    for key in FORMER:
        if (named := st.query_params.get(key)) is None:
            continue
        st.query_params.pop(key)
        if named in heads:
            st.query_params[HEAD] = named
            url_state.forget(HEAD)


def _title(head: str) -> str:
    return escape_markdown(theme.head_title(head))
