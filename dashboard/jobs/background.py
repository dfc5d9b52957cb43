"""Work that goes on while pages are reloaded: a thread each, looked at, and stopped, from any tab.

Comes in: a function that calls ``core`` and reports its progress to a :class:`Task`. Goes out: the task, whose fields
say how far it is, how long it will take and what came of it. The thread calls no Streamlit; the registry lives in
Streamlit's resource cache because module variables do not outlive a hot reload.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import streamlit as st

from core.errors import DataError, LandslideLensError
from dashboard import state
from dashboard.ui import formatting
from dashboard.ui.formatting import escape_markdown


class Stopped(Exception):
    """Whoever watches asked the work to stop."""


@dataclass
class Task:
    """One piece of work. ``result`` when it is done, ``error`` (a sentence for people) when it could not be.

    ``words`` says what it does ("An import into demo.h5"), ``facts`` what whoever began it needs to know afterwards.
    """

    words: str
    facts: dict = field(default_factory=dict)
    done: float = 0
    total: float = 0
    message: str = ""
    result: Any = None
    error: str = ""
    cancelled: bool = False
    began: float = field(default_factory=time.monotonic)
    ended: float | None = None
    stop: threading.Event = field(default_factory=threading.Event, repr=False)
    thread: threading.Thread | None = field(default=None, repr=False)
    _phase: tuple[float, float] = field(default_factory=lambda: (time.monotonic(), 0.0), repr=False)

    def step(self, done: float, total: float, message: str = "") -> None:
        """Say how far the work is. Raises Stopped when it was cancelled.

        The rate is that of the steps with the same ``total`` and ``message``: reading and writing differ.
        """
        if (total, message) != (self.total, self.message):
            self._phase = (time.monotonic(), done)
        self.done, self.total, self.message = done, total, message
        if self.stop.is_set():
            raise Stopped

    def through(self, steps: Generator) -> Any:
        """Go through a generator that yields progress (done, total, what); its value.

        Cancelled, it is closed and leaves nothing behind.
        """
        try:
            while True:
                progress = next(steps)
                self.step(progress.done, progress.total, getattr(progress, "what", ""))
        except StopIteration as end:
            return end.value
        finally:
            steps.close()

    @property
    def running(self) -> bool:
        """Whether it is still under way."""
        return self.thread is not None and self.thread.is_alive()

    @property
    def share(self) -> float:
        """0 to 1 of the work."""
        return min(self.done / self.total, 1.0) if self.total else 0.0

    @property
    def seconds(self) -> float:
        """How long it has taken so far, or altogether."""
        return (time.monotonic() if self.ended is None else self.ended) - self.began

    @property
    def rate(self) -> float:
        """Steps per second since this part of the work began."""
        began, from_ = self._phase
        now = time.monotonic() if self.ended is None else self.ended
        return (self.done - from_) / max(now - began, 1e-3)

    @property
    def left_s(self) -> float | None:
        """Seconds to go at the rate so far; None before anything is known."""
        return (self.total - self.done) / self.rate if self.total and self.rate > 0 else None


@st.cache_resource(show_spinner=False)
def _registry(checkpoints: str) -> dict[str, Task]:
    """The newest task of each kind of this checkpoints folder; shared by all tabs."""
    return {}


def start(
    checkpoints: Path,
    kind: str,
    words: str,
    work: Callable[[Task], Any],
    facts: dict | None = None,
    after: Callable[[], None] | None = None,
) -> Task:
    """Begin ``work`` in the background. Raises DataError when one of this kind is under way.

    ``after`` is called in the thread however the work ends (temporary files go there).
    """
    known = _registry(str(checkpoints))
    if kind in known and known[kind].running:
        raise DataError(f"{known[kind].words} is under way. Wait until it has ended, or cancel it.")
    task = Task(words, facts or {})
    task.thread = threading.Thread(target=_run, args=(task, work, after), daemon=True)
    known[kind] = task
    task.thread.start()
    return task


def newest(checkpoints: Path, kind: str) -> Task | None:
    """The newest task of a kind, running or done; None where there was none since the server began."""
    return _registry(str(checkpoints)).get(kind)


def forget(checkpoints: Path, kind: str) -> None:
    """Clear away a task that has ended."""
    task = newest(checkpoints, kind)
    if task is not None and not task.running:
        _registry(str(checkpoints)).pop(kind, None)


def _run(task: Task, work: Callable[[Task], Any], after: Callable[[], None] | None) -> None:
    try:
        task.result = work(task)
    except Stopped:
        task.cancelled = True
    except LandslideLensError as error:
        task.error = str(error)
    except OSError as error:
        task.error = f"{error.filename or 'A file'} cannot be read or written: {error.strerror or error}."
    except Exception as error:  # a thread has nobody to show a traceback to
        task.error = f"A fault in the program stopped it ({type(error).__name__}: {error})."
    finally:
        if after is not None:
            after()
        task.ended = time.monotonic()


def show_progress(task: Task, unit: str, key: str) -> None:
    """The bar of a running task with its speed, the time left and a button that stops it.

    unit: what is counted ("files"); empty: the task counts shares and its message says what it is doing.
    """
    left = f"; about {formatting.duration(task.left_s)} left" if task.left_s is not None else ""
    if not task.total:
        st.progress(0.0, "Looking at what is there…")
    elif unit:
        rate = f", {task.rate:,.0f} a second" if task.rate > 0 else ""
        st.progress(task.share, f"{task.done:,} of {task.total:,} {unit}{rate}{left}")
    else:
        st.progress(task.share, f"{escape_markdown(task.message)} {task.share:.0%}{left}")
    with st.container(horizontal=True, vertical_alignment="center"):
        if task.stop.is_set():
            st.caption("Stopping at the next step…", width="content")
        else:
            st.button("Cancel", icon=":material/cancel:", key=f"{key}_cancel", on_click=task.stop.set)
            st.caption(f"{escape_markdown(task.words)}. It goes on while you look at other pages.", width="content")


def watch(kind: str, key: str, cancelled: str) -> None:
    """How far the newest task of ``kind`` is, or why it came to nothing; nothing where there is none.

    cancelled: the sentence for a task that was cancelled. The page is drawn anew when the task ends.
    """
    task = newest(state.checkpoints(), kind)
    if task is not None:
        st.fragment(_watch, run_every=1 if task.running else None)(kind, key, cancelled, task.running)


def _watch(kind: str, key: str, cancelled: str, was_running: bool) -> None:
    task = newest(state.checkpoints(), kind)
    if task is None or (was_running and not task.running):
        st.rerun()
    if task.running:
        show_progress(task, "", key)
    elif task.error:
        st.error(escape_markdown(task.error), icon=":material/error:")
    elif task.cancelled:
        st.warning(cancelled, icon=":material/cancel:")
