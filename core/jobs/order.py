"""What people do with the queue: put a job first or last, pause it, let it wait for another, pause the whole queue."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from core import access
from core.errors import JobError
from core.jobs import queue, rows, turns, webhook
from core.jobs.analysis_folder import AnalysisFolder, open_job
from core.jobs.rows import JobFolder
from core.text import list_names


def prioritise(checkpoints: Path, name: str, priority: str) -> None:
    """Before all others that wait, in its order, or after them (first, normal, last).

    Raises JobError for another word, and for a job that does not wait.
    """
    access.require("train")
    if priority not in turns.PRIORITIES:
        raise JobError(f"There is no priority '{priority}'. Choose {list_names(list(turns.PRIORITIES), 9)}.")
    folder = _waiting(checkpoints, name)
    turns.write_turn(folder, replace(turns.turn_of(folder), priority=turns.PRIORITIES[priority]))


def start_after(checkpoints: Path, name: str, after: Sequence[str]) -> None:
    """Let a waiting job start only when these have succeeded; none: it waits for its lane alone.

    Raises JobError for a job that does not wait, one to wait for that failed, and a circle; RunError for unknown ones.
    """
    access.require("train")
    folder = _waiting(checkpoints, name)
    others = tuple(dict.fromkeys(open_job(checkpoints, other).name for other in after))
    for other in others:
        state = turns.state_of(checkpoints, other)
        if state not in (*queue.ACTIVE, "succeeded"):
            raise JobError(f"'{other}' is {state}: waiting for it would never end. Resume it first.")
    turns.must_not_wait_in_a_circle(checkpoints, folder.name, others)
    turns.write_turn(folder, replace(turns.turn_of(folder), after=others))
    rows.start_waiting(checkpoints)


def pause(checkpoints: Path, name: str) -> str:
    """Take a job out of the order until :func:`go_on`; a running one is stopped and gives its lane to the next.

    What comes of the work that was done, as a sentence. Raises JobError for a job that has ended.
    """
    access.require("train")
    folder = open_job(checkpoints, name)
    state = queue.job(checkpoints, folder.name).state
    if state not in queue.ACTIVE:
        raise JobError(f"'{folder.name}' has ended ({state}); there is nothing to pause.")
    said = turns.turn_of(folder)
    if state == "running":
        queue.cancel(checkpoints, folder.name)
        if folder.known_status()["state"] == "succeeded":
            return "It ended before it could be paused."
    turns.write_turn(folder, replace(said, held=True))
    if state == "queued":
        return "Paused."
    try:
        queue.resume(checkpoints, folder.name)
    except BaseException:
        turns.forget_turn(folder)
        raise
    if isinstance(folder, AnalysisFolder):
        return "Paused. It will begin anew: only trainings keep what was done."
    return "Paused. It will go on after its last finished epoch."


def go_on(checkpoints: Path, name: str) -> None:
    """Let a paused job, or one that waits for others, wait for its lane alone. Raises JobError where it has ended."""
    access.require("train")
    folder = _waiting(checkpoints, name)
    turns.write_turn(folder, replace(turns.turn_of(folder), held=False, after=()))
    rows.start_waiting(checkpoints)


def pause_queue(checkpoints: Path, paused: bool = True) -> None:
    """Start nothing new; what runs goes on. ``paused=False`` lets it go on."""
    access.require("manage")
    turns.write_orders(checkpoints, replace(turns.orders(checkpoints), paused=paused))
    if not paused and Path(checkpoints).is_dir():
        rows.start_waiting(checkpoints)


def tell(checkpoints: Path, address: str) -> None:
    """Post to this address when a job ends (``core.jobs.webhook``); empty: to none. Raises JobError for a bad one."""
    access.require("manage")
    changed = webhook.checked(address) if address.strip() else ""
    turns.write_orders(checkpoints, replace(turns.orders(checkpoints), webhook=changed))


def _waiting(checkpoints: Path, name: str) -> JobFolder:
    folder = open_job(checkpoints, name)
    state = queue.job(checkpoints, folder.name).state
    if state != "queued":
        raise JobError(f"'{folder.name}' is {state}: only a job that waits has a turn.")
    return folder
