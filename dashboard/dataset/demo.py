"""The demo dataset on its way: its progress, and the view of it when it is there."""

from __future__ import annotations

from core.runs.store import FINAL_STATES
from dashboard import cache, state
from dashboard.jobs import analyses
from dashboard.ui.empty_states import DEMO
from dashboard.ui.guards import or_stop, run_state


def demo_job() -> bool:
    """Draw the progress of the newest demo dataset; whether it is being made.

    Whoever asked for it in this session is led to it when it is done.
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
        if status == "succeeded":
            state.open_view("dataset", dataset=or_stop(job.result)["name"], view="facts")
    return False
