"""The queue: which jobs wait, which one has the device, and what became of the others.

A job is a folder (of a run, or of an analysis) plus a row in ``queue.sqlite`` beside the runs. The folders are the
truth; the rows keep order, lanes and process identities, and can be rebuilt from the folders.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from core import access
from core.analyses.registry import analysis, title
from core.config import RunConfig
from core.data.regions.leave_one_out import with_regions
from core.errors import JobError, RunError
from core.io.atomic import remove
from core.io.free_space import need_room
from core.io.plain_file import is_plain
from core.io.process_id import silence
from core.jobs import claim, forecast, processes, queue_db, rows, turns, webhook
from core.jobs.analysis_folder import AnalysisFolder, create, folder_for, folder_of, list_jobs, open_job
from core.jobs.executors import settings as executors
from core.jobs.processes import ProcessId
from core.jobs.rows import ACTIVE, UNUSABLE, JobFolder, transaction
from core.runs.plain_files import read_json
from core.runs.store import FINAL_STATES, RunFolder, create_run, list_runs, now, specification
from core.runs.targets import Target
from core.text import duration

__all__ = ["ACTIVE", "Job", "JobFolder", "cancel", "finish", "job", "jobs", "resume", "retry", "submit"]

TRAINING_TITLE = "Training"
THEN = "then.json"  # in a job's folder: what follows it
Plan = Mapping[str, Any] | None
Folder = TypeVar("Folder", RunFolder, AnalysisFolder)
SILENT_S = 900.0


@dataclass(frozen=True)
class Job:
    """One job as the queue sees it. ``place``: 0 runs now, 1 is next in its lane, none has ended.

    run: the run folder it belongs to, empty where it asks about a dataset. analysis: its name, empty for a training.
    title: what people call it. dataset: the file's path, empty where it has none. silent_s: seconds since the last sign
    of a worker that lives, None where nothing runs: from :data:`SILENT_S` on it takes a long step, or hangs.
    blocked: why it does not wait for its lane (paused, after another job), as a sentence. priority: 1 first, -1 last.
    starts_s: seconds until it starts, None where that is not known.
    """

    name: str
    run: str
    analysis: str
    title: str
    state: str
    dataset: str
    place: int | None
    created: str
    silent_s: float | None = None
    blocked: str = ""
    priority: int = 0
    starts_s: float | None = None

    @property
    def warning(self) -> str:
        """A sentence about a worker that has been silent for long; empty for others."""
        if self.silent_s is None or self.silent_s < SILENT_S:
            return ""
        return f"No sign for {duration(self.silent_s)}: a long step, or it hangs. If it hangs, cancel it and resume it."


def submit(
    checkpoints: Path, dataset: Path, config: RunConfig, then: Plan = None, jobs: Mapping[str, Any] | None = None
) -> RunFolder:
    """Queue a run and start it when its lane is free; a specification already queued or running gives that run.

    then: what follows when it has succeeded (``core.jobs.then``). jobs: where this run alone is done
    (``core.jobs.executors.settings``).

    Raises DataError when the dataset file cannot be opened, FoldError where its regions allow no folds
    (``folds.region``), and JobError where the checkpoints folder cannot be written or its disk is full.
    """
    access.require("train")
    with_regions(dataset, config)  # what its regions do not allow is told at once
    checkpoints, spec = Path(checkpoints), specification(dataset, config)
    rows.reconcile(checkpoints)
    need_room(checkpoints)
    with transaction(checkpoints) as table:
        if found := rows.under_way(table, spec):
            return _plan(RunFolder(checkpoints / found), then)
        run = _plan(create_run(checkpoints, config, dataset, spec), then)
        if jobs:
            executors.write(run.path, executors.of_a_job(jobs))
        rows.add(table, run, spec)
    rows.start_waiting(checkpoints)
    return run


def submit_analysis(
    target: Target, name: str, options: Mapping[str, Any] | None = None, then: Plan = None
) -> AnalysisFolder:
    """Queue an analysis (a name of ``core.analyses.registry``); the same question twice is one job.

    Asked again after it has ended, it is answered again. then: as for :func:`submit`.

    Raises RunError for a run that has not finished, ConfigError for an unknown name or options that the analysis does
    not take, JobError as :func:`submit` does.
    """
    access.require("train")
    asked = analysis(name)
    options = asked.options(options).model_dump(mode="json")
    if isinstance(target, RunFolder):
        target.require_finished()
    rows.reconcile(target.checkpoints)
    need_room(target.checkpoints)
    with transaction(target.checkpoints) as table:
        folder = folder_for(target, name, options)
        if rows.under_way(table, folder.name):
            return _plan(folder, then)
        _let_alone(folder)
        if asked.check is not None and not _was_broken_off(folder):
            asked.check(target, asked.options(options))
        folder = create(target, name, options)
        remove(folder.path / THEN)  # of the same question asked earlier
        rows.add(table, _plan(folder, then), folder.name)
    rows.start_waiting(target.checkpoints)
    return folder


def finished(checkpoints: Path, dataset: Path, config: RunConfig) -> RunFolder | None:
    """The newest run of this very specification that succeeded, or none."""
    spec = specification(dataset, config)
    runs = (run for run in list_runs(Path(checkpoints)) if run.known_status()["state"] == "succeeded")
    return next((run for run in runs if _spec_of(run) == spec), None)


def jobs(checkpoints: Path) -> list[Job]:
    """Every run, newest first, each followed by its analyses, then those of datasets, with state and place in lane.

    Jobs whose worker died are marked. A folder that cannot say how it stands is listed as failed. A checkpoints folder
    that is not there has none, and is not made.
    """
    checkpoints = Path(checkpoints)
    if not checkpoints.is_dir():
        return []
    return _seen(checkpoints, lambda: list_jobs(checkpoints))


def active(checkpoints: Path) -> list[Job]:
    """The jobs that wait or run, in the order in which they get their turn; ended ones are not looked at."""
    checkpoints = Path(checkpoints)
    if not checkpoints.is_dir():
        return []
    places = rows.settled(checkpoints)
    found = _with_starts(checkpoints, [_job(folder_of(checkpoints, name), places) for name in places])
    return sorted((one for one in found if one.state in ACTIVE), key=lambda one: (one.place or 0, one.name))


def was_used(checkpoints: Path) -> bool:
    """Whether anything was ever queued in this checkpoints folder. To ask this writes nothing."""
    return is_plain(Path(checkpoints) / rows.FILE)


def job(checkpoints: Path, name: str) -> Job:
    """One job as the queue sees it. Raises RunError when there is none of that name."""
    folder = open_job(checkpoints, name)
    return _seen(Path(checkpoints), lambda: [folder])[0]


def notices(checkpoints: Path) -> list[str]:
    """What happened to the queue's file (damaged, missing, rebuilt), in sentences; each is told once."""
    if not Path(checkpoints).is_dir():
        return []
    try:
        with transaction(checkpoints) as table:
            return queue_db.take_notices(table)
    except queue_db.UnwritableQueueError:
        return []


