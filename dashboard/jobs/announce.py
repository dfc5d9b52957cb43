"""What works and waits, in the sidebar of every page; and a notice when one of these jobs has ended."""

from __future__ import annotations

import streamlit as st

from core.jobs import queue
from core.jobs.analysis_folder import folder_of
from dashboard import state
from dashboard.jobs import progress
from dashboard.ui.formatting import escape_markdown
from dashboard.ui.guards import run_state

REFRESH_S = 5
_SEEN = "announced_jobs"  # in the session: name -> title of jobs that were seen waiting or running
ICONS = {"succeeded": ":material/check_circle:", "failed": ":material/error:"}


def announce() -> None:
    """Draw the line, refreshed while there is anything to wait for, and tell what has ended since it was last drawn."""
    if not queue.was_used(state.checkpoints()):
        return  # looking at a page writes nothing
    jobs = progress.active()
    _tell_ended(jobs)
    if jobs:
        st.fragment(_line, run_every=REFRESH_S)()


def _line() -> None:
    jobs = progress.active()
    _tell_ended(jobs)
    if not jobs:
        return
    running = sum(job.state == "running" for job in jobs)
    words = [f"{running} running"] if running else []
    words += [f"{len(jobs) - running} waiting"] if len(jobs) > running else []
    if st.button(
        ", ".join(words), key="sidebar_jobs", type="tertiary", icon=":material/pending:",
        help="Jobs that work or wait. Opens the Overview, where each is followed.",
    ):  # fmt: skip
        state.open_view("overview")


def _tell_ended(jobs: list[queue.Job]) -> None:
    now = {job.name: progress.title_line(job) for job in jobs}
    seen: dict[str, str] = st.session_state.get(_SEEN, {})
    for name, title in seen.items():
        if name not in now:
            _tell(name, title)
    st.session_state[_SEEN] = now


def _tell(name: str, title: str) -> None:
    folder = folder_of(state.checkpoints(), name)
    if not folder.path.is_dir():
        return
    status = run_state(folder)
    how, said = status["state"], str(status.get("error") or "")
    if how in queue.ACTIVE or how == "cancelled":
        return  # of what was cancelled whoever did it knows
    words = "done." if how == "succeeded" else f"{how}. {said}"
    st.toast(
        f"**{escape_markdown(title)}**: {escape_markdown(words)}", icon=ICONS.get(how, ":material/power_off:"),
        duration="short" if how == "succeeded" else "long",
    )  # fmt: skip
