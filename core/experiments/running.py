"""Trains the rows of an experiment, each a part of its job, and writes its table after each.

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
from core.data.store import open_dataset
from core.errors import LandslideLensError
from core.experiments.base import Asked, Kind, Row, planned
from core.experiments.budget import said
from core.experiments.results import Table
from core.flow.shared import Shared
from core.io.process_id import ProcessId, heartbeat, identify, is_alive, myself
from core.parts import Done, Part, executor
from core.progress import Progress, Steps, part
from core.runs.labels import write_label
from core.runs.repeats import repeated
from core.runs.results import ResultFolder
from core.runs.store import RunFolder, create_run, list_runs, now, specification
from core.runs.telling import teller
from core.text import counted, duration

TABLE = "table.json"


def ready(asked: Asked, row: Row) -> Row:
    """The row as it is trained: without excluded patches, with the version of the labels that is meant.

    Raises ConfigError and DataError for what cannot be trained.
    """
    path = row.dataset or asked.dataset.path
    config, _ = with_version_named(row.config, path)
    require(config.model)
    return replace(row, config=without_excluded(config, open_dataset(path))[0])


def run_rows(
    asked: Asked, kind: Kind, name: str, folder: ResultFolder, seeds: int = 1, shared: Shared | None = None
) -> Steps[Table]:
    """Train what is missing, and return the table. Each row is trained with ``seeds`` seeds.

    shared: what the rows share in this process; none: something new.

    A row that cannot be trained is in the table with its reason, and the others are trained all the same. Raises
    ConfigError for what cannot be asked, RunError where no row could be trained.
    """
    if kind.prepare is not None:
        yield from kind.prepare(asked)
    rows = [ready(asked, row) for row in planned(kind, asked)]
    table, shared = Table(kind, asked, rows, seeds, reduced_words(kind, asked)), shared or Shared()
    runs: dict[str, list[RunFolder]] = {}
    folder.write_json(TABLE, table.to_dict())
    done = 0
    for wave in _waves(rows):
        asked_of: dict[str, list[RunConfig]] = {}
        for row in wave:
            try:
                asked_of[row.name] = repeated(_started(row, runs), seeds)
            except LandslideLensError as error:
                table.fail(row, str(error))
                folder.write_json(TABLE, table.to_dict())
                yield Progress((done + 1) / len(rows), f"{row.title}: {error}", "row_failed", {"row": row.name})
        span = done / len(rows), (done + len(wave)) / len(rows)
        yield from _wave(asked, wave, asked_of, name, shared, runs, table, folder, span)
        done += len(wave)
    table.require_any()
    if asked.budget == "small":
        table.full = yield from full_budget(kind, asked, seeds)
        folder.write_json(TABLE, table.to_dict())
    return table


def _waves(rows: list[Row]) -> list[list[Row]]:
    """Rows in their order, those that start from another row's weights after it."""
    waves: list[list[Row]] = []
    left, named = list(rows), {row.name for row in rows}
    while left:
        before = {row.name for wave in waves for row in wave}
        wave = [row for row in left if not row.weights_of or row.weights_of in before or row.weights_of not in named]
        wave = wave or left  # in a circle: each says what it waits for
        waves.append(wave)
        left = [row for row in left if row not in wave]
    return waves


def _wave(
    asked: Asked,
    wave: list[Row],
    asked_of: dict[str, list[RunConfig]],
    experiment: str,
    shared: Shared,
    runs: dict[str, list[RunFolder]],
    table: Table,
    folder: ResultFolder,
    span: tuple[float, float],
) -> Generator[Progress, None, None]:
    """Train what these rows need, each specification once, and put every row into the table that has its runs."""
    parts: list[Part] = []
    wanted: list[list[tuple[Row, int]]] = []  # of each part the rows, and their seeds, that it is for
    known: dict[str, int] = {}
    for row in wave:
        dataset = row.dataset or asked.dataset.path
        for k, config in enumerate(asked_of.get(row.name, ())):
            spec = specification(dataset, config)
            if spec in known:
                wanted[known[spec]].append((row, k))
                continue
            known[spec] = len(parts)
            wanted.append([(row, k)])
            words = f"Row {table.rows.index(row) + 1} of {len(table.rows)} ({row.title})"
            words += f", seed {k + 1} of {table.seeds}" if table.seeds > 1 else ""
            parts.append(row_part(words, asked.checkpoints, dataset, config, experiment, row, shared))
    found: dict[str, dict[int, RunFolder]] = {row.name: {} for row in wave}
    shares = [0.0] * len(parts)
    told = executor().map(parts)
    try:
        for i, said in told:
            shares[i] = 1.0 if isinstance(said, Done) else said.share
            share = span[0] + (span[1] - span[0]) * sum(shares) / len(parts)
            if not isinstance(said, Done):
                # Events of the run are its own, not the experiment's.
                event = said.event if said.event in ("row", "part", "retried") else ""
                yield replace(said, share=share, message=f"{parts[i].name}: {said.message}", event=event)
                continue
            for row, k in wanted[i]:
                try:
                    if said.error is not None:
                        raise said.error
                    found[row.name][k] = RunFolder(asked.checkpoints / said.value["run"])
                    if len(found[row.name]) == table.seeds:
                        runs[row.name] = [found[row.name][seed] for seed in range(table.seeds)]
                        table.add(row, runs[row.name])
                except LandslideLensError as error:
                    table.fail(row, str(error))
                    text = f"{parts[i].name}: {error}"
                    yield Progress(share, text, "row_failed", {"row": row.name})
                folder.write_json(TABLE, table.to_dict())
    finally:
        told.close()


