"""Time and memory of a run on a dataset, measured on a few of its training steps before it is started.

Each specification has its own result, named by its hash. The measurement is a job, so that it waits for the device and
holds none of its memory afterwards.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from pydantic import Field, field_validator

from core.analyses.base import Analysis, Options
from core.config import RunConfig
from core.preflight.time_estimate import TimeEstimate
from core.progress import Steps
from core.runs.results import ResultFolder
from core.runs.targets import DatasetTarget

REPORT = "report.json"


class EstimateOptions(Options):
    """The run that is estimated."""

    config: RunConfig = Field(title="Settings", description="Complete settings of the run, as JSON.")

    @field_validator("config", mode="before")
    @classmethod
    def _from_text(cls, value: Any) -> Any:
        return json.loads(value) if isinstance(value, str) else value

    @property
    def device(self) -> str:
        """The device of the run, whose lane the job waits in."""
        return self.config.device


def analyse(target: DatasetTarget, options: EstimateOptions) -> Steps[dict[str, Any]]:
    """Measure a few steps and extrapolate. Raises ConfigError, DataError or TrainingError as the run would."""
    from core.preflight.estimate import estimate

    config = options.config
    estimated = yield from estimate(target.path, config, target.checkpoints)
    made = datetime.now(UTC).isoformat(timespec="seconds")
    report = {"config": config.model_dump(mode="json"), "made": made, "estimate": estimated.to_dict()}
    _part(target, config).write_json(REPORT, report)
    return {"message": estimated.sentences()[2], "fits": estimated.fits, "total_seconds": estimated.total_seconds}


def read(target: DatasetTarget, config: RunConfig | None = None) -> TimeEstimate | None:
    """The estimate for these settings, or the newest one; None before there is any."""
    results = target.results(ANALYSIS.name)
    parts = [_part(target, config)] if config is not None else [results.part(name) for name in results.parts()]
    reports = [part.json(REPORT) for part in parts if part.has(REPORT)]
    newest = max(reports, key=lambda report: report["made"], default=None)
    return TimeEstimate.of_dict(newest["estimate"]) if newest else None


def _part(target: DatasetTarget, config: RunConfig) -> ResultFolder:
    return target.results(ANALYSIS.name).part(config.hash()[:16])


ANALYSIS = Analysis(
    name="estimate",
    title="Time and memory estimate",
    summary="Time, memory and disk space that a run will take, measured on a few of its training steps.",
    page="train",
    view="new",
    Options=EstimateOptions,
    run=analyse,
    read=read,
    target="dataset",
)
