"""A run as a file that other programs answer with: ONNX with its card inside, or safetensors with a model card."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import Field, field_validator

from core.analyses.base import Analysis, Options
from core.errors import ConfigError
from core.progress import Steps
from core.runs.store import RunFolder

SUFFIXES = (".onnx", ".safetensors")


class ExportOptions(Options):
    """The file, and which part of the run goes into it."""

    out: str = Field(
        min_length=1, title="File to write", description="A .onnx or .safetensors; an existing one is replaced."
    )
    head: str | None = Field(None, title="Head", description="The head that answers; none: the run's own.")
    fold: int | None = Field(
        None, ge=1, le=100, title="Fold", description="One fold's model alone, from 1; none: the mean of all folds."
    )

    @field_validator("out")
    @classmethod
    def _absolute(cls, value: str) -> str:
        return str(Path(value).resolve())  # the worker has another working directory


def check(run: RunFolder, options: ExportOptions) -> None:
    """Raises ConfigError for another ending, RunError for a run that has not finished: before it waits in a queue."""
    if Path(options.out).suffix.lower() not in SUFFIXES:
        raise ConfigError(f"{Path(options.out).name} is no name for a model. Accepted: {' and '.join(SUFFIXES)}.")
    run.require_finished()


def analyse(run: RunFolder, options: ExportOptions) -> Steps[dict[str, Any]]:
    """Write the file; an ONNX file is compared with the run on 256 patches before it takes its name.

    Raises ConfigError for another ending or a head that cannot be written, RunError where the answers differ.
    """
    from core.predict.export.export import export

    written = yield from export(run, Path(options.out), options.head, options.fold)
    facts = written.facts
    message = f"{written.path.name}, {facts['bytes'] / 2**20:.1f} MiB, head {facts['head']}"
    if "largest_difference" in facts:
        message += f"; its probabilities differ from the run's by at most {facts['largest_difference']:.1g} on "
        message += f"{facts['n_compared']} patches"
    return {
        "run": run.name,
        "out": str(written.path),
        **facts,
        "warnings": list(written.notes),
        "message": f"{message}.",
    }


ANALYSIS = Analysis(
    name="export",
    title="Export",
    summary="The run as one ONNX file with its card inside (QGIS's Deepness reads it), or as safetensors with a card.",
    page="predict",
    view="export",
    Options=ExportOptions,
    run=analyse,
    check=check,
)
