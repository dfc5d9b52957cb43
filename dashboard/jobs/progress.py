"""How far jobs are: one bar, one watcher, and the list of all that wait or run."""

from __future__ import annotations

import streamlit as st

from core import access
from core.analyses.registry import analyses
from core.errors import LandslideLensError
from core.jobs import queue, turns, webhook
from core.jobs.analysis_folder import AnalysisFolder, folder_of
from core.runs.job_folder import JobFolder
from core.runs.labels import title_of
from core.runs.store import RunFolder
from core.text import duration
from dashboard import allowed, state
from dashboard.jobs import option_words, turn_menu
from dashboard.jobs.time_left import range_words, time_left
from dashboard.ui.formatting import escape_markdown
from dashboard.ui.guards import run_state
from dashboard.ui.messages import show_error

REFRESH_S = 1
REFRESH_ALL_S = 3
MOST_LINES = 3  # jobs on the Overview page


def is_active(folder: JobFolder) -> bool:
    """Whether it waits or runs."""
    return run_state(folder)["state"] in queue.ACTIVE


def was_cleared(folder: JobFolder) -> bool:
    """Whether it ended without a result and the message was cleared away."""
    status = run_state(folder)
    return status["state"] not in (*queue.ACTIVE, "succeeded") and bool(status.get("seen"))


def queued_words(job: queue.Job | None) -> str:
    """Where a waiting job stands and when it will start, or why it does not wait for its lane; Markdown."""
    if job is None or not job.place:
        return "Queued."
    if job.blocked:
        turn = turns.turn_of(folder_of(state.checkpoints(), job.name))
        return escape_markdown(turns.blocked(state.checkpoints(), turn, _words_of))
    starts = range_words(time_left(job.starts_s)) if job.starts_s is not None else ""
    when = f", starts in {starts}" if starts and job.starts_s else ""
    ahead = "next to start" if job.place == 1 else f"{job.place - 1} ahead of it"
    return f"Queued, {ahead}{when}."


def _words_of(name: str) -> str:
    return webhook.title(folder_of(state.checkpoints(), name))


def progress_bar(status: dict, job: queue.Job | None = None, title: str = "") -> None:
    """What is going on and how long it will take. title: of the job, where the place does not say it."""
    before = f"**{escape_markdown(title)}** · " if title else ""
    if status["state"] == "queued":
        st.progress(0.0, f"{before}{queued_words(job)}")
        return
    left = range_words(time_left(status.get("eta_s")))
    text = escape_markdown(str(status.get("message") or status.get("stage") or "Working").rstrip("."))
    if (silent := queue.silent_for(status)) is not None and silent >= queue.SILENT_S:
        text += f" · no sign for {duration(silent)}: a long step, or it hangs; then cancel it"
    st.progress(
        min(max(float(status.get("progress") or 0.0), 0.0), 1.0), f"{before}{text}{f' · {left} left' if left else ''}"
    )


def watch(folder: AnalysisFolder, own: bool = True) -> bool:
    """Draw a job's progress, or why it ended without a result; whether it waits or runs.

    own: whether this session is concerned; of what another one began, the end is folded away and marked.
    The page is drawn anew when the job ends. A job that succeeded, or whose failure was cleared away, draws nothing.
    """
    status = _checked(folder)
    active = status["state"] in queue.ACTIVE
    if not active and (status["state"] == "succeeded" or status.get("seen")):
        return False
    if active:
        st.fragment(_watch, run_every=REFRESH_S)(folder, active)
    elif own:
        _ended(folder, status)
    else:
        with st.expander(f"{_title(folder)}, begun in another session: {status['state']}", icon=":material/group:"):
            _ended(folder, status)
    return active


def _watch(folder: AnalysisFolder, was_active: bool) -> None:
    status = _checked(folder)
    active = status["state"] in queue.ACTIVE
    if was_active and not active:
        st.rerun()
    (_running if active else _ended)(folder, status)


def _running(folder: AnalysisFolder, status: dict) -> None:
    progress_bar(status, status["job"])
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button("Cancel", icon=":material/cancel:", key=f"job_cancel_{folder.name}", **allowed.to("train")):
            with st.spinner("Stopping its processes…"):
                try:
                    queue.cancel(folder.checkpoints, folder.name)
                except LandslideLensError as error:
                    show_error(error)
            st.rerun()
        st.caption(f"{_title(folder)}. It continues while you look at other pages, or close this one.", width="content")


def dismiss(folder: JobFolder) -> None:
    """Nobody wants to be told any more what came of this job. Raises AccessError for who may not say so."""
    access.require("train")
    folder.write_status(seen=True)


