"""The guided path: what there is to see in the simulated demo run, a stop after the other, with its live number."""

from __future__ import annotations

import streamlit as st

from core.analyses import showcase
from core.analyses.showcase import Stop
from core.errors import LandslideLensError
from core.jobs import demo, queue
from core.runs.store import RunFolder
from dashboard import allowed, cache, state
from dashboard.jobs import analyses
from dashboard.ui import guards
from dashboard.ui.formatting import escape_markdown
from dashboard.ui.messages import show_error

VISITED, CLOSED = "guided_path_visited", "guided_path_closed"  # of the session: stops by run, and runs
AT = "guided_path_at"  # of the session: run and stop that were opened last
COLUMNS = 4


def guided_path() -> None:
    """The stops of the chosen run, where it is a finished run on the simulated demo; nothing elsewhere."""
    run = guards.chosen_run()
    if run is None or not _is_demo() or guards.run_state(run)["state"] != "succeeded":
        return
    try:
        stops = showcase.stops(run)
    except LandslideLensError:
        return  # the card of the run says what is wrong with it
    if run.name in st.session_state.get(CLOSED, ()):
        if st.button("Show the guided path", icon=":material/route:", type="tertiary", key="guided_path_open"):
            st.session_state[CLOSED] -= {run.name}
            st.rerun()
        return
    if _rest_is_planned(run):
        st.fragment(_being_queued, run_every=1)(run)
    visited = st.session_state.get(VISITED, {}).get(run.name, frozenset())
    with st.container(border=True, key="guided_path"):
        _head(run, stops, visited)
        with st.grid(COLUMNS, min_column_width=200, gap="small"):
            for number, stop in enumerate(stops, 1):
                _stop(run, stop, number, stop.name in visited)


def way_on(page: str) -> None:
    """On the page of the stop that was opened from the path: which one it is, and the way to the next and back."""
    run, at = guards.chosen_run(), st.session_state.get(AT)
    if run is None or at is None or at[0] != run.name:
        return
    try:
        stops = showcase.stops(run)
    except LandslideLensError:
        return  # the page says what is wrong with the run
    here = next((i for i, stop in enumerate(stops) if (stop.name, stop.page) == (at[1], page)), None)
    if here is None:
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="guided_path_way"):
        st.caption(f":material/route: Guided path, {here + 1} of {len(stops)}", width="content")
        if here + 1 < len(stops):
            following = stops[here + 1]
            if st.button(
                f"Next: {following.title}", icon=":material/arrow_forward:", type="tertiary", key="guided_next"
            ):
                _open(run, following)
        if st.button("All stops", icon=":material/home:", type="tertiary", key="guided_back"):
            del st.session_state[AT]
            state.open_view("overview", run=run.name)


def _is_demo() -> bool:
    path = state.choice().dataset_path
    try:
        return path is not None and bool(cache.dataset(path).facts.get("simulated"))
    except (LandslideLensError, OSError):
        return False  # the card of the dataset says what is wrong with it


def _being_queued(run: RunFolder) -> None:
    """Draw the page anew when what follows the training has been queued."""
    if not _rest_is_planned(run):
        st.rerun()


def _rest_is_planned(run: RunFolder) -> bool:
    try:
        return queue.planned(run) is not None
    except LandslideLensError:
        return False  # its worker has told what is wrong with the plan


def _head(run: RunFolder, stops: tuple[Stop, ...], visited: frozenset[str]) -> None:
    lacking = tuple(stop for stop in stops if not stop.is_there(run) and not _under_way(run, stop))
    with st.container(horizontal=True, vertical_alignment="center"):
        seen = sum(stop.name in visited for stop in stops)
        st.markdown(f"**Guided path** :gray[{seen} of {len(stops)} visited]", width="stretch")
        if lacking and st.button(
            f"Compute what is missing ({len(lacking)})",
            icon=":material/play_arrow:",
            key="guided_path_all",
            **allowed.to("train"),
        ):
            _compute(run, lacking)
        if st.button("Close", icon=":material/close:", type="tertiary", key="guided_path_close"):
            st.session_state[CLOSED] = st.session_state.get(CLOSED, frozenset()) | {run.name}
            st.rerun()


def _stop(run: RunFolder, stop: Stop, number: int, visited: bool) -> None:
    """One stop: its number from the results, or that they are missing; the way there."""
    with st.container(height="stretch", gap=None):
        finding = stop.finding(run)
        if st.button(
            f"{number}. {stop.title}", icon=":material/check_circle:" if visited else None, help=stop.look,
            type="tertiary", key=f"guided_{stop.name}",
        ):  # fmt: skip
            _open(run, stop)
        if finding is not None:
            less = showcase.reduced(run, stop)
            detail = f"{finding.detail}{f' Quick version. {less}.' if less else ''}"
            mark = " :gray[· quick]" if less else ""
            st.markdown(f":small[**{escape_markdown(finding.short)}**{mark}]", help=escape_markdown(detail))
        elif stop.is_there(run):
            st.caption("Its number cannot be read.")
        elif _under_way(run, stop):
            st.caption(":material/hourglass_top: In progress")
        elif st.button(
            "Compute it", icon=":material/play_arrow:", key=f"guided_compute_{stop.name}", **allowed.to("train")
        ):
            _compute(run, (stop,))


def _under_way(run: RunFolder, stop: Stop) -> bool:
    return bool(stop.analysis) and analyses.is_active(run, stop.analysis)


def _open(run: RunFolder, stop: Stop) -> None:
    """Go there; the stop counts as visited in this session."""
    visited = dict(st.session_state.get(VISITED, {}))
    visited[run.name] = visited.get(run.name, frozenset()) | {stop.name}
    st.session_state[VISITED], st.session_state[AT] = visited, (run.name, stop.name)
    state.open_view(stop.page, run=run.name, view=stop.view)


def _compute(run: RunFolder, stops: tuple[Stop, ...]) -> None:
    try:
        demo.show(run, stops)
    except (LandslideLensError, OSError) as error:
        show_error(error)
        return
    st.rerun()
