"""The queue: which jobs wait, which one has the device, and what became of the others.

A job is a folder (of a run, or of an analysis) plus a row in ``queue.sqlite`` beside the runs. The folders are the
truth; the rows keep order, lanes and process identities, and can be rebuilt from the folders.
"""

from __future__ import annotations

import sqlite3
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.analyses.registry import analysis, title
from core.config import RunConfig
from core.data.store import open_dataset
from core.errors import JobError, LandslideLensError
from core.jobs import processes, queue_db
from core.jobs.analysis_folder import AnalysisFolder, create, folder_for, folder_of, list_jobs, open_job
from core.jobs.processes import ProcessId
from core.runs.store import FINAL_STATES, RunFolder, create_run, list_runs, now
from core.runs.targets import Target

JobFolder = RunFolder | AnalysisFolder
ACTIVE = ("queued", "running")
WORKER = "core.workers.job_worker"  # started as a process of its own, never imported here
TRAINING_TITLE = "Training"
FILES_LANE = "files"  # of what reads and writes files and needs no device


@dataclass(frozen=True)
class Job:
    """One job as the queue sees it. ``place``: 0 runs now, 1 is next in its lane, none has ended.

    run: the run folder it belongs to, empty where it asks about a dataset. analysis: its name, empty for a training.
    title: what people call it. dataset: the file's path, empty where it has none.
    """

    name: str
    run: str
    analysis: str
    title: str
    state: str
    dataset: str
    place: int | None
    created: str


def submit(checkpoints: Path, dataset: Path, config: RunConfig) -> RunFolder:
    """Queue a run and start it when its lane is free; a specification already queued or running gives that run.

    Raises DataError when the dataset file cannot be opened.
    """
    checkpoints, spec = Path(checkpoints), _spec(dataset, config)
    _reconcile(checkpoints)
    with _transaction(checkpoints) as rows:
        if found := _under_way(rows, spec):
            return RunFolder(checkpoints / found)
        run = create_run(checkpoints, config, dataset, spec)
        _add(rows, run, spec)
    start_waiting(checkpoints)
    return run


def submit_analysis(target: Target, name: str, options: Mapping[str, Any] | None = None) -> AnalysisFolder:
    """Queue an analysis (a name of ``core.analyses.registry``); the same question twice is one job.

    Asked again after it has ended, it is answered again. Raises RunError for a run that has not finished, ConfigError
    for an unknown name or options that the analysis does not take.
    """
    asked = analysis(name)
    options = asked.options(options).model_dump(mode="json")
    if isinstance(target, RunFolder):
        target.require_finished()
    _reconcile(target.checkpoints)
    with _transaction(target.checkpoints) as rows:
        folder = folder_for(target, name, options)
        if _under_way(rows, folder.name):
            return folder
        folder = create(target, name, options)
        _add(rows, folder, folder.name)
    start_waiting(target.checkpoints)
    return folder


def finished(checkpoints: Path, dataset: Path, config: RunConfig) -> RunFolder | None:
    """The newest run of this very specification that succeeded, or none."""
    spec = _spec(dataset, config)
    runs = (run for run in list_runs(Path(checkpoints)) if run.status()["state"] == "succeeded")
    return next((run for run in runs if run.job()["spec"] == spec), None)


def jobs(checkpoints: Path) -> list[Job]:
    """Every run, newest first, each followed by its analyses, then those of datasets, with state and place in lane.

    Jobs whose worker died are marked.
    """
    checkpoints = Path(checkpoints)
    _reconcile(checkpoints)
    places = _places(checkpoints)
    return [_job(folder, places) for folder in list_jobs(checkpoints)]


def job(checkpoints: Path, name: str) -> Job:
    """One job as the queue sees it. Raises RunError when there is none of that name."""
    folder = open_job(checkpoints, name)
    _reconcile(Path(checkpoints))
    return _job(folder, _places(Path(checkpoints)))


