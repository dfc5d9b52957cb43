"""Trains the rows of an experiment, one after the other in one process, and writes its table after each.

A row is an ordinary run in the checkpoints folder. One that is there already, from here or from elsewhere, with the
same settings and patches is not trained again; one that was broken off goes on from its checkpoint.
"""

from __future__ import annotations

import json
import os
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from typing import Any

from core.config import RunConfig
from core.config.packaged_weights import require
from core.data.exclusions import without_excluded
from core.data.label_versions import with_version_named
from core.errors import LandslideLensError
from core.experiments.base import Asked, Kind, Row, planned
from core.experiments.budget import said
from core.experiments.results import Table
from core.flow.shared import Shared
from core.io.process_id import ProcessId, heartbeat, identify, is_alive, myself
from core.progress import Progress, Steps, part
from core.runs.labels import write_label
from core.runs.repeats import repeated
from core.runs.results import ResultFolder
from core.runs.store import RunFolder, create_run, list_runs, now, specification
from core.runs.telling import teller
from core.text import duration

TABLE = "table.json"


def ready(asked: Asked, row: Row) -> Row:
    """The row as it is trained: without excluded patches, with the version of the labels that is meant.

    Raises ConfigError and DataError for what cannot be trained.
    """
    path = row.dataset or asked.dataset.path
    config, _ = with_version_named(row.config, path)
    require(config.model)
    return replace(row, config=without_excluded(config, path)[0])


def run_rows(
    asked: Asked, kind: Kind, name: str, folder: ResultFolder, seeds: int = 1, shared: Shared | None = None
) -> Steps[Table]:
    """Train what is missing, and return the table. Each row is trained with ``seeds`` seeds.

    shared: what the rows share; none: something new.

    A row that cannot be trained is in the table with its reason, and the others are trained all the same. Raises
    ConfigError for what cannot be asked, RunError where no row could be trained.
    """
    if kind.prepare is not None:
        yield from kind.prepare(asked)
    rows = [ready(asked, row) for row in planned(kind, asked)]
    table, shared = Table(kind, asked, rows, seeds, reduced_words(kind, asked)), shared or Shared()
    runs: dict[str, list[RunFolder]] = {}
    folder.write_json(TABLE, table.to_dict())
    for i, row in enumerate(rows):
        words = f"Row {i + 1} of {len(rows)} ({row.title})"
        try:
            configs = repeated(_started(row, runs), seeds)
            for k, config in enumerate(configs):
                span = (i + k / seeds) / len(rows), (i + (k + 1) / seeds) / len(rows)
                told = f"{words}, seed {k + 1} of {seeds}" if seeds > 1 else words
                run = yield from _named(told, part(_trained(asked, row, config, name, shared), *span))
                runs.setdefault(row.name, []).append(run)
            table.add(row, runs[row.name])
        except LandslideLensError as error:
            table.fail(row, str(error))
            yield Progress((i + 1) / len(rows), f"{words}: {error}", "row_failed", {"row": row.name})
        folder.write_json(TABLE, table.to_dict())
    table.require_any()
    if asked.budget == "small":
        table.full = yield from full_budget(kind, asked, seeds)
        folder.write_json(TABLE, table.to_dict())
    return table


def reduced_words(kind: Kind, asked: Asked) -> str:
    """What a small budget changed, by the baseline row; empty on a full one."""
    if asked.budget == "full":
        return ""
    full, small = (planned(kind, replace(asked, budget=name))[0].config for name in ("full", "small"))
    return said(full, small)


def full_budget(kind: Kind, asked: Asked, seeds: int = 1) -> Steps[dict[str, Any]]:
    """What the full budget would take here, from a few measured steps of its baseline row: seconds, rows, sentence."""
    from core.preflight.estimate import estimate

    rows = planned(kind, replace(asked, budget="full"))
    trainings = seeds * len({row.config.hash() for row in rows})
    yield Progress(1.0, "Estimating the full budget on a few steps of its baseline row.")
    try:
        steps = estimate(asked.dataset.path, rows[0].config, asked.checkpoints)
        found = yield from part(steps, 1.0, 1.0)
    except (LandslideLensError, MemoryError) as error:
        return {"seconds": None, "sentence": f"What the full budget would take could not be measured here: {error}"}
    seconds = trainings * found.total_seconds
    words = (
        f"The full budget would take about {duration(seconds)} on this machine: {trainings} runs like "
        f"'{rows[0].title}' ({found.folds} folds, {found.epochs} epochs), from {found.steps_measured} measured steps."
    )
    return {"seconds": seconds, "sentence": words if found.fits else f"{words} It does not fit into its memory."}


