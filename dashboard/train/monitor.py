"""A run while it trains and afterwards: state, progress, curves, events, log, and what can be done with it."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.errors import LandslideLensError
from core.jobs import order, queue
from core.runs.labels import title_of
from core.runs.store import FINAL_STATES, RunFolder
from core.text import duration
from dashboard import allowed, state, theme
from dashboard.charts import learning
from dashboard.jobs import progress
from dashboard.jobs.time_left import range_words, time_left
from dashboard.train import learning_curves
from dashboard.train.prefill import duplicate
from dashboard.ui import downloads, formatting, guards, sidebar
from dashboard.ui.formatting import escape_markdown

REFRESH_S = 2


def follow(run: RunFolder) -> None:
    """The run, refreshed until it has ended."""
    if _reconciled(run) in FINAL_STATES:
        # No fragment: a click that meets the page's last redraw is then the page's own, and not lost with a fragment.
        _panel(run, had_ended=True)
    else:
        st.fragment(_panel, run_every=REFRESH_S)(run, had_ended=False)


def _reconciled(run: RunFolder) -> str:
    """The state after the queue has looked whether the worker lives."""
    try:
        return queue.job(state.checkpoints(), run.name).state
    except (LandslideLensError, OSError):
        return guards.run_state(run)["state"]


def _panel(run: RunFolder, had_ended: bool) -> None:
    job = _job(run)
    status = guards.run_state(run)
    if not had_ended and status["state"] in FINAL_STATES:
        st.rerun()  # the whole page, so that the refreshing stops
    history = _history(run)
    with st.container(border=True):
        _header(run, status, job, history)
        _actions(run, status, job)
    _curves(run, history, status)
    _events(run)


def _job(run: RunFolder) -> queue.Job | None:
    try:
        return queue.job(state.checkpoints(), run.name)
    except (LandslideLensError, OSError):
        return None


def _header(run: RunFolder, status: dict, job: queue.Job | None, history: pd.DataFrame) -> None:
    """One line: which run, how it stands, how far it is and how long it takes; then the folds, or why it ended."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{escape_markdown(title_of(run))}**", width="content", help=run.name)
        sidebar.state_badge(status["state"])
        st.markdown(_line(status, job, history), width="content")
    if status["state"] == "running" and status.get("n_folds") and status.get("epochs"):
        done = {int(fold): int(epoch) for fold, epoch in history.groupby("fold")["epoch"].max().items()}
        epochs = status["epochs"]
        words = "; ".join(f"{theme.fold_title(fold)}: {done.get(fold, 0)}" for fold in range(status["n_folds"]))
        downloads.show(
            learning.fold_strip(done, status["n_folds"], epochs), key="job_strip",
            alt=f"Epochs trained, of {epochs} in each fold. {words}.",
        )  # fmt: skip
    if (silent := queue.silent_for(status)) is not None and silent >= queue.SILENT_S:
        st.warning(
            f"No sign of progress for {duration(silent)}. It may be in a long step; if it hangs, cancel and resume it.",
            icon=":material/hourglass_bottom:",
        )
    if status["state"] in queue.ACTIVE or status["state"] == "succeeded":
        return
    if reason := status.get("error") or status.get("message"):
        if status["state"] == "failed":
            st.error(escape_markdown(reason), icon=":material/error:")
        else:
            st.warning(escape_markdown(reason), icon=":material/pause_circle:")


def _line(status: dict, job: queue.Job | None, history: pd.DataFrame) -> str:
    """How far it is and how long it still takes, or took."""
    if status["state"] == "queued":
        return progress.queued_words(job)
    fold, epoch = status.get("fold"), status.get("epoch")
    at = [f"fold {fold + 1} of {status.get('n_folds') or '?'}"] if fold is not None else []
    at += [f"epoch {epoch} of {status.get('epochs') or '?'}"] if epoch is not None else []
    if status["state"] == "running":
        seconds = history["seconds"].dropna().tolist() if "seconds" in history else []
        left = range_words(time_left(status.get("eta_s"), seconds))
        message = str(status.get("message") or "Working").rstrip(".")
        where = ", ".join(at).capitalize() if at and status.get("stage") == "training" else escape_markdown(message)
        return f"{where} · **{left} left**" if left else where
    took = duration(formatting.elapsed(status))
    if status["state"] == "succeeded" and len(history):
        folds, epochs = history["fold"].nunique(), int(history["epoch"].max())
        done = f"{folds} folds of {epochs} {'epoch' if epochs == 1 else 'epochs'}"
        return f"{done} in {took}" if took else done
    return f"Stopped in {', '.join(at)}" + (f" after {took}" if took else "") if at else ""


def _history(run: RunFolder) -> pd.DataFrame:
    try:
        return run.history()
    except (LandslideLensError, OSError, ValueError):
        return pd.DataFrame(columns=["fold", "epoch", "images_per_second"])


# ------------------------------------------------------------------------------------------------------- actions