def cancel(checkpoints: Path, name: str, patience_s: float = 10.0) -> None:
    """Take a job out of the queue, or end its process group; a run's last checkpoint stays usable.

    Raises JobError when it has ended already.
    """
    access.require("train")
    checkpoints, folder = Path(checkpoints), open_job(checkpoints, name)
    _seen(checkpoints, lambda: [folder])
    with transaction(checkpoints) as table:
        row = table.execute("SELECT state, pid, started FROM jobs WHERE name = ?", (folder.name,)).fetchone()
        if row is None or row[0] not in ACTIVE:
            state = folder.known_status()["state"]
            if state == "running" and rows.is_row(folder):
                raise JobError(
                    f"'{folder.name}' is a row of an experiment that is running. Cancel the experiment: finished rows "
                    "are kept."
                )
            raise JobError(f"'{folder.name}' has ended ({state}); there is nothing to cancel.")
        if row[0] == "queued":
            folder.add_event("cancelled", message="Cancelled.")
            folder.write_status(state="cancelled", finished=now(), message="Cancelled.")
            rows.drop(table, folder.name)
    if row[0] == "running":
        processes.end(ProcessId(row[1], row[2]), patience_s)
    finish(folder, "cancelled", message="Cancelled.")


def resume(checkpoints: Path, name: str) -> JobFolder:
    """Queue a job that was interrupted, cancelled or failed: a training goes on from its checkpoint, others start anew.

    Raises JobError when it is waiting, running or has succeeded.
    """
    access.require("train")
    checkpoints, folder = Path(checkpoints), open_job(checkpoints, name)
    _seen(checkpoints, lambda: [folder])
    state = folder.known_status()["state"]
    if state not in FINAL_STATES or state == "succeeded":
        raise JobError(f"'{folder.name}' is {state}; only an interrupted, cancelled or failed job can be resumed.")
    if isinstance(folder, AnalysisFolder):
        return _again(folder)
    need_room(checkpoints)
    spec = folder.job()["spec"]
    try:
        with transaction(checkpoints) as table:
            if folder.known_status()["state"] in ACTIVE:
                return folder  # somebody else resumed it in this very moment
            _let_alone(folder)
            rows.add(table, folder, spec)
            folder.write_status(state="queued", stage="waiting", message="Waiting to be resumed.", error=None)
    except sqlite3.IntegrityError as error:
        raise JobError(
            f"The same specification as '{folder.name}' is already waiting or running. Follow that run instead."
        ) from error
    rows.start_waiting(checkpoints)
    return folder