def _named(words: str, steps: Steps[RunFolder]) -> Steps[RunFolder]:
    """The same steps, each message with the row that it is of. Events of the run are its own, not the experiment's."""
    try:
        while True:
            step = next(steps)
            yield replace(step, message=f"{words}: {step.message}", event="row" if step.event == "row" else "")
    except StopIteration as stop:
        return stop.value
    finally:
        steps.close()


def _started(row: Row, runs: dict[str, list[RunFolder]]) -> RunConfig:
    """The row's configuration, with the weights of the row that it starts from."""
    if not row.weights_of:
        return row.config
    if row.weights_of not in runs:
        raise LandslideLensError(f"It starts from the row '{row.weights_of}', which could not be trained.")
    return row.config.with_overrides([f"model.weights={json.dumps(str(runs[row.weights_of][0].path.resolve()))}"])


def _trained(asked: Asked, row: Row, config: RunConfig, experiment: str, shared: Shared) -> Steps[RunFolder]:
    """The run of these settings, trained here unless it is there."""
    dataset, spec = row.dataset or asked.dataset.path, specification(row.dataset or asked.dataset.path, config)
    run = _there(asked.checkpoints, spec, experiment)
    if run is None:
        run = create_run(asked.checkpoints, config, dataset, spec)
        run.write_json("job.json", {**run.job(), "experiment": experiment, "row": row.name})
        write_label(run, title=f"{row.title} ({experiment.partition('-')[0]})"[:80])
    if run.known_status()["state"] != "succeeded":
        yield from train_here(run, shared)
    yield Progress(1.0, "trained.", "row", {"row": row.name, "run": run.name})
    return run


def _there(checkpoints: Path, spec: str, experiment: str) -> RunFolder | None:
    """The newest finished run of this specification, or one of this experiment that was broken off."""
    broken = None
    for run in list_runs(checkpoints):
        try:
            asked, status = run.job(), run.status()
        except LandslideLensError:
            continue
        if asked.get("spec") != spec:
            continue
        if status["state"] == "succeeded":
            return run
        if broken is None and asked.get("experiment") == experiment and not _is_worked_on(status):
            broken = run
    return broken


def _is_worked_on(status: dict) -> bool:
    if status["state"] != "running":
        return False
    process = ProcessId(int(status.get("pid") or 0), str(status.get("pid_started")))
    return process != identify(os.getpid()) and is_alive(process)


def train_here(run: RunFolder, shared: Shared) -> Generator[Progress, None, None]:
    """Train a run in this process, as its own worker would: its folder tells how far it is, and how it ended."""
    from core.pipeline import resume_point, train_run

    me = myself()
    again = any(event.get("event") == "started" for event in run.events()[0])
    run.write_status(
        state="running", started=now(), finished=None, pid=me.pid, pid_started=me.started, heartbeat=heartbeat(),
        message="Reading the dataset.", error=None,
    )  # fmt: skip
    run.add_event("started", pid=me.pid)
    tell = teller(run, aloud=False)
    try:
        if again:
            tell(resume_point(run))
        for step in train_run(run, shared):
            tell(step)
            yield step
    except LandslideLensError as error:
        _ended(run, "failed", error=str(error), message=str(error))
        raise
    except Exception as error:
        text = f"It was stopped by {type(error).__name__}; the log of its experiment has the details."
        _ended(run, "failed", error=text, message=text)
        raise
    except BaseException:  # cancelled: what is finished stays
        _ended(run, "cancelled", message="Cancelled with its experiment.")
        raise
    _ended(run, "succeeded", stage="done", message="Done.", progress=1.0, eta_s=0.0)


def _ended(run: RunFolder, state: str, **fields: object) -> None:
    if run.path.is_dir():
        run.add_event(state, **fields)
        run.write_status(state=state, finished=now(), **fields)
