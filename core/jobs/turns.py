"""What people say about the turns of waiting jobs: first or last, not yet, after another; and about the whole queue.

A job's turn is ``turn.json`` in its folder, there only while it waits or runs; the queue's is ``queue.json`` beside
``queue.sqlite``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from core.errors import JobError, LandslideLensError
from core.io.atomic import remove
from core.io.plain_file import is_plain
from core.jobs.analysis_folder import AnalysisFolder, folder_of
from core.runs.plain_files import read_json, write_json
from core.runs.store import RunFolder

TURN, QUEUE = "turn.json", "queue.json"
PRIORITIES = {"first": 1, "normal": 0, "last": -1}
PAUSED = "The queue is paused: nothing new starts until it goes on."
HELD = "Paused. It waits until it is told to go on."


@dataclass(frozen=True)
class Turn:
    """priority: higher goes first. held: it does not start. after: names of jobs that must have succeeded before."""

    priority: int = 0
    held: bool = False
    after: tuple[str, ...] = ()


@dataclass(frozen=True)
class Orders:
    """Of the whole queue. paused: nothing new starts. webhook: the address that is told when a job ends, or empty."""

    paused: bool = False
    webhook: str = ""


def turn_of(folder: RunFolder | AnalysisFolder) -> Turn:
    """What was said of this job's turn; a file that cannot be read says nothing."""
    said = _read(folder.path / TURN)
    after = said.get("after")
    return Turn(
        max(-1, min(1, said["priority"])) if isinstance(said.get("priority"), int) else 0,
        said.get("held") is True,
        tuple(name for name in after if isinstance(name, str)) if isinstance(after, list) else (),
    )


def write_turn(folder: RunFolder | AnalysisFolder, turn: Turn) -> None:
    """Keep it; what says nothing leaves no file."""
    if turn == Turn():
        forget_turn(folder)
    else:
        folder.write_json(TURN, asdict(turn))


def forget_turn(folder: RunFolder | AnalysisFolder) -> None:
    """The job has ended, or is asked anew."""
    remove(folder.path / TURN)


def orders(checkpoints: Path) -> Orders:
    """What was said of the queue of this checkpoints folder."""
    said = _read(Path(checkpoints) / QUEUE)
    webhook = said.get("webhook")
    return Orders(said.get("paused") is True, webhook if isinstance(webhook, str) else "")


def write_orders(checkpoints: Path, changed: Orders) -> None:
    """Keep them. Raises JobError where the folder cannot be written."""
    try:
        Path(checkpoints).mkdir(parents=True, exist_ok=True)
        write_json(Path(checkpoints) / QUEUE, asdict(changed))
    except OSError as error:
        raise JobError(f"{QUEUE} cannot be written: {error.strerror or error}. Nothing was changed.") from error


def blocked(checkpoints: Path, turn: Turn, words: Callable[[str], str] = str) -> str:
    """Why the job does not even wait for its lane, as a sentence; empty where it does.

    words: what people call the job of a name.
    """
    if turn.held:
        return HELD
    for name in turn.after:
        state = state_of(checkpoints, name)
        if state in ("queued", "running"):
            return f"Waits until {words(name)} has ended."
        if state != "succeeded":
            return f"Waits for {words(name)}, which {_became(state)}. Let it start all the same, or cancel it."
    return ""


def state_of(checkpoints: Path, name: str) -> str:
    """The state of a job, or "deleted" where it is gone."""
    folder = folder_of(checkpoints, name)
    return folder.known_status()["state"] if folder.path.is_dir() else "deleted"


def must_not_wait_in_a_circle(checkpoints: Path, name: str, after: tuple[str, ...]) -> None:
    """Raises JobError where one of ``after`` waits, directly or through others, for ``name``."""
    seen: set[str] = set()
    ahead = list(after)
    while ahead:
        one = ahead.pop()
        if one == name:
            raise JobError(f"'{name}' cannot wait for what waits for it. Choose another job to wait for.")
        if one not in seen:
            seen.add(one)
            ahead += turn_of(folder_of(checkpoints, one)).after


def _became(state: str) -> str:
    return {"failed": "failed", "deleted": "was deleted"}.get(state, f"was {state}")


def _read(path: Path) -> Mapping[str, Any]:
    try:
        said = read_json(path) if is_plain(path) else {}
    except (LandslideLensError, OSError):
        return {}
    return said if isinstance(said, Mapping) else {}
