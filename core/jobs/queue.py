"""The queue: which jobs wait, which one has the device, and what became of the others.

Comes in: a dataset and a configuration, or a finished run and what is asked of it. Goes out: :class:`Job` records and
folders. A job is a folder (a run, or a study inside one) plus a row in ``queue.sqlite`` beside the runs; the folders
are the truth, the rows keep order, lanes and process identities, and can be rebuilt from the folders. It knows nothing
of what a worker does.
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

from core.config import RunConfig
from core.data.store import open_dataset
from core.errors import JobError, LandslideLensError, RunError
from core.jobs import processes, queue_db
from core.jobs.analysis_folder import StudyFolder, create_study, folder_of, list_jobs, open_job, study_of
from core.jobs.processes import ProcessId
from core.runs.store import FINAL_STATES, RunFolder, create_run, list_runs, now

JobFolder = RunFolder | StudyFolder
ACTIVE = ("queued", "running")


@dataclass(frozen=True)
class Job:
    """One job as the queue sees it. ``place``: 0 runs now, 1 is next in its lane, none has ended.

    ``run``: the run folder it belongs to; ``study``: what is asked of that run, empty for its training.
    """

    name: str
    run: str
    study: str
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


def submit_study(run: RunFolder, study: str, options: Mapping[str, Any] | None = None) -> StudyFolder:
    """Queue a study (a name of ``core.analyses.registry``) of a finished run; the same question twice is one job.

    Asked again after it has ended, it is answered again. Raises RunError for a run that has not finished.
    """
    if (state := run.status()["state"]) != "succeeded":
        raise RunError(f"Run '{run.name}' has not finished ({state}). Resume it, or choose another.")
    _reconcile(run.checkpoints)
    with _transaction(run.checkpoints) as rows:
        asked = study_of(run, study, options)
        if _under_way(rows, asked.name):
            return asked
        asked = create_study(run, study, options)
        _add(rows, asked, asked.name)
    start_waiting(run.checkpoints)
    return asked


def finished(checkpoints: Path, dataset: Path, config: RunConfig) -> RunFolder | None:
    """The newest run of this very specification that succeeded, or none."""
    spec = _spec(dataset, config)
    runs = (run for run in list_runs(Path(checkpoints)) if run.status()["state"] == "succeeded")
    return next((run for run in runs if run.job()["spec"] == spec), None)


def jobs(checkpoints: Path) -> list[Job]:
    """Every run, newest first, each followed by its studies, with state and place in its lane.

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
    """Queue a job that was interrupted, cancelled or failed: a run goes on from its newest checkpoint, a study afresh.

    Raises JobError when it is waiting, running or has succeeded.
    """
    checkpoints, folder = Path(checkpoints), open_job(checkpoints, name)
    _reconcile(checkpoints)
    state = folder.status()["state"]
    if state not in FINAL_STATES or state == "succeeded":
        raise JobError(f"'{folder.name}' is {state}; only an interrupted, cancelled or failed job can be resumed.")
    if isinstance(folder, StudyFolder):
        return submit_study(folder.run, **folder.asked())
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
    """A new run with the same specification and dataset as ``name``; a study is answered again."""
    folder = open_job(checkpoints, name)
    if isinstance(folder, StudyFolder):
        return submit_study(folder.run, **folder.asked())
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


def _job(folder: JobFolder, places: Mapping[str, int]) -> Job:
    run, study = (folder.run, folder.asked()["study"]) if isinstance(folder, StudyFolder) else (folder, "")
    status, dataset = folder.status(), str(run.dataset_path())
    place = places.get(folder.name)
    return Job(folder.name, run.name, study, status["state"], dataset, place, status.get("created", ""))


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
                    message = "The process ended without a word (killed, or the machine restarted). It can be resumed."
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


def _lane(config: RunConfig) -> str:
    """One lane a device. Asking torch would take seconds, so 'auto' looks for a driver instead."""
    accelerated = Path("/dev/nvidiactl").exists() or sys.platform == "darwin"
    return "cpu" if config.device == "cpu" or not accelerated else "accelerator"


# -------------------------------------------------------------------------------------------------- the rows


def _transaction(checkpoints: Path) -> AbstractContextManager[sqlite3.Connection]:
    """One exclusive transaction on the queue of this checkpoints folder."""
    return queue_db.transaction(Path(checkpoints) / "queue.sqlite", lambda: _rows_again(Path(checkpoints)))


def _under_way(rows: sqlite3.Connection, spec: str) -> str | None:
    """The job of this specification that waits or runs, or none."""
    found = rows.execute("SELECT name FROM jobs WHERE spec = ? AND state IN ('queued', 'running')", (spec,)).fetchone()
    return found[0] if found else None


def _add(rows: sqlite3.Connection, folder: JobFolder, spec: str) -> None:
    """Put a job at the end of its lane, where it has been before or not. Raises IntegrityError beside its twin."""
    run = folder.run if isinstance(folder, StudyFolder) else folder
    rows.execute(
        "INSERT INTO jobs (name, spec, dataset, lane, state, queued) VALUES (?, ?, ?, ?, 'queued', ?) "
        "ON CONFLICT (name) DO UPDATE SET state = 'queued', pid = NULL, started = NULL, queued = excluded.queued",
        (folder.name, spec, str(run.dataset_path()), _lane(run.config()), time.time()),
    )


def _rows_again(checkpoints: Path) -> Iterator[queue_db.Row]:
    """The rows of jobs that wait or run, read from their folders, the oldest first."""
    for folder in reversed(list_jobs(checkpoints)):
        try:
            status = folder.status()
            run, is_study = (folder.run, True) if isinstance(folder, StudyFolder) else (folder, False)
            spec = folder.name if is_study else run.job()["spec"]
            if status["state"] in ACTIVE:
                process = status.get("pid", 0), status.get("pid_started", 0.0)
                lane = _lane(run.config())
                yield folder.name, spec, str(run.dataset_path()), lane, status["state"], *process, time.time()
        except LandslideLensError:
            continue  # a folder that cannot say what it is does not come back into the queue
