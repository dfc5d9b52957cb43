"""Watching a job from the command line: its events as lines, until it has ended.

Comes in: a job's folder. Goes out: one line of text at a time. It only reads; the job goes on without it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from core.jobs import queue
from core.runs.store import FINAL_STATES
from core.runs.summary import number

POLL_S = 0.5
CHECK_S = 5.0  # asking the queue whether the worker is alive costs more than reading a file


def follow(checkpoints: Path, run: queue.JobFolder) -> Iterator[str]:
    """Lines of progress until the run is in a final state, which ``run.status()`` then tells."""
    # A job that is resumed has old events: only what happens from now on is told.
    offset = (run.path / "events.jsonl").stat().st_size if (run.path / "events.jsonl").is_file() else 0
    yield f"{'Study' if '/' in run.name else 'Run'} {run.name}"
    place, checked = None, 0.0
    while True:
        state = run.status()["state"]
        events, offset = run.events(offset)
        yield from (line for event in events if (line := describe(event)))
        if state in FINAL_STATES:
            return
        if time.monotonic() - checked > CHECK_S:
            checked = time.monotonic()
            now_at = queue.job(checkpoints, run.name).place
            if now_at and now_at != place:
                yield f"Waiting for the device, place {now_at} in the queue."
            place = now_at
        time.sleep(POLL_S)


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
        case "judging" | "explaining" | "summary" | "answered":
            return event.get("message", "")
        case _:
            return ""
