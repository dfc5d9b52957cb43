"""The sidebar: the dataset, run and classifier head that every page shows, and the link to what is seen."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from core.data.store import Dataset
from core.errors import LandslideLensError
from core.runs.labels import label_of, title_of, titles_of
from dashboard import cache, sign_in, state, theme
from dashboard.jobs.announce import announce
from dashboard.ui import run_actions
from dashboard.ui.browser_window import copy_link
from dashboard.ui.formatting import escape_markdown
from dashboard.ui.frame_style import HIDDEN, frame_style, large_type
from dashboard.ui.guards import run_state, simulated_badge
from dashboard.ui.head_picker import head_picker

TITLE = "run_title"  # the visible picker; the session and the URL hold the folder's name


def sidebar() -> None:
    """The pickers, on every page; what they hold is in the URL as well."""
    choice = state.choose()
    run = choice.run_folder
    with st.sidebar:
        with st.container(gap="xxsmall"):
            st.caption("Dataset")
            _bound("Dataset", list(choice.datasets), state.DATASET)
            simulated_badge(_open(choice.dataset_path))
        _run_picker(choice)
        if run:
            with st.container(horizontal=True, vertical_alignment="center"):
                state_badge(run_state(run)["state"])
                run_actions.menu(run, "sidebar")
            if note := label_of(run).note:
                st.caption(escape_markdown(note))
            if run_state(run)["state"] == "succeeded":
                head_picker(run)
        _newer(choice)
        run_actions.offer_undo()
        for note in state.notes():
            st.warning(f"{escape_markdown(note)} Showing the newest one instead.", icon=":material/link_off:")
        announce()
        copy_link()
        sign_in.who()
        _names_for_the_url(choice)
        frame_style()
    state.mend_link()


def without_controls() -> None:
    """What is chosen, for stakeholders: settled by the link, and nothing to choose; drawn in the page's frame."""
    state.choose()
    frame_style()
    large_type()


def _open(path: Path | None) -> Dataset | None:
    """The dataset; None where there is none or it cannot be opened, which the pages say."""
    try:
        return cache.dataset(path) if path else None
    except (LandslideLensError, OSError):
        return None


def _run_picker(choice: state.Choice) -> None:
    """The runs of the dataset by their titles, without the archived ones.

    A picker that is bound to the URL writes the words of its options there, and titles change. So the names are in a
    second one, which nobody sees.
    """
    runs = {run.name: run for run in choice.runs if run.name == choice.run or not label_of(run).archived}
    titles = titles_of(runs.values())
    st.session_state[TITLE] = choice.run
    with st.container(gap="xxsmall"):
        st.caption("Run", help=f"Folder: {escape_markdown(choice.run)}" if choice.run else None)
        st.selectbox(
            "Run", list(runs), key=TITLE, label_visibility="collapsed", placeholder="None yet", disabled=not runs,
            required=True, index=None, on_change=_take, 
            format_func=lambda name: f"★ {titles[name]}" if label_of(runs[name]).starred else titles[name],
        )  # fmt: skip


def _names_for_the_url(choice: state.Choice) -> None:
    """See :func:`_run_picker`."""
    with st.container(key=HIDDEN):
        _bound("Run folder", [run.name for run in choice.runs], state.RUN)


def _take() -> None:
    st.session_state[state.RUN] = st.session_state[TITLE]


def _newer(choice: state.Choice) -> None:
    """Offers the newest run of the dataset where another is shown because that one has not finished."""
    newest = next((run for run in choice.runs if not label_of(run).archived), None)
    if newest is None or newest.name == choice.run:
        return
    how = run_state(newest)["state"]
    if how != "succeeded":
        label = f"Newest run: {how}"
        if st.button(label, icon=theme.state_look(how)[1], key="open_newest", type="tertiary",
                     help=escape_markdown(title_of(newest))):  # fmt: skip
            state.open_view("train", run=newest.name, view="follow")


def _bound(label: str, options: list[str], key: str) -> None:
    """A select box bound to the URL that always holds one of its options; its label is not drawn."""
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


def state_badge(name: str) -> None:
    """A run's state as a small coloured label."""
    colour, icon = theme.state_look(name)
    st.badge(escape_markdown(name), icon=icon, color=colour)