def retry(checkpoints: Path, name: str) -> JobFolder:
    """A new run with the same specification and dataset as ``name``; an analysis is done again."""
    folder = open_job(checkpoints, name)
    if isinstance(folder, AnalysisFolder):
        return _again(folder)
    return submit(Path(checkpoints), folder.dataset_path(), folder.config(), planned(folder))


def finish(folder: JobFolder, state: str, **fields: object) -> None:
    """Record how a job ended, in its folder and in the queue, and start the next one of its lane.

    A folder that was deleted meanwhile gets no status: its row goes, and the others go on.
    """

    def write() -> None:
        if folder.path.is_dir() and folder.known_status()["state"] not in FINAL_STATES:
            folder.add_event(state, **fields)  # first: whoever sees the state can read what was told
            folder.write_status(state=state, finished=now(), **fields)

    try:
        with transaction(folder.checkpoints) as table:  # nobody sees the one without the other
            write()
            rows.drop(table, folder.name)
            if state == "succeeded":
                forecast.note(table, folder)
    except queue_db.UnwritableQueueError:
        write()  # a full disk: the row goes when the queue next looks
        raise
    turns.forget_turn(folder)
    if state != "cancelled":  # whoever cancels knows
        webhook.send_later(folder)
    rows.start_waiting(folder.checkpoints)


def _again(folder: AnalysisFolder) -> AnalysisFolder:
    return submit_analysis(folder.target(), folder.analysis(), folder.options(), planned(folder))


def planned(folder: JobFolder) -> Plan:
    """What follows this job when it has succeeded; None where nothing does."""
    return read_json(folder.path / THEN) if is_plain(folder.path / THEN) else None


def _plan(folder: Folder, then: Plan) -> Folder:
    if then is not None:
        folder.write_json(THEN, dict(then))
    return folder


def _was_broken_off(folder: AnalysisFolder) -> bool:
    """Whether this very question was asked before and its answer was not finished."""
    return folder.known_status()["state"] in ("interrupted", "cancelled") and (folder.path / "events.jsonl").is_file()


def _let_alone(folder: JobFolder) -> None:
    """Raises JobError while a process works in the folder, whatever its status and the queue say."""
    if claim.working(folder.path) is not None:
        raise JobError(f"A process still works on '{folder.name}'. Wait until it has ended, or cancel it.")


def _seen(checkpoints: Path, folders: Callable[[], Iterable[JobFolder]]) -> list[Job]:
    """These jobs as the queue sees them; those that lost their row get it again."""
    places = rows.settled(checkpoints)
    found = [(folder, _job(folder, places)) for folder in folders()]
    lost = [folder for folder, one in found if one.state in ACTIVE and one.name not in places]
    if lost:
        try:
            rows.adopt(checkpoints, lost)
        except queue_db.UnwritableQueueError:
            return [one for _, one in found]
        places = rows.settled(checkpoints)
        found = [(folder, _job(folder, places)) for folder, _ in found]
    return _with_starts(checkpoints, [one for _, one in found])


def _with_starts(checkpoints: Path, found: list[Job]) -> list[Job]:
    """With when those that wait will start."""
    if not any(one.state == "queued" for one in found):
        return found
    starts = rows.starts(checkpoints)
    return [replace(one, starts_s=starts.get(one.name)) for one in found]


def _job(folder: JobFolder, places: Mapping[str, int]) -> Job:
    """One folder as a job; whatever of it cannot be read stays empty."""
    status = folder.known_status()
    run, asked, words, dataset = folder.name, "", TRAINING_TITLE, ""
    try:
        if isinstance(folder, AnalysisFolder):
            target, asked = folder.target(), folder.analysis()
            run, words = target.name if isinstance(target, RunFolder) else "", title(asked)
        dataset = str(folder.dataset_path() or "")
    except UNUSABLE:
        pass
    created, state = str(status.get("created") or ""), status["state"]
    turn = turns.turn_of(folder) if state == "queued" else turns.Turn()
    blocked = turns.blocked(folder.checkpoints, turn)
    return Job(
        folder.name, run, asked, words, state, dataset, places.get(folder.name), created, silent_for(status), blocked,
        turn.priority,
    )  # fmt: skip


def silent_for(status: Mapping[str, Any]) -> float | None:
    """Seconds since the worker of a running job gave its last sign, by its status; None where that is not known."""
    try:
        if status["state"] == "running":
            return silence(ProcessId(int(status["pid"]), str(status["pid_started"])), float(status["heartbeat"]))
    except (RunError, KeyError, TypeError, ValueError):
        pass
    return None


def _spec_of(run: RunFolder) -> str | None:
    try:
        return run.job()["spec"]
    except UNUSABLE:
        return None
