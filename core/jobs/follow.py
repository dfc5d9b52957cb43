"""Watching a job from the command line: events, progress and time left as lines, until it has ended.

It only reads; the job goes on without it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from core.errors import LandslideLensError
from core.io.plain_file import is_plain
from core.jobs import queue
from core.runs.store import FINAL_STATES, RunFolder
from core.text import duration, number

POLL_S = 0.2
TELL_S = 2.0  # between two lines of progress
CHECK_S = 5.0  # asking the queue whether the worker is alive costs more than reading a file


def follow(checkpoints: Path, folder: queue.JobFolder) -> Iterator[str]:
    """Lines of progress until the job is in a final state, which ``folder.status()`` then tells."""
    # A job that is resumed has old events: only what happens from now on is told.
    events = folder.path / "events.jsonl"
    offset = events.lstat().st_size if is_plain(events) else 0
    yield f"{'Run' if isinstance(folder, RunFolder) else 'Job'} {folder.name}"
    place, checked, told, said = None, 0.0, time.monotonic(), ""
    while True:
        if not folder.path.is_dir():
            return  # deleted: whoever follows it says so
        status = folder.known_status()
        events, offset = folder.events(offset)
        lines = [line for event in events if (line := describe(event))]
        yield from lines
        if status["state"] in FINAL_STATES:
            return
        said = next((event["message"] for event in reversed(events) if event.get("message")), said)
        message = str(status.get("message") or "")
        if status["state"] == "running" and not lines and message != said and time.monotonic() - told > TELL_S:
            told, said = time.monotonic(), message
            left = duration(status.get("eta_s"))
            ahead = f"{message.rstrip('.')}. About {left} left." if left else message
            yield f"{float(status.get('progress') or 0.0):4.0%}  {ahead}"
        if time.monotonic() - checked > CHECK_S:
            checked = time.monotonic()
            now_at = _place(checkpoints, folder)
            if now_at and now_at != place:
                yield f"Queued, place {now_at}: other jobs come first (python -m core jobs list)."
            place = now_at
        time.sleep(POLL_S)


def _place(checkpoints: Path, folder: queue.JobFolder) -> int | None:
    try:
        return queue.job(checkpoints, folder.name).place
    except LandslideLensError:  # the folder is gone, or the disk is full: the next look at its status tells
        return None


def describe(event: dict) -> str:
    """One event as a line; empty for those that say nothing to a watcher."""
    match event.get("event"):
        case "epoch":
            return (
                f"fold {event['fold'] + 1}/{event['n_folds']}  epoch {event['epoch']}/{event['epochs']}  "
                f"loss {event['train_loss']:.3f}  validation F1 {number(event['val_f1'])}  "
                f"AUC {number(event['val_auc'])}  {event['images_per_second']:.0f} images/s"
            )
        case "resumed":
            return event.get("message", "Going on.")
        case "judging" | "explaining" | "summary":
            return event.get("message", "")
        case _:
            return ""
