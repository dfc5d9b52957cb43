"""``python -m core estimate``: what a run would take, measured on a few of its steps before it is started.

Comes in: a dataset file and settings as of ``train``. Goes out: sentences, or one JSON object. It computes nothing
itself.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from core.config import PRESETS, preset
from core.runs.store import DEFAULT_CHECKPOINTS


def estimate(
    dataset: Annotated[Path, typer.Argument(help="A dataset file (.h5).")],
    preset_name: Annotated[str, typer.Option("--preset", help=f"One of: {', '.join(PRESETS)}.")] = "small",
    overrides: Annotated[
        list[str] | None, typer.Option("--set", help="A setting: section.key=value. May be repeated.")
    ] = None,
    checkpoints: Annotated[Path, typer.Option("--checkpoints", help="Where runs live.")] = DEFAULT_CHECKPOINTS,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
) -> None:
    """Time and memory of a run, from a few of its training steps on this machine. Nothing is kept."""
    from core.commands.console import print_result
    from core.preflight.estimate import estimate as measured

    config = preset(preset_name).with_overrides(overrides or ())
    disk = checkpoints if checkpoints.is_dir() else None
    found = finish(measured(dataset, config, disk), lambda step: step.message, as_json)
    print_result(found.to_dict(), as_json, "\n".join(found.sentences()))
