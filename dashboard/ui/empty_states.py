"""What a page shows when there is nothing to show: what is missing, and the button for the next step."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from core.errors import LandslideLensError
from core.jobs import demo, queue
from core.jobs.analysis_folder import AnalysisFolder
from dashboard import allowed, cache, state
from dashboard.ui.messages import show_error

DEMO = "demo_dataset"  # the analysis that makes it
WHOLE = "demo_whole"  # whether this session has asked for the whole demo


def empty_state(
    title: str,
    text: str,
    button: str,
    action: Callable[[], None],
    icon: str,
    detail: str | None = None,
    right: str = "look",
) -> None:
    """What is missing, in a sentence, and the button that leads on. ``detail`` is shown exactly as written.

    right: what pressing it takes, of ``core.access``.
    """
    with st.container(border=True, horizontal_alignment="center", gap="small"):
        st.space("small")
        st.header(title, icon=icon, anchor=False, text_alignment="center")
        st.markdown(text, text_alignment="center", width=560)
        if detail:
            st.code(str(detail), language=None, wrap_lines=True)
        if st.button(button, type="primary", key=f"empty_{button}", **allowed.to(right)):
            action()
        st.space("small")


def no_dataset(with_import: bool = True) -> None:
    """The empty state of a page without a dataset: the demo is one click away."""
    with st.container(border=True, horizontal_alignment="center", gap="small"):
        st.space("small")
        st.header("No dataset yet", icon=":material/satellite_alt:", anchor=False, text_alignment="center")
        st.markdown(
            "Start with the demo: simulated Sentinel-1/2 patches, a classifier trained on them and its analyses, made "
            "on this machine in a few minutes. Or import a folder of your own patches.",
            text_alignment="center",
            width=560,
        )
        with st.container(horizontal=True, horizontal_alignment="center"):
            if st.button("Make the demo", type="primary", key="empty_make_whole", icon=":material/route:",
                         **allowed.to("train")):  # fmt: skip
                make_whole_demo()
            if st.button("Make the demo dataset", key="empty_make_demo", icon=":material/science:",
                         **allowed.to("train")):  # fmt: skip
                make_demo()
            if with_import and st.button("Import a folder", key="empty_import", icon=":material/drive_folder_upload:"):
                open_import()
        st.space("small")


def open_import() -> None:
    """Go to the import form."""
    state.open_view("dataset", view="import")


def make_demo() -> None:
    """Queue the simulation of the demo dataset alone and go where its progress is shown; it opens when it is done."""
    try:
        job = queue.submit_analysis(cache.checkpoints_target(state.checkpoints()), DEMO)
    except (LandslideLensError, OSError) as error:
        show_error(error)
        return
    st.session_state[f"{state.ASKED}{DEMO}"] = job.name
    state.open_view("dataset", view="import")


def make_whole_demo() -> None:
    """Queue what the demo lacks (dataset, training, analyses) and go where its progress is shown."""
    try:
        asked = demo.ask(state.checkpoints())
    except (LandslideLensError, OSError) as error:
        show_error(error)
        return
    first = next(iter(asked), None)
    if isinstance(first, AnalysisFolder) and first.analysis() == DEMO:
        st.session_state[f"{state.ASKED}{DEMO}"], st.session_state[WHOLE] = first.name, True
        state.open_view("dataset", view="import")
    state.open_view("overview", dataset=demo.dataset_of(state.checkpoints()).stem)