def row_part(
    words: str, checkpoints: Path, dataset: Path, config: RunConfig, experiment: str, row: Row, shared: Shared
) -> Part:
    """The training of one row as a part of its experiment's job."""
    me = myself()
    arguments: dict[str, Any] = {
        "checkpoints": str(Path(checkpoints).resolve()), "dataset": str(Path(dataset).resolve()),
        "config": config.to_json(), "experiment": experiment, "row": row.name, "title": row.title,
        "owner": [me.pid, me.started],
    }  # fmt: skip
    needs = (Path(arguments["checkpoints"]), Path(arguments["dataset"]))
    return Part(words, lambda: train_row(**arguments, shared=shared), "core.experiments.running:train_row", arguments,
                needs)  # fmt: skip


def train_row(
    checkpoints: str,
    dataset: str,
    config: str,
    experiment: str,
    row: str,
    title: str,
    owner: list[Any],
    shared: Shared | None = None,
) -> Steps[dict[str, str]]:
    """Train a row's run, unless it is there, and return its name.

    owner: pid and start of the experiment's own process, which the run's status names as the one that works on it,
    wherever this one runs.
    """
    settings, place = RunConfig.from_json(config), Path(checkpoints)
    owned = ProcessId(int(owner[0]), str(owner[1]))
    spec = specification(Path(dataset), settings)
    run = _there(place, spec, experiment, owned)
    if run is None:
        run = create_run(place, settings, Path(dataset), spec)
        run.write_json("job.json", {**run.job(), "experiment": experiment, "row": row})
        write_label(run, title=f"{title} ({experiment.partition('-')[0]})"[:80])
    if run.known_status()["state"] != "succeeded":
        yield from train_here(run, shared or Shared(), owned)
    yield Progress(1.0, "trained.", "row", {"row": row, "run": run.name})
    return {"run": run.name}


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
        f"The full budget would take about {duration(seconds)} on this machine: {counted(trainings, 'run')} like "
        f"'{rows[0].title}' ({found.folds} folds, {found.epochs} epochs), from {found.steps_measured} measured steps."
    )
    return {"seconds": seconds, "sentence": words if found.fits else f"{words} It does not fit into its memory."}


def _started(row: Row, runs: dict[str, list[RunFolder]]) -> RunConfig:
    """The row's configuration, with the weights of the row that it starts from."""
    if not row.weights_of:
        return row.config
    if row.weights_of not in runs:
        raise LandslideLensError(f"It starts from the row '{row.weights_of}', which could not be trained.")
    return row.config.with_overrides([f"model.weights={json.dumps(str(runs[row.weights_of][0].path.resolve()))}"])


def _there(checkpoints: Path, spec: str, experiment: str, owner: ProcessId) -> RunFolder | None:
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
        if broken is None and asked.get("experiment") == experiment and not _is_worked_on(status, owner):
            broken = run
    return broken


def _is_worked_on(status: dict, owner: ProcessId) -> bool:
    if status["state"] != "running":
        return False
    process = ProcessId(int(status.get("pid") or 0), str(status.get("pid_started")))
    return process not in (identify(os.getpid()), owner) and is_alive(process)


def train_here(run: RunFolder, shared: Shared, owner: ProcessId | None = None) -> Generator[Progress, None, None]:
    """Train a run in this process, as its own worker would: its folder tells how far it is, and how it ended.

    owner: the process that its status names as the one that works on it; none: this one.
    """
    from core.pipeline import resume_point, train_run

    me = owner or myself()
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