def _actions(run: RunFolder, status: dict, job: queue.Job | None) -> None:
    with st.container(horizontal=True):
        if status["state"] in queue.ACTIVE:
            _pause(run, job)
            _confirm_cancel(run)
        elif status["state"] == "succeeded":
            if st.button("Open the results", type="primary", icon=":material/query_stats:", key="job_results"):
                state.open_view("results")
        else:
            _resume(run, failed=status["state"] == "failed")
        # What failed would fail again, so changing its settings comes first.
        if st.button(
            "Duplicate and edit", icon=":material/content_copy:", key="job_duplicate",
            type="primary" if status["state"] == "failed" else "secondary",
            help="Opens the form of a new run with all settings of this one.",
        ):  # fmt: skip
            duplicate(run)
        if status["state"] in FINAL_STATES and st.button(
            "Run again",
            icon=":material/replay:",
            key="job_retry",
            **allowed.to("train", help="A new run with the same settings."),
        ):
            again = _try(lambda: queue.retry(state.checkpoints(), run.name))
            if again:
                state.open_view("train", run=again.name, view="follow")
        st.download_button(
            "Log", run.log, file_name=f"{run.name}_log.txt", mime="text/plain", icon=":material/download:",
            type="tertiary", key="job_log", on_click="ignore",
        )  # fmt: skip
        st.download_button(
            "Settings", _settings(run), file_name=f"{run.name}_config.json", mime="application/json",
            icon=":material/download:", type="tertiary", key="job_config", on_click="ignore",
        )  # fmt: skip


def _pause(run: RunFolder, job: queue.Job | None) -> None:
    """Pause it, or let it go on; its lane goes to the next job meanwhile."""
    if job is not None and job.blocked:
        if st.button("Go on", type="primary", icon=":material/play_arrow:", key="job_go_on", **allowed.to("train")):
            _try(lambda: order.go_on(state.checkpoints(), run.name))
            st.rerun()
    elif st.button("Pause", icon=":material/pause:", key="job_pause",
                   **allowed.to("train", help="Frees the device for the next job. It goes on after its last finished "
                                "epoch.")):  # fmt: skip
        with st.spinner("Pausing…"):
            _try(lambda: order.pause(state.checkpoints(), run.name))
        st.rerun()


def _resume(run: RunFolder, failed: bool) -> None:
    if st.button("Resume", type="secondary" if failed else "primary", icon=":material/resume:", key="job_resume",
                 **allowed.to("train", help="Continues from the newest checkpoint.")):  # fmt: skip
        _try(lambda: queue.resume(state.checkpoints(), run.name))
        st.rerun()


def _settings(run: RunFolder) -> str:
    try:
        return run.config().to_json()
    except LandslideLensError as error:
        return str(error)


def _try(action):
    """Do it; an error is kept and shown when the page is next drawn (:func:`refusal`)."""
    try:
        return action()
    except (LandslideLensError, OSError) as error:
        st.session_state["job_refusal"] = str(error)
        return None


def _confirm_cancel(run: RunFolder) -> None:
    """A popover and not a dialog, which would close whenever the progress behind it refreshes."""
    with st.popover("Cancel", icon=":material/cancel:"):
        st.markdown("The run stops within seconds. Its last checkpoint is kept, so it can be resumed.")
        if st.button("Cancel the run", type="primary", key="job_cancel", **allowed.to("train")):
            with st.spinner("Stopping its processes…"):
                _try(lambda: queue.cancel(state.checkpoints(), run.name))
            st.rerun()


def refusal() -> None:
    """Show once why the last button had no effect."""
    if text := st.session_state.pop("job_refusal", None):
        st.error(escape_markdown(text), icon=":material/error:")


# ------------------------------------------------------------------------------------------------- curves, events


def _curves(run: RunFolder, history: pd.DataFrame, status: dict) -> None:
    if history.empty or "val_f1" not in history:
        return
    running = status.get("fold") if status["state"] == "running" and status.get("stage") == "training" else None
    if running is not None and history.loc[history["fold"] == running, "epoch"].max() == status.get("epochs"):
        running = None  # its last epoch is done
    learning_curves.curves(run, history, "job", running)
    learning_curves.samples(run, "job")


def _events(run: RunFolder) -> None:
    events = run.newest_events()
    if events:
        with st.expander(f"Events (newest {len(events)})"):
            downloads.table(pd.DataFrame([_event_row(e) for e in reversed(events)]), hide_index=True, width="stretch",
                         height="content" if len(events) < 8 else 320)  # fmt: skip
    log = run.log()
    if log:
        with st.expander("Log"):
            st.code("\n".join(log.splitlines()[-200:]), language=None, height=320)


def _event_row(event: dict) -> dict:
    facts = {key: value for key, value in event.items() if key not in ("time", "event")}
    details = ", ".join(
        f"{key} {value:.4g}" if isinstance(value, float) else f"{key} {value}" for key, value in facts.items()
    )
    return {"When": formatting.parse_time(event.get("time")), "Event": str(event.get("event", "")), "Details": details}
