"""``python -m core join``: several dataset files become one, with the source of each patch as a column."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from core.commands.console import AsJson, Checkpoints
from core.runs.store import DEFAULT_CHECKPOINTS


def join(
    datasets: Annotated[list[Path], typer.Argument(help="Dataset files (.h5). One may be cut down or divided too.")],
    out: Annotated[Path, typer.Option("--out", help="The dataset file to write (.h5).")],
    names: Annotated[
        list[str] | None, typer.Option("--name", help="What each is called in the column 'source'. Once for each.")
    ] = None,
    bands: Annotated[str | None, typer.Option("--bands", help="Bands to keep: a,b,c; default: those all have.")] = None,
    unit: Annotated[
        str | None, typer.Option("--unit", help="0-255: draw all optical bands as pictures (DN 4,000 is white).")
    ] = None,
    hold_out: Annotated[
        float | None, typer.Option("--hold-out", help="Share of each set, in whole groups, for OUT-held.h5.")
    ] = None,
    most: Annotated[int | None, typer.Option("--most", help="Patches of each set, in whole groups.")] = None,
    seed: Annotated[int | None, typer.Option("--seed", help="Of what is drawn at random.", show_default="0")] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Replace the file if it is there already.")] = False,
    checkpoints: Checkpoints = DEFAULT_CHECKPOINTS,
    as_json: AsJson = False,
) -> None:
    """Join dataset files: bands matched by name, units checked, groups kept, the source as a column."""
    from core.analyses.datasets.joining import ANALYSIS
    from core.commands.console import analyse, print_result
    from core.runs.targets import CheckpointsTarget

    given = {
        "datasets": list(map(str, datasets)), "out": out, "names": names, "bands": bands, "unit": unit,
        "hold_out": hold_out, "most": most, "seed": seed, "replace": replace,
    }  # fmt: skip
    options = {name: value for name, value in given.items() if value is not None}
    value = analyse(CheckpointsTarget(checkpoints), ANALYSIS.name, options, as_json)
    parts = ", ".join(f"{name} {n:,}" for name, n in value["sources"].items())
    lines = [f"{value['n']:,} patches ({parts}) with {', '.join(value['bands'])} in {value['dataset']}"]
    lines += [f"{value['n_held']:,} patches held out in {value['held']}"] if value["held"] else []
    print_result(value, as_json, "\n".join([*lines, *value["notes"]]))
