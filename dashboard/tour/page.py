"""The page: one stop at a time, the way to the next, and the demo where there is none yet."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from core.runs.store import RunFolder
from dashboard import stakeholder, state, url_state
from dashboard.jobs import progress
from dashboard.tour import alike, cheat, dial, earthquake, parts, satellite
from dashboard.ui import empty_states, view_switch

VIEW = "tour_view"


@dataclass(frozen=True)
class Stop:
    """title: of the stop, for anybody; short: the same for a button. draw: takes the run that the tour is told on."""

    title: str
    short: str
    icon: str
    draw: Callable[[RunFolder], None]


STOPS = {
    "earthquake": Stop("An earthquake, two images, a map", "An earthquake", "crisis_alert", earthquake.view),
    "dial": Stop("The honest dial", "The honest dial", "tune", dial.view),
    "cheat": Stop("Catch the cheat", "Catch the cheat", "policy", lambda run: cheat.view()),
    "satellite": Stop("Take a satellite away", "A satellite lost", "satellite_alt", satellite.view),
    "alike": Stop("Find more like this", "More like this", "image_search", alike.view),
}


def page() -> None:
    """The page below its title."""
    run = parts.demo_run()
    if run is None:
        _no_demo()
        return
    name = view_switch.view_switch(
        "tour", {key: f":material/{stop.icon}: {stop.title}" for key, stop in STOPS.items()}, next(iter(STOPS))
    )
    STOPS[name].draw(run)
    _on(name)


def _no_demo() -> None:
    progress.active_jobs()
    if stakeholder.is_on():
        st.info("There is nothing to show yet.", icon=":material/hourglass_empty:")
        return
    empty_states.empty_state(
        "The tour needs the demo",
        "Five short demonstrations on simulated satellite patches, where everything is known. The demo makes them on "
        "this machine in a few minutes: a dataset, a trained run and its analyses.",
        "Make the demo",
        empty_states.make_whole_demo,
        ":material/route:",
    )


def _on(name: str) -> None:
    """The way to the stop before and after."""
    names = list(STOPS)
    at = names.index(name)
    with st.container(horizontal=True, horizontal_alignment="distribute" if at else "right"):
        if at and st.button(f"Back: {STOPS[names[at - 1]].title}", icon=":material/arrow_back:", key="tour_back"):
            _go(names[at - 1])
        if at + 1 < len(names) and st.button(
            f"Next: {STOPS[names[at + 1]].title}", icon=":material/arrow_forward:", type="primary", key="tour_next"
        ):
            _go(names[at + 1])


def _go(name: str) -> None:
    url_state.forget(VIEW)
    state.open_view("tour", filters={VIEW: name})
