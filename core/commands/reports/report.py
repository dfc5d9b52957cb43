"""``python -m core report``: a run, a scene or a comparison of runs as one HTML file that opens offline."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from core.commands.console import AsJson, Checkpoints, Detach, Run, print_result, submit
from core.runs.store import DEFAULT_CHECKPOINTS, open_run
from core.text import one_line


def report(
    run: Run,
    out: Annotated[Path, typer.Option("--out", help="The .html file to write.")],
    scene: Annotated[
        str | None, typer.Option("--scene", help="Report the map of this scene (of analyse scene_map) instead.")
    ] = None,
    against: Annotated[
        list[str] | None, typer.Option("--against", help="Compare with this finished run. May be repeated.")
    ] = None,
    detach: Detach = False,
    checkpoints: Checkpoints = DEFAULT_CHECKPOINTS,
    as_json: AsJson = False,
) -> None:
    """One self-contained HTML file: a first page for people who decide, then everything behind it.

    It opens offline and prints well. What was not computed is named with the command that computes it.
    """
    options = {"scene": scene, "against": tuple(against or ()), "out": str(out)}
    value = submit(open_run(checkpoints, run), "report", options, detach, as_json)
    if value is not None:
        for text in value.pop("warnings"):
            print(one_line(f"Not computed: {text}"), file=sys.stderr)
        print_result(value, as_json, value["message"])
