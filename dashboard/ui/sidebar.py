"""The sidebar: the dataset and run that every page shows."""

from __future__ import annotations

from datetime import datetime

import streamlit as st

from dashboard import state, theme
from dashboard.ui.formatting import escape_markdown
from dashboard.ui.guards import run_state


def sidebar() -> None:
    """The dataset and run pickers, on every page; what they hold is in the URL as well."""
    choice = state.choose()
    with st.sidebar:
        _picker("Dataset", list(choice.datasets), state.DATASET)
        _picker("Run", [run.name for run in choice.runs], state.RUN)
        if choice.run_folder:
            state_badge(run_state(choice.run_folder)["state"])
            st.caption(escape_markdown(run_title(choice.run_folder.name)))
        _newer(choice)
        for note in state.notes():
            st.warning(f"{escape_markdown(note)} Showing the newest one instead.", icon=":material/link_off:")
    state.mend_link()


def _newer(choice: state.Choice) -> None:
    """Offers the newest run of the dataset where another is shown because that one has not finished."""
    newest = next(iter(choice.runs), None)
    if newest is None or newest.name == choice.run:
        return
    how = run_state(newest)["state"]
    if how != "succeeded":
        label = f"Newest run: {how}"
        if st.button(label, icon=theme.state_look(how)[1], key="open_newest", type="tertiary",
                     help=escape_markdown(run_title(newest.name))):  # fmt: skip
            state.open_view("train", run=newest.name, view="follow")


def _picker(label: str, options: list[str], key: str) -> None:
    """A select box that always holds one of its options. The label is drawn by itself, without "(required)"."""
    with st.container(gap="xxsmall"):
        st.caption(label)
        st.selectbox(
            label,
            options,
            index=None,  # no default: whatever is chosen is written into the URL
            key=key,
            label_visibility="collapsed",
            placeholder="None yet",
            disabled=not options,
            required=True,
            bind="query-params",
        )


def run_title(name: str) -> str:
    """What a run's name says: when it began and with which backbone; the name itself where it was given by hand."""
    stamp, _, rest = name.partition("_")
    try:
        began = datetime.strptime(stamp, "%Y%m%d-%H%M%S")
    except ValueError:
        return name
    return f"{began.day} {began:%b %H:%M} UTC, {rest.rpartition('_')[0]}"


def state_badge(name: str) -> None:
    """A run's state as a small coloured label."""
    colour, icon = theme.state_look(name)
    st.badge(escape_markdown(name), icon=icon, color=colour)
