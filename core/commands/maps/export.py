"""``python -m core export RUN --out M.onnx``: a run as one file that other programs answer with."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from core.commands.console import AsJson, Checkpoints, Run
from core.commands.maps.vectors import run_and_print
from core.runs.store import DEFAULT_CHECKPOINTS


def export(
    run: Run,
    out: Annotated[Path, typer.Option("--out", help="A .onnx (QGIS's Deepness reads it) or .safetensors.")],
    head: Annotated[str | None, typer.Option("--head", help="The head that answers; none: the run's own.")] = None,
    fold: Annotated[int | None, typer.Option("--fold", help="One fold alone, from 1; none: the mean of all.")] = None,
    checkpoints: Checkpoints = DEFAULT_CHECKPOINTS,
    as_json: AsJson = False,
) -> None:
    """The run as one ONNX file, compared with the run itself, or as safetensors with a model card."""
    run_and_print("export", dict(locals()))
