"""The whole demo as jobs of the queue: dataset, training, and what there is to see in the run.

Each is queued when what it needs is there: a job that is part of the demo holds its plan, which goes on when it has
succeeded (``core.jobs.then``). What is there is not made again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from core.analyses.datasets.demo import ANALYSIS, DemoOptions
from core.analyses.showcase import Stop, missing
from core.config import RunConfig, preset
from core.errors import ConfigError, LandslideLensError
from core.jobs import processes, queue
from core.jobs.analysis_folder import AnalysisFolder
from core.jobs.executors import settings
from core.jobs.rows import JobFolder
from core.runs.store import RunFolder, datasets_path
from core.runs.targets import CheckpointsTarget

PLAN = "demo"  # its name among those that follow a job
JOBS = {"executor": "processes"}  # where nobody has chosen: its network is small (docs/scaling.md)


def ask(checkpoints: Path, options: DemoOptions | None = None, config: RunConfig | None = None) -> list[JobFolder]:
    """Queue what of the demo comes next, and let the rest follow; none where everything is there.

    Raises LandslideLensError for what cannot be queued.
    """
    checkpoints, options, config = Path(checkpoints), options or DemoOptions(), config or preset("demo")
    plan: dict[str, Any] = {
        "plan": PLAN,
        "dataset": options.model_dump(mode="json"),
        "config": config.model_dump(mode="json"),
    }
    path = dataset_of(checkpoints, options)
    if not path.is_file():
        asked = queue.submit_analysis(CheckpointsTarget(checkpoints), ANALYSIS.name, plan["dataset"], then=plan)
        compile_ahead()
        return [asked]
    run = queue.finished(checkpoints, path, config)
    if run is None:
        return [train(checkpoints, config, path, plan)]
    return [*show(run, missing(run))]


def train(checkpoints: Path, config: RunConfig, dataset: Path, then: Mapping[str, Any] | None = None) -> RunFolder:
    """Queue the demo's training. Raises as ``core.jobs.queue.submit``."""
    jobs = None if settings.is_said(checkpoints) else JOBS
    return queue.submit(checkpoints, dataset, config, then=then, jobs=jobs)


def show(run: RunFolder, stops: tuple[Stop, ...]) -> list[AnalysisFolder]:
    """Queue what these stops of a finished run need. What cannot be queued keeps none of the others from it.

    Raises the first LandslideLensError where none could be queued.
    """
    asked: list[AnalysisFolder] = []
    refused: list[LandslideLensError] = []
    for stop in stops:
        try:
            asked.append(queue.submit_analysis(run, stop.analysis, stop.options(run)))
        except LandslideLensError as error:
            refused.append(error)
    if refused and not asked:
        raise refused[0]
    return asked


def go_on(checkpoints: Path, plan: Mapping[str, Any]) -> list[JobFolder]:
    """Queue what comes next of a plan that :func:`ask` made. Raises as that does; ConfigError for a damaged plan."""
    if not isinstance(plan.get("dataset"), Mapping):
        raise ConfigError(f"{queue.THEN} is damaged. Ask for the demo again.")
    return ask(checkpoints, ANALYSIS.options(plan["dataset"]), RunConfig.from_json(json.dumps(plan.get("config"))))


def compile_ahead() -> None:
    """What training and maps would wait for, in a process that ends by itself: making the dataset needs one core."""
    processes.spawn(["-m", "core.workers.compiling"], None)


def dataset_of(checkpoints: Path, options: DemoOptions | None = None) -> Path:
    """Where the demo's dataset lies, or will."""
    return datasets_path(checkpoints) / f"{(options or DemoOptions()).name}.h5"
