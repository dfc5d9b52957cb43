"""TODO-ROOM"""

from __future__ import annotations

import streamlit as st

from core.analyses.registry import TITLES
from core.errors import LandslideLensError
from core.jobs import queue
from core.jobs.analysis_folder import folder_of
from dashboard import state
from dashboard.ui import guards, sidebar
from dashboard.ui.formatting import duration, escape_markdown

ACTIVE = queue.ACTIVE


REFRESH_S = 3


# Where a study is followed: page and view.
PLACES = {
    "check": ("explain", "checks"), "maps": ("explain", "where"), "occlusion": ("explain", "bands"),
    "drill": ("explain", "drill"), "smote": ("balance", None), "embedding": ("embedding", None),
    "heads": ("results", "heads"), "evaluate": ("results", "elsewhere"),
}  # fmt: skip


def active(jobs: list[queue.Job]) -> list[queue.Job]:
    """The jobs that wait or run, in the order in which they get their turn."""
    return sorted((job for job in jobs if job.state in ACTIVE), key=lambda job: (job.place or 0, job.name))


def known_jobs() -> list[queue.Job]:
    """Every run as the queue sees it; an unusable queue is told in a sentence, once, and reads as empty."""
    try:
        return queue.jobs(state.checkpoints())
    except (LandslideLensError, OSError) as error:
        st.warning(escape_markdown(error), icon=":material/warning:")
        return []


def progress(status: dict, place: int | None = None) -> None:
    """A bar with what is going on and how long it will take."""
    if status["state"] == "queued":
        where = f", number {place} in its lane" if place else ""
        st.progress(0.0, f"Waiting for its turn{where}.")
        return
    left = duration(status.get("eta_s"))
    text = escape_markdown(str(status.get("message") or status.get("stage") or "Working").rstrip("."))
    st.progress(min(max(float(status.get("progress") or 0.0), 0.0), 1.0), f"{text}{f' · {left} left' if left else ''}")


def active_jobs() -> None:
    """The jobs that wait or run, with progress; refreshes itself while there are any."""
    jobs = known_jobs()
    if active(jobs):
        st.subheader("Under way", anchor=False)
        st.fragment(_active_jobs, run_every=REFRESH_S)(tuple(job.name for job in active(jobs)))


def _active_jobs(expected: tuple[str, ...]) -> None:
    jobs = active(known_jobs())
    if tuple(job.name for job in jobs) != expected:
        st.rerun()  # one began or ended: the whole page has changed
    for job in jobs:
        with st.container(border=True):
            with st.container(horizontal=True, vertical_alignment="center"):
                title = f"{TITLES.get(job.study, job.study)} of " if job.study else ""
                st.markdown(f"**{title}{escape_markdown(job.run)}**", width="content")
                sidebar.state_badge(job.state)
                if st.button("Follow it", key=f"follow_{job.name}", type="tertiary", icon=":material/monitoring:"):
                    page, view = PLACES.get(job.study, ("train", "follow"))
                    state.open_view(page, run=job.run, view=view)
            progress(guards.run_state(folder_of(state.checkpoints(), job.name)), job.place)
