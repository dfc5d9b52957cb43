"""The rows of the queue: kept in step with the folders, given their lanes, and their workers started.

A folder says what became of a job; its row, there while it waits or runs, says in which order, in which lane and by
which process. A row that is missing is made again from its folder, one whose worker is gone is taken away.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from core.errors import LandslideLensError
from core.io.plain_file import is_plain
from core.jobs import claim, forecast, lanes, processes, queue_db, turns, webhook
from core.jobs.analysis_folder import AnalysisFolder, folder_of, list_jobs
from core.jobs.processes import ProcessId
from core.runs.plain_files import write_json
from core.runs.store import FINAL_STATES, RunFolder, now

JobFolder = RunFolder | AnalysisFolder
ACTIVE = ("queued", "running")
FILE = "queue.sqlite"
WORKER = "core.workers.job_worker"  # started as a process of its own, never imported here
INTERRUPTED = "The process stopped unexpectedly (killed, or the machine restarted). It can be resumed."
LOST = "It has no place in the queue (its folder was copied, or the program ended on the way). It can be resumed."
UNUSABLE = (LandslideLensError, OSError, AttributeError, KeyError, TypeError, ValueError)  # a folder that is damaged


def transaction(checkpoints: Path) -> AbstractContextManager[sqlite3.Connection]:
    """One exclusive transaction on the queue of this checkpoints folder, which is made where it is missing."""
    return queue_db.transaction(Path(checkpoints) / FILE, lambda: rows_again(Path(checkpoints)))


def under_way(rows: sqlite3.Connection, spec: str) -> str | None:
    """The job of this specification that waits or runs, or none."""
    found = rows.execute("SELECT name FROM jobs WHERE spec = ? AND state IN ('queued', 'running')", (spec,)).fetchone()
    return found[0] if found else None


def add(rows: sqlite3.Connection, folder: JobFolder, spec: str) -> None:
    """Put a job at the end of its lane, new or not. Raises IntegrityError beside an equal one that waits or runs."""
    last = rows.execute("SELECT MAX(queued) FROM jobs").fetchone()[0] or 0.0
    rows.execute(
        "INSERT INTO jobs (name, spec, dataset, lane, state, queued) VALUES (?, ?, ?, ?, 'queued', ?) "
        "ON CONFLICT (name) DO UPDATE SET state = 'queued', pid = NULL, started = NULL, queued = excluded.queued, "
        "lane = excluded.lane",
        # Whoever comes later stands behind, also when the clock was set back.
        (folder.name, spec, str(folder.dataset_path() or ""), lanes.lane_of(folder), max(time.time(), last + 1e-3)),
    )


def drop(rows: sqlite3.Connection, name: str) -> None:
    """Take a job out of the queue."""
    rows.execute("DELETE FROM jobs WHERE name = ?", (name,))


def places(rows: Iterable[tuple[str, str, str]]) -> dict[str, int]:
    """Name -> place in its lane, 0 for what runs, of rows (name, lane, state) in their order."""
    found: dict[str, int] = {}
    waiting: dict[str, int] = {}
    for name, lane, state in rows:
        if state == "running":
            found[name] = 0
        else:
            waiting[lane] = found[name] = waiting.get(lane, 0) + 1
    return found


def settled(checkpoints: Path) -> dict[str, int]:
    """The places of all that waits or runs, after the queue has looked whether every worker lives.

    In a folder that cannot be written they are read from the folders alone, and nothing is marked or started.
    """
    try:
        reconcile(checkpoints)
        with transaction(checkpoints) as rows:
            running = rows.execute("SELECT name, lane, state FROM jobs WHERE state = 'running'").fetchall()
            waiting = [(name, lane, "queued") for name, lane in _waiting(rows, checkpoints)]
            return places([*running, *waiting])
    except queue_db.UnwritableQueueError:
        return places((row[0], row[3], row[4]) for row in rows_again(checkpoints, mark=False))


def starts(checkpoints: Path) -> dict[str, float | None]:
    """Waiting job -> seconds until it starts, as :func:`core.jobs.forecast.starts` says."""
    try:
        with transaction(checkpoints) as rows:
            return forecast.starts(rows, checkpoints, _waiting(rows, checkpoints))
    except queue_db.UnwritableQueueError:
        return {}


def _waiting(rows: sqlite3.Connection, checkpoints: Path) -> list[tuple[str, str]]:
    """(name, kind of lane) of what waits, in the order of their turns: what is not blocked, by priority, by age."""
    found = rows.execute("SELECT name, lane FROM jobs WHERE state = 'queued' ORDER BY queued, name").fetchall()
    said = {name: turns.turn_of(folder_of(checkpoints, name)) for name, _ in found}
    return sorted(found, key=lambda row: (turns.blocked(checkpoints, said[row[0]]) != "", -said[row[0]].priority))


def reconcile(checkpoints: Path) -> None:
    """Mark jobs whose worker is gone, without touching whoever has its pid now; let the waiting ones begin."""
    with transaction(checkpoints) as rows:
        running = rows.execute("SELECT name, pid, started FROM jobs WHERE state = 'running'").fetchall()
        for name, pid, started in running:
            if processes.is_alive(ProcessId(pid or 0, str(started))):
                continue
            folder = folder_of(checkpoints, name)
            if (other := claim.working(folder.path)) is not None:  # another process was there first
                _set_worker(rows, name, other)
                continue
            _interrupted(folder)
            drop(rows, name)
        waiting = rows.execute("SELECT COUNT(*) FROM jobs WHERE state = 'queued'").fetchone()[0]
    if waiting:
        start_waiting(checkpoints)


def adopt(checkpoints: Path, folders: Iterable[JobFolder]) -> None:
    """Give jobs that run and have no row one again. Others that say they wait or run are marked as interrupted.

    What says it waits, and never was in this queue, is not begun unasked: it may have come with a copied folder.
    """
    with transaction(checkpoints) as rows:
        for folder in folders:
            if rows.execute("SELECT 1 FROM jobs WHERE name = ?", (folder.name,)).fetchone():
                continue
            for row in _row_again(folder, mark=True):
                if row[4] == "queued":
                    _interrupted(folder, LOST)
                else:
                    rows.execute("INSERT OR IGNORE INTO jobs VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)


def start_waiting(checkpoints: Path) -> None:
    """Give every free lane to the job whose turn it is; while the queue is paused, none."""
    if turns.orders(checkpoints).paused:
        return
    with transaction(checkpoints) as rows:
        taken = {lane for (lane,) in rows.execute("SELECT lane FROM jobs WHERE state = 'running'")}
        for name, lane in _waiting(rows, checkpoints):
            slot = next((one for one in lanes.slots(lane) if one not in taken), None)
            folder = folder_of(checkpoints, name)
            if slot is None or turns.blocked(checkpoints, turns.turn_of(folder)):
                continue
            worker = _start(folder, slot)
            if worker is None:
                drop(rows, name)
                continue
            taken.add(slot)
            rows.execute("UPDATE jobs SET state = 'running', lane = ? WHERE name = ?", (slot, name))
            _set_worker(rows, name, worker)


def rows_again(checkpoints: Path, mark: bool = True) -> Iterator[queue_db.Row]:
    """The rows of jobs that wait or run, read from their folders, what runs first, then the oldest first.

    mark: those that say they run and whose worker is gone are marked as interrupted.
    """
    found = [row for folder in reversed(list_jobs(checkpoints)) for row in _row_again(folder, mark)]
    began = time.time() - len(found)
    for place, row in enumerate(sorted(found, key=lambda row: row[4] != "running")):
        yield (*row[:-1], began + place)


def _row_again(folder: JobFolder, mark: bool) -> Iterator[queue_db.Row]:
    """The row of this folder, where it waits or runs; a folder that cannot say what it is has none."""
    try:
        state, process = folder.status()["state"], None
        if state == "running":
            process = claim.working(folder.path)
            if process is None:
                if mark:
                    _interrupted(folder)
                return
        if state not in ACTIVE or (state == "running" and is_row(folder)):
            return
        spec = folder.job()["spec"] if isinstance(folder, RunFolder) else folder.name
        slot = str(folder.status().get("lane") or "") if state == "running" else ""  # of several alike
        lane = lanes.lane_of(folder)
        lane = slot if lanes.kind_of(slot) == lane else lane
        row = (folder.name, str(spec), str(folder.dataset_path() or ""), lane, state)
        pid, started = (process.pid, process.started) if process else (None, None)
        yield (*row, pid, started, time.time())
    except UNUSABLE:
        return


def is_row(folder: JobFolder) -> bool:
    """Whether it is a run that the job of an experiment trains in its own process: it has no row here of its own.

    One that was resumed by itself has a worker of its own, and its claim.
    """
    try:
        own = is_plain(folder.path / claim.CLAIM)
        return isinstance(folder, RunFolder) and not own and bool(folder.job().get("experiment"))
    except UNUSABLE:
        return False


def _start(folder: JobFolder, slot: str) -> ProcessId | None:
    """The worker of a job whose turn it is; None for a folder that is gone or cannot be used, which is told there."""
    try:
        return _spawn(folder, slot)
    except UNUSABLE as error:
        text = f"It could not be started: {error}"
        _tried(lambda: folder.write_status(state="failed", finished=now(), error=text, message=text))
        return None


def _spawn(folder: JobFolder, slot: str) -> ProcessId | None:
    if not folder.path.is_dir():
        return None
    folder.write_status(state="running", stage="starting", started=now(), lane=slot, message="Starting.")
    log, ours = folder.path / "log.txt", lanes.environment(slot)
    worker = processes.spawn(["-m", WORKER, str(folder.path.resolve())], log, ours)
    if claim.working(folder.path) is None:
        _tried(lambda: write_json(folder.path / claim.CLAIM, {"pid": worker.pid, "started": worker.started}))
    return worker


def _interrupted(folder: JobFolder, message: str = INTERRUPTED) -> None:
    """Mark a job whose worker, or place in the queue, is gone; the folder may be gone as well."""

    def write() -> None:
        if folder.path.is_dir() and folder.known_status()["state"] not in FINAL_STATES:
            folder.add_event("interrupted", message=message)
            folder.write_status(state="interrupted", finished=now(), message=message)
            turns.forget_turn(folder)
            webhook.send_later(folder)

    _tried(write)


def _tried(step: Callable[[], Any]) -> Any:
    """What one job's step returns; None where its folder does not let it: the others must not wait for that."""
    try:
        return step()
    except UNUSABLE:
        return None


def _set_worker(rows: sqlite3.Connection, name: str, worker: ProcessId) -> None:
    rows.execute("UPDATE jobs SET pid = ?, started = ? WHERE name = ?", (worker.pid, worker.started, name))
