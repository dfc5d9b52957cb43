"""A run while it trains and afterwards: state, progress, curves, events, log, and what can be done with it."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.errors import LandslideLensError
from core.jobs import queue
from core.runs.store import FINAL_STATES, RunFolder
from core.text import duration
from dashboard import state
from dashboard.jobs import progress
from dashboard.train import learning_curves
from dashboard.train.prefill import prefill, settings_of
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
    with st.container(border=True):
        _header(run, status)
        if status["state"] in queue.ACTIVE:
            progress.progress_bar(status, job.place if job else None)
        _figures(run, status)
        _actions(run, status)
    _curves(run)
    _events(run)


def _job(run: RunFolder) -> queue.Job | None:
    try:
        return queue.job(state.checkpoints(), run.name)
    except (LandslideLensError, OSError):
        return None


def _header(run: RunFolder, status: dict) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{escape_markdown(run.name)}**", width="content")
        sidebar.state_badge(status["state"])
    if status["state"] not in queue.ACTIVE and (status.get("error") or status.get("message")):
        if status["state"] == "succeeded":
            st.caption(escape_markdown(status["message"]))
        elif status["state"] == "failed":
            st.error(escape_markdown(status.get("error") or status["message"]), icon=":material/error:")
        else:
            st.code(status.get("error") or status["message"], language=None, wrap_lines=True)


def _figures(run: RunFolder, status: dict) -> None:
    """Fold, epoch, speed and time."""
    fold, epoch = status.get("fold"), status.get("epoch")
    history = _history(run)
    speed = history["images_per_second"].dropna().tail(5).mean() if len(history) else None
    with st.grid(min_column_width=145):
        if status["state"] == "succeeded":
            st.metric("Folds", f"{history['fold'].nunique()}")
            st.metric("Epochs per fold", f"{int(history['epoch'].max())}" if len(history) else "–")
        else:
            st.metric("Fold", "–" if fold is None else f"{fold + 1} of {status.get('n_folds') or '?'}")
            st.metric("Epoch", "–" if epoch is None else f"{epoch} of {status.get('epochs') or '?'}")
            active = status["state"] in queue.ACTIVE
            st.metric(
                "Time left" if active else "Stage",
                _left(status) if active else escape_markdown(status.get("stage", "–")),
            )
        st.metric("Elapsed", duration(formatting.elapsed(status)) or "–")
        st.metric("Patches per second", "–" if speed is None or speed != speed else f"{speed:,.0f}")
        if len(history) and status["state"] in queue.ACTIVE:
            st.metric("Learning rate", f"{history['lr'].iloc[-1]:.2g}")
            if "memory_mib" in history:
                st.metric(
                    "Memory", f"{history['memory_mib'].iloc[-1] / 1024:.1f} GiB",
                    help="Peak GPU memory in the last epoch, or the memory of the process on a CPU.",
                )  # fmt: skip


def _left(status: dict) -> str:
    if status["state"] == "queued":
        return "waiting"
    return duration(status.get("eta_s")) or "–"


def _history(run: RunFolder) -> pd.DataFrame:
    try:
        return run.history()
    except (LandslideLensError, OSError, ValueError):
        return pd.DataFrame(columns=["fold", "epoch", "images_per_second"])


# ------------------------------------------------------------------------------------------------------- actions


def _actions(run: RunFolder, status: dict) -> None:
    with st.container(horizontal=True):
        if status["state"] in queue.ACTIVE:
            _confirm_cancel(run)
        elif status["state"] == "succeeded":
            if st.button("Open the results", type="primary", icon=":material/query_stats:", key="job_results"):
                state.open_view("results")
        else:
            _after_the_end(run, failed=status["state"] == "failed")
        if status["state"] in FINAL_STATES and st.button(
            "Run again", icon=":material/replay:", key="job_retry", help="A new run with the same settings."
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


def _after_the_end(run: RunFolder, failed: bool) -> None:
    """Resume what was stopped; what failed would fail again, so its settings come first."""
    if failed and st.button("Change the settings", type="primary", icon=":material/tune:", key="job_change",
                            help="Opens the form of a new run with this run's settings."):  # fmt: skip
        if chosen := _try(lambda: settings_of(run.config())):
            prefill(chosen[1], chosen[0])
            state.open_view("train", view="new")
        st.rerun()
    if st.button("Resume", type="secondary" if failed else "primary", icon=":material/resume:", key="job_resume",
                 help="Continues from the newest checkpoint."):  # fmt: skip
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
        if st.button("Cancel the run", type="primary", key="job_cancel"):
            with st.spinner("Stopping its processes…"):
                _try(lambda: queue.cancel(state.checkpoints(), run.name))
            st.rerun()


def refusal() -> None:
    """Show once why the last button had no effect."""
    if text := st.session_state.pop("job_refusal", None):
        st.error(escape_markdown(text), icon=":material/error:")


# ------------------------------------------------------------------------------------------------- curves, events


def _curves(run: RunFolder) -> None:
    history = _history(run)
    if history.empty or "val_f1" not in history:
        return
    st.subheader("Learning curves", anchor=False)
    learning_curves.curves(run, history, "job")
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
