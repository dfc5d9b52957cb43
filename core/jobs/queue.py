"""The queue: which runs wait, which one has the device, and what became of the others.

Comes in: a dataset, a configuration, a run's name. Goes out: :class:`Job` records and run folders. A job is a run
folder plus a row in ``queue.sqlite`` beside the runs; the folders are the truth, the rows keep order, lanes and
process identities, and can be rebuilt from the folders. It knows nothing of what a worker does.
"""

from __future__ import annotations

import sqlite3
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from core.config import RunConfig
from core.data.store import open_dataset
from core.errors import JobError, LandslideLensError
from core.jobs import processes
from core.jobs.processes import ProcessId
from core.runs.store import FINAL_STATES, RunFolder, create_run, list_runs, now, open_run

SCHEMA_VERSION = 1
LOCK_TIMEOUT_S = 30.0
_SCHEMA = """
CREATE TABLE IF NOT EXISTS jobs (
    name TEXT PRIMARY KEY, spec TEXT NOT NULL, dataset TEXT NOT NULL, lane TEXT NOT NULL, state TEXT NOT NULL,
    pid INTEGER, started REAL, queued REAL NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS one_active_spec ON jobs (spec) WHERE state IN ('queued', 'running');
CREATE UNIQUE INDEX IF NOT EXISTS one_running_per_lane ON jobs (lane) WHERE state = 'running';
"""


@dataclass(frozen=True)
class Job:
    """One run as the queue sees it. ``place``: 0 runs now, 1 is next in its lane, none has ended."""

    name: str
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
        found = rows.execute(
            "SELECT name FROM jobs WHERE spec = ? AND state IN ('queued', 'running')", (spec,)
        ).fetchone()
        if found:
            return RunFolder(checkpoints / found[0])
        run = create_run(checkpoints, config, dataset, spec)
        rows.execute(
            "INSERT INTO jobs (name, spec, dataset, lane, state, queued) VALUES (?, ?, ?, ?, 'queued', ?)",
            (run.name, spec, str(Path(dataset).resolve()), _lane(config), time.time()),
        )
    start_waiting(checkpoints)
    return run


def finished(checkpoints: Path, dataset: Path, config: RunConfig) -> RunFolder | None:
    """The newest run of this very specification that succeeded, or none."""
    spec = _spec(dataset, config)
    runs = (run for run in list_runs(Path(checkpoints)) if run.status()["state"] == "succeeded")
    return next((run for run in runs if run.job()["spec"] == spec), None)


def jobs(checkpoints: Path) -> list[Job]:
    """Every run, newest first, each with its state and its place in its lane. Workers that died are marked."""
    checkpoints = Path(checkpoints)
    _reconcile(checkpoints)
    places = _places(checkpoints)
    listed = []
    for run in list_runs(checkpoints):
        status = run.status()
        listed.append(Job(run.name, status["state"], dataset_of(run), places.get(run.name), status.get("created", "")))
    return listed


def job(checkpoints: Path, name: str) -> Job:
    """One run as the queue sees it. Raises RunError when there is none of that name."""
    run = open_run(checkpoints, name)
    _reconcile(Path(checkpoints))
    status = run.status()
    place = _places(Path(checkpoints)).get(run.name)
    return Job(run.name, status["state"], dataset_of(run), place, status.get("created", ""))


def cancel(checkpoints: Path, name: str, patience_s: float = 10.0) -> None:
    """Take a run out of the queue, or end its process group; its last checkpoint stays usable.

    Raises JobError when it has ended already.
    """
    checkpoints, run = Path(checkpoints), open_run(checkpoints, name)
    _reconcile(checkpoints)
    with _transaction(checkpoints) as rows:
        row = rows.execute("SELECT state, pid, started FROM jobs WHERE name = ?", (run.name,)).fetchone()
        if row is None or row[0] not in ("queued", "running"):
            raise JobError(f"Run '{run.name}' has ended ({run.status()['state']}); there is nothing to cancel.")
        if row[0] == "queued":
            rows.execute("UPDATE jobs SET state = 'cancelled' WHERE name = ?", (run.name,))
    if row[0] == "running":
        processes.end(ProcessId(row[1], row[2]), patience_s)
    finish(checkpoints, run, "cancelled", message="Cancelled.")


def resume(checkpoints: Path, name: str) -> RunFolder:
    """Queue a run that was interrupted, cancelled or failed; it goes on from its newest checkpoint.

    Raises JobError when it is waiting, running or has succeeded.
    """
    checkpoints, run = Path(checkpoints), open_run(checkpoints, name)
    _reconcile(checkpoints)
    state = run.status()["state"]
    if state not in FINAL_STATES or state == "succeeded":
        raise JobError(f"Run '{run.name}' is {state}; only an interrupted, cancelled or failed run can be resumed.")
    config = run.config()
    try:
        with _transaction(checkpoints) as rows:
            rows.execute(
                "INSERT INTO jobs (name, spec, dataset, lane, state, queued) VALUES (?, ?, ?, ?, 'queued', ?) "
                "ON CONFLICT (name) DO UPDATE "
                "SET state = 'queued', pid = NULL, started = NULL, queued = excluded.queued",
                (run.name, run.job()["spec"], dataset_of(run), _lane(config), time.time()),
            )
            run.write_status(state="queued", stage="waiting", message="Waiting to be resumed.", error=None)
    except sqlite3.IntegrityError as error:
        raise JobError(
            f"The same specification as '{run.name}' is already waiting or running. Follow that run instead."
        ) from error
    start_waiting(checkpoints)
    return run