def cancel(checkpoints: Path, name: str, patience_s: float = 10.0) -> None:
    """Take a job out of the queue, or end its process group; a run's last checkpoint stays usable.

    Raises JobError when it has ended already.
    """
    checkpoints, folder = Path(checkpoints), open_job(checkpoints, name)
    _reconcile(checkpoints)
    with _transaction(checkpoints) as rows:
        row = rows.execute("SELECT state, pid, started FROM jobs WHERE name = ?", (folder.name,)).fetchone()
        if row is None or row[0] not in ACTIVE:
            raise JobError(f"'{folder.name}' has ended ({folder.status()['state']}); there is nothing to cancel.")
        if row[0] == "queued":
            rows.execute("UPDATE jobs SET state = 'cancelled' WHERE name = ?", (folder.name,))
    if row[0] == "running":
        processes.end(ProcessId(row[1], row[2]), patience_s)
    finish(folder, "cancelled", message="Cancelled.")


def resume(checkpoints: Path, name: str) -> JobFolder:
    """Queue a job that was interrupted, cancelled or failed: a training goes on from its checkpoint, others start anew.

    Raises JobError when it is waiting, running or has succeeded.
    """
    checkpoints, folder = Path(checkpoints), open_job(checkpoints, name)
    _reconcile(checkpoints)
    state = folder.status()["state"]
    if state not in FINAL_STATES or state == "succeeded":
        raise JobError(f"'{folder.name}' is {state}; only an interrupted, cancelled or failed job can be resumed.")
    if isinstance(folder, AnalysisFolder):
        return _again(folder)
    try:
        with _transaction(checkpoints) as rows:
            _add(rows, folder, folder.job()["spec"])
            folder.write_status(state="queued", stage="waiting", message="Waiting to be resumed.", error=None)
    except sqlite3.IntegrityError as error:
        raise JobError(
            f"The same specification as '{folder.name}' is already waiting or running. Follow that run instead."
        ) from error
    start_waiting(checkpoints)
    return folder


def retry(checkpoints: Path, name: str) -> JobFolder:
    """A new run with the same specification and dataset as ``name``; an analysis is done again."""
    folder = open_job(checkpoints, name)
    if isinstance(folder, AnalysisFolder):
        return _again(folder)
    return submit(Path(checkpoints), folder.dataset_path(), folder.config())


def finish(folder: JobFolder, state: str, **fields: object) -> None:
    """Record how a job ended, in its folder and in the queue, and start the next one of its lane."""
    if folder.status()["state"] not in FINAL_STATES:
        folder.write_status(state=state, finished=now(), **fields)
        folder.add_event(state, **fields)
    with _transaction(folder.checkpoints) as rows:
        rows.execute("UPDATE jobs SET state = ? WHERE name = ?", (folder.status()["state"], folder.name))
    start_waiting(folder.checkpoints)


def start_waiting(checkpoints: Path) -> None:
    """Give every free lane to the job that has waited longest for it."""
    with _transaction(checkpoints) as rows:
        waiting = rows.execute(
            "SELECT name, lane FROM jobs WHERE state = 'queued' "
            "AND lane NOT IN (SELECT lane FROM jobs WHERE state = 'running') ORDER BY queued, name"
        ).fetchall()
        taken: set[str] = set()
        for name, lane in waiting:
            if lane in taken:
                continue
            taken.add(lane)
            folder = folder_of(checkpoints, name)
            folder.write_status(state="running", stage="starting", started=now(), message="Starting.")
            worker = processes.spawn(
                ["-m", "core.workers.job_worker", str(folder.path.resolve())], folder.path / "log.txt"
            )
            rows.execute(
                "UPDATE jobs SET state = 'running', pid = ?, started = ? WHERE name = ?",
                (worker.pid, worker.started, name),
            )


def _again(folder: AnalysisFolder) -> AnalysisFolder:
    return submit_analysis(folder.target(), folder.analysis(), folder.options())


def _job(folder: JobFolder, places: Mapping[str, int]) -> Job:
    status, place, dataset = folder.status(), places.get(folder.name), str(folder.dataset_path() or "")
    run, asked, words = folder.name, "", TRAINING_TITLE
    if isinstance(folder, AnalysisFolder):
        target, asked = folder.target(), folder.analysis()
        run, words = target.name if isinstance(target, RunFolder) else "", title(asked)
    return Job(folder.name, run, asked, words, status["state"], dataset, place, status.get("created", ""))


