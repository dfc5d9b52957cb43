"""What is asked of a whole run, as jobs: the button, the progress with cancel, and why one came to nothing.

Comes in: a run and the name of a study (``core.analyses.registry``). Goes out: nothing; results are read from the run
folder. All of it is read from files, so that a reload, a second tab or another server shows the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from core.analyses.registry import TITLES
from core.errors import LandslideLensError
from core.jobs import queue
from core.jobs.analysis_folder import StudyFolder, list_studies
from core.runs.store import RunFolder
from dashboard.jobs import progress
from dashboard.ui import empty_states, guards
from dashboard.ui.formatting import escape_markdown

REFRESH_S = 1


def newest(run: RunFolder, study: str) -> StudyFolder | None:
    """The study of this name that was asked for last."""
    return next(iter(list_studies(run, study)), None)


def under_way(run: RunFolder, study: str) -> bool:
    """Whether one of this name waits or runs."""
    found = newest(run, study)
    return found is not None and _status(found)["state"] in queue.ACTIVE


def begin(run: RunFolder, study: str, options: Mapping[str, Any] | None = None) -> None:
    """Queue the study and draw the page anew; where it cannot be queued, the reason."""
    try:
        queue.submit_study(run, study, options)
    except (LandslideLensError, OSError) as error:
        st.error(escape_markdown(error), icon=":material/error:")
        return
    st.rerun()


def follow(run: RunFolder, study: str) -> bool:
    """Draw the progress of this study, or why it ended without a result; whether it is under way."""
    found = newest(run, study)
    if found is None:
        return False
    status = _status(found)
    active = status["state"] in queue.ACTIVE
    if not active and (status["state"] == "succeeded" or status.get("seen")):
        return False
    st.fragment(_follow, run_every=REFRESH_S if active else None)(found, active)
    return active


def nothing_yet(run: RunFolder, study: str, title: str, text: str, button: str, icon: str) -> None:
    """The empty state of a view whose results have not been computed, unless that is under way."""
    if not follow(run, study):
        empty_states.empty_state(title, text, button, lambda: begin(run, study), icon)


def _follow(study: StudyFolder, was_active: bool) -> None:
    status = _status(study)
    active = status["state"] in queue.ACTIVE
    if was_active and not active:
        st.rerun()
    if active:
        _progress(study, status)
        return
    title = TITLES.get(study.asked()["study"], study.name)
    if status["state"] == "failed":
        st.error(escape_markdown(status.get("error") or "It failed without a reason."), icon=":material/error:")
    elif status["state"] == "cancelled":
        text = f"{title}: cancelled. What was there before is still there."
        st.warning(text, icon=":material/cancel:")
    else:
        st.warning(f"{title}: {escape_markdown(status.get('message', 'interrupted.'))}", icon=":material/power_off:")
    with st.container(horizontal=True):
        if st.button("Ask again", icon=":material/replay:", key=f"study_again_{study.name}"):
            begin(study.run, **study.asked())
        if st.button("Clear", icon=":material/close:", type="tertiary", key=f"study_clear_{study.name}"):
            study.write_status(seen=True)
            st.rerun()
        if log := study.log():
            st.download_button(
                "Log", log, file_name=f"{study.path.name}_log.txt", mime="text/plain", icon=":material/download:",
                type="tertiary", key=f"study_log_{study.name}", on_click="ignore",
            )  # fmt: skip


def _progress(study: StudyFolder, status: dict) -> None:
    progress.progress(status, status["place"])
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button("Cancel", icon=":material/cancel:", key=f"study_cancel_{study.name}"):
            with st.spinner("Ending its processes…"):
                try:
                    queue.cancel(study.checkpoints, study.name)
                except LandslideLensError as error:
                    st.error(escape_markdown(error), icon=":material/error:")
            st.rerun()
        title = TITLES.get(study.asked()["study"], study.name)
        st.caption(f"{title}. It goes on while you look at other pages, or close this one.", width="content")


def _status(study: StudyFolder) -> dict:
    """Its status after the queue has looked whether its worker lives, with its place in the lane."""
    status = guards.run_state(study)
    if status["state"] not in queue.ACTIVE:
        return status
    try:
        place = queue.job(study.checkpoints, study.name).place
    except (LandslideLensError, OSError):
        return status | {"place": None}
    return guards.run_state(study) | {"place": place}