def retry(checkpoints: Path, name: str) -> RunFolder:
    """A new run with the same specification and dataset as ``name``."""
    run = open_run(checkpoints, name)
    return submit(checkpoints, Path(dataset_of(run)), run.config())


def dataset_of(run: RunFolder) -> str:
    """Absolute path of the dataset file that a run was submitted with, or of its copy beside a copied run."""
    return str(run.dataset_path())


def finish(checkpoints: Path, run: RunFolder, state: str, **fields: object) -> None:
    """Record how a run ended, in its folder and in the queue, and start the next one of its lane."""
    if run.status()["state"] not in FINAL_STATES:
        run.write_status(state=state, finished=now(), **fields)
        run.add_event(state, **fields)
    with _transaction(Path(checkpoints)) as rows:
        rows.execute("UPDATE jobs SET state = ? WHERE name = ?", (run.status()["state"], run.name))
    start_waiting(Path(checkpoints))


def start_waiting(checkpoints: Path) -> None:
    """Give every free lane to the run that has waited longest for it."""
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
            run = RunFolder(checkpoints / name)
            run.write_status(state="running", stage="starting", started=now(), message="Starting.")
            worker = processes.spawn(["-m", "core.jobs.worker", str(run.path.resolve())], run.path / "log.txt")
            rows.execute(
                "UPDATE jobs SET state = 'running', pid = ?, started = ? WHERE name = ?",
                (worker.pid, worker.started, name),
            )


def _reconcile(checkpoints: Path) -> None:
    """Mark runs whose worker is gone, without touching whoever has its pid now; let the waiting ones begin."""
    if not (checkpoints / "queue.sqlite").is_file() and not checkpoints.is_dir():
        return
    with _transaction(checkpoints) as rows:
        running = rows.execute("SELECT name, pid, started FROM jobs WHERE state = 'running'").fetchall()
        dead = [name for name, pid, started in running if not processes.is_alive(ProcessId(pid, started))]
        for name in dead:
            run = RunFolder(checkpoints / name)
            state = "interrupted"
            if (run.path / "status.json").is_file():
                if run.status()["state"] not in FINAL_STATES:
                    message = "The process ended without a word (killed, or the machine restarted). It can be resumed."
                    run.write_status(state=state, finished=now(), message=message)
                    run.add_event(state, message=message)
                state = run.status()["state"]
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


# ------------------------------------------------------------------------------------------------ the file


@contextmanager
def _transaction(checkpoints: Path) -> Iterator[sqlite3.Connection]:
    """One exclusive transaction on the queue file; a locked file is waited for, a corrupt one is rebuilt."""
    checkpoints.mkdir(parents=True, exist_ok=True)
    path = checkpoints / "queue.sqlite"
    try:
        connection = _connect(path)
    except sqlite3.OperationalError as error:
        raise JobError(
            f"The queue {path.name} cannot be used: {error}. Is the checkpoints folder writable, and no other "
            "program holding the file? Try again in a moment."
        ) from error
    except sqlite3.DatabaseError:
        connection = _rebuild(path)
    try:
        connection.execute("BEGIN IMMEDIATE")
        yield connection
        connection.execute("COMMIT")
    except BaseException as error:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        if isinstance(error, sqlite3.OperationalError):
            raise JobError(f"The queue {path.name} cannot be used: {error}. Try again in a moment.") from error
        raise
    finally:
        connection.close()


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=LOCK_TIMEOUT_S, isolation_level=None)
    try:
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version > SCHEMA_VERSION:
            raise JobError(
                f"{path.name} was written by a newer Landslide Lens (version {version}, this one knows "
                f"{SCHEMA_VERSION}). Update, or move the file away: it is rebuilt from the run folders."
            )
        if version < SCHEMA_VERSION:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.executescript(_SCHEMA)
            connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        return connection
    except BaseException:
        connection.close()
        raise


def _rebuild(path: Path) -> sqlite3.Connection:
    """A fresh queue from the run folders; the corrupt file is kept beside it under another name."""
    for suffix in ("", "-wal", "-shm"):
        broken = path.with_name(path.name + suffix)
        if broken.exists():
            broken.replace(path.with_name(f"{path.name}.corrupt-{time.time_ns()}{suffix}"))
    connection = _connect(path)
    for run in reversed(list_runs(path.parent)):
        try:
            status, config = run.status(), run.config()
            if status["state"] in ("queued", "running"):
                connection.execute(
                    "INSERT OR IGNORE INTO jobs VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                    (
                        run.name,
                        run.job()["spec"],
                        dataset_of(run),
                        _lane(config),
                        status["state"],
                        status.get("pid", 0),
                        status.get("pid_started", 0.0),
                        time.time(),
                    ),
                )
        except LandslideLensError:
            continue  # a folder that cannot say what it is does not come back into the queue
    return connection