def _reconcile(checkpoints: Path) -> None:
    """Mark jobs whose worker is gone, without touching whoever has its pid now; let the waiting ones begin."""
    if not (checkpoints / "queue.sqlite").is_file() and not checkpoints.is_dir():
        return
    with _transaction(checkpoints) as rows:
        running = rows.execute("SELECT name, pid, started FROM jobs WHERE state = 'running'").fetchall()
        dead = [name for name, pid, started in running if not processes.is_alive(ProcessId(pid, started))]
        for name in dead:
            folder = folder_of(checkpoints, name)
            state = "interrupted"
            if (folder.path / "status.json").is_file():
                if folder.status()["state"] not in FINAL_STATES:
                    message = "The process stopped unexpectedly (killed, or the machine restarted). It can be resumed."
                    folder.write_status(state=state, finished=now(), message=message)
                    folder.add_event(state, message=message)
                state = folder.status()["state"]
            rows.execute("UPDATE jobs SET state = ? WHERE name = ?", (state, name))
        waiting = rows.execute("SELECT COUNT(*) FROM jobs WHERE state = 'queued'").fetchone()[0]
    if waiting:
        start_waiting(checkpoints)


def _places(checkpoints: Path) -> dict[str, int]:
    with _transaction(checkpoints) as rows:
        active = rows.execute(
            "SELECT name, lane, state FROM jobs WHERE state IN ('queued', 'running') ORDER BY lane, queued, name"
        ).fetchall()
    places: dict[str, int] = {}
    waiting: dict[str, int] = {}
    for name, lane, state in active:
        if state == "running":
            places[name] = 0
        else:
            waiting[lane] = places[name] = waiting.get(lane, 0) + 1
    return places


def _spec(dataset: Path, config: RunConfig) -> str:
    """Settings and data in one name: the same patches under another path are the same specification."""
    return f"{config.hash()}:{open_dataset(dataset).content_hash}"


def _lane(folder: JobFolder) -> str:
    """One lane a device, and one for what needs none. Asking torch takes seconds: a driver is looked for instead."""
    if isinstance(folder, AnalysisFolder):
        asked, target = analysis(folder.analysis()), folder.target()
        if not asked.needs_device:
            return FILES_LANE
        options = asked.options(folder.options())
        device = target.config().device if isinstance(target, RunFolder) else getattr(options, "device", "auto")
    else:
        device = folder.config().device
    accelerated = Path("/dev/nvidiactl").exists() or sys.platform == "darwin"
    return "cpu" if device == "cpu" or not accelerated else "accelerator"


# -------------------------------------------------------------------------------------------------- the rows


def _transaction(checkpoints: Path) -> AbstractContextManager[sqlite3.Connection]:
    """One exclusive transaction on the queue of this checkpoints folder."""
    return queue_db.transaction(Path(checkpoints) / "queue.sqlite", lambda: _rows_again(Path(checkpoints)))


def _under_way(rows: sqlite3.Connection, spec: str) -> str | None:
    """The job of this specification that waits or runs, or none."""
    found = rows.execute("SELECT name FROM jobs WHERE spec = ? AND state IN ('queued', 'running')", (spec,)).fetchone()
    return found[0] if found else None


def _add(rows: sqlite3.Connection, folder: JobFolder, spec: str) -> None:
    """Put a job at the end of its lane, new or not. Raises IntegrityError beside an equal one that waits or runs."""
    rows.execute(
        "INSERT INTO jobs (name, spec, dataset, lane, state, queued) VALUES (?, ?, ?, ?, 'queued', ?) "
        "ON CONFLICT (name) DO UPDATE SET state = 'queued', pid = NULL, started = NULL, queued = excluded.queued",
        (folder.name, spec, str(folder.dataset_path() or ""), _lane(folder), time.time()),
    )


def _rows_again(checkpoints: Path) -> Iterator[queue_db.Row]:
    """The rows of jobs that wait or run, read from their folders, the oldest first."""
    for folder in reversed(list_jobs(checkpoints)):
        try:
            status = folder.status()
            spec = folder.job()["spec"] if isinstance(folder, RunFolder) else folder.name
            if status["state"] in ACTIVE:
                process = status.get("pid", 0), status.get("pid_started", 0.0)
                dataset = str(folder.dataset_path() or "")
                yield folder.name, spec, dataset, _lane(folder), status["state"], *process, time.time()
        except LandslideLensError:
            continue  # a folder that cannot say what it is does not come back into the queue
