"""The demo dataset on its way: its progress, and the view of it when it is there."""

from __future__ import annotations

import streamlit as st

from core.runs.store import FINAL_STATES
from dashboard import cache, state
from dashboard.jobs import analyses
from dashboard.ui.empty_states import DEMO, WHOLE, make_whole_demo
from dashboard.ui.guards import or_stop, run_state


def demo_job() -> bool:
    """Draw the progress of the newest demo dataset; whether it is being made.

    Whoever asked for it in this session is led to it when it is done; who asked for the whole demo, to its training.
    """
    target = cache.checkpoints_target(state.checkpoints())
    job = analyses.newest(target, DEMO)
    if job is None:
        return False
    if analyses.follow(target, DEMO):
        return True
    status = run_state(job)["state"]
    if status in FINAL_STATES and analyses.asked_here(job):
        analyses.forget_asked(job)
        whole = st.session_state.pop(WHOLE, False)
        if status == "succeeded" and whole:
            make_whole_demo()  # its worker queues the training as well: whoever is later finds it there
        if status == "succeeded":
            state.open_view("dataset", dataset=or_stop(job.result)["name"], view="facts")
    return False
