"""``python -m core estimate``: what a run would take, measured on a few of its steps before it is started."""

from __future__ import annotations

from typing import Annotated

import typer

from core.commands.console import (
    NOTHING_KEPT,
    AsJson,
    Checkpoints,
    DatasetFile,
    Detach,
    Overrides,
    print_result,
    submit,
)
from core.config import PRESETS, preset
from core.errors import needed
from core.runs.store import DEFAULT_CHECKPOINTS


def estimate(
    dataset: DatasetFile,
    preset_name: Annotated[str, typer.Option("--preset", help=f"One of: {', '.join(PRESETS)}.")] = "small",
    overrides: Overrides = None,
    detach: Detach = False,
    checkpoints: Checkpoints = DEFAULT_CHECKPOINTS,
    as_json: AsJson = False,
) -> None:
    """Time, memory and disk of a run, from a few of its training steps on this machine. No run is created."""
    from core.analyses.preflight.estimate import read
    from core.config.packaged_weights import require
    from core.data.store import open_dataset
    from core.runs.targets import DatasetTarget

    config = preset(preset_name).with_overrides(overrides or ())
    require(config.model)
    target = DatasetTarget(open_dataset(dataset).path, checkpoints)
    options = {"config": config.model_dump(mode="json")}
    if submit(target, "estimate", options, detach, as_json) is not None:
        estimated = needed(read(target, config), NOTHING_KEPT)
        print_result(estimated.to_dict(), as_json, "\n".join(estimated.sentences()))