def _ended(folder: AnalysisFolder, status: dict) -> None:
    if status["state"] == "failed":
        reason = option_words.of_analysis(status.get("error") or "It failed without a reason.", folder.analysis())
        st.error(escape_markdown(reason), icon=":material/error:")
    elif status["state"] == "cancelled":
        st.warning(f"{_title(folder)}: cancelled. Earlier results are unchanged.", icon=":material/cancel:")
    else:
        text = escape_markdown(status.get("message", "interrupted."))
        st.warning(f"{_title(folder)}: {text}", icon=":material/power_off:")
    with st.container(horizontal=True):
        if st.button("Try again", icon=":material/replay:", key=f"job_again_{folder.name}", **allowed.to("train")):
            try:
                queue.retry(folder.checkpoints, folder.name)
            except (LandslideLensError, OSError) as error:
                show_error(error)
            else:
                st.rerun()
        if st.button(
            "Clear", icon=":material/close:", type="tertiary", key=f"job_clear_{folder.name}", **allowed.to("train")
        ):
            dismiss(folder)
            st.rerun()
        if log := folder.log():
            st.download_button(
                "Log", log, file_name=f"{folder.path.name}_log.txt", mime="text/plain", icon=":material/download:",
                type="tertiary", key=f"job_log_{folder.name}", on_click="ignore",
            )  # fmt: skip


def _title(folder: AnalysisFolder) -> str:
    try:
        known = analyses().get(folder.analysis())
    except LandslideLensError:
        known = None
    return known.title if known else folder.name


def _checked(folder: AnalysisFolder) -> dict:
    """Its status after the queue has looked whether its worker lives, with what the queue knows of it as ``job``."""
    status = run_state(folder)
    if status["state"] not in queue.ACTIVE:
        return status
    try:
        job = queue.job(folder.checkpoints, folder.name)
    except (LandslideLensError, OSError):
        return status | {"job": None}
    return run_state(folder) | {"job": job}


# ---------------------------------------------------------------------------------------------------- all jobs


def active() -> list[queue.Job]:
    """The jobs that wait or run, in the order in which they get their turn; an unusable queue is told, and empty."""
    try:
        for text in queue.notices(state.checkpoints()):
            st.toast(escape_markdown(text), icon=":material/build:", duration="infinite")
        return queue.active(state.checkpoints())
    except (LandslideLensError, OSError) as error:
        st.warning(escape_markdown(error), icon=":material/warning:")
        return []


def active_jobs() -> None:
    """The jobs that wait or run, a slim line each; refreshes itself while there are any."""
    if jobs := active():
        st.fragment(_active_jobs, run_every=REFRESH_ALL_S)(tuple(job.name for job in jobs))


def _active_jobs(expected: tuple[str, ...]) -> None:
    jobs = active()
    if tuple(job.name for job in jobs) != expected:
        st.rerun()  # one began or ended: the whole page has changed
    titles = {job.name: title_line(job) for job in jobs}
    for job in jobs[:MOST_LINES]:
        with st.container(horizontal=True, vertical_alignment="bottom", key=f"job_line_{job.name}"):
            with st.container(gap=None, width="stretch"):
                progress_bar(run_state(folder_of(state.checkpoints(), job.name)), job, titles[job.name])
            turn_menu.turn_menu(job, titles)
            if st.button("Follow", key=f"follow_{job.name}", type="tertiary", icon=":material/monitoring:"):
                follow_it(job)
    if len(jobs) > MOST_LINES:
        with st.expander(f"{len(jobs) - MOST_LINES:,} more that wait"):
            for job in jobs[MOST_LINES:]:
                with st.container(horizontal=True, vertical_alignment="center", key=f"job_line_{job.name}"):
                    st.markdown(f"**{escape_markdown(titles[job.name])}** · {queued_words(job)}", width="stretch")
                    turn_menu.turn_menu(job, titles)


def title_line(job: queue.Job) -> str:
    """What it is: "Band importance of its run's title", "Dataset check of FILE"."""
    about = _title_of_run(job) or (job.dataset.rpartition("/")[2] if job.dataset else "")
    return f"{job.title} of {about}" if about else job.title


def _title_of_run(job: queue.Job) -> str:
    return title_of(RunFolder(state.checkpoints() / job.run)) if job.run else ""


def follow_it(job: queue.Job) -> None:
    """Go to the page and view where a job is followed."""
    known = analyses().get(job.analysis)
    if known is None:
        state.open_view("train", run=job.run or None, view="follow")
    elif job.run:
        state.open_view(known.page, run=job.run, view=known.view)
    else:
        name = job.dataset.rpartition("/")[2].removesuffix(".h5") or None
        state.open_view(known.page, dataset=name if name in state.choice().datasets else None, view=known.view)
