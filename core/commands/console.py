"""What the commands share: options, output, and following a job to its end.

Standard output belongs to the answer (with ``--json`` exactly one JSON object); progress then goes to standard error.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from core.config import PRESETS
from core.errors import LandslideLensError
from core.runs.plain_files import to_json_value
from core.text import one_line

Checkpoints = Annotated[Path, typer.Option("--checkpoints", help="Where runs live.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]
Detach = Annotated[bool, typer.Option("--detach", help="Return at once; the job continues.")]
Run = Annotated[str, typer.Argument(help="Name of a run folder.")]
JobName = Annotated[str, typer.Argument(help="Name of a job as `jobs list` prints it: RUN, or RUN/ANALYSIS-DIGEST.")]
DatasetFile = Annotated[Path, typer.Argument(help="A dataset file (.h5).")]
Overrides = Annotated[list[str] | None, typer.Option("--set", help="A setting: section.key=value. May be repeated.")]
Preset = Annotated[str, typer.Option("--preset", help=f"One of: {', '.join(PRESETS)}.")]
Bands = Annotated[str | None, typer.Option("--bands", help="Names of the bands in their order: a,b,c.")]


NOTHING_KEPT = "The analysis ended and kept nothing. Run it again."


def print_result(value: dict[str, Any], as_json: bool, text: str) -> None:
    """Print ``value`` as JSON, or ``text`` for people."""
    if as_json:
        print(json.dumps(to_json_value(value), allow_nan=False))
    else:  # a name or a message may come from a file: it stays in its line, and escapes nothing
        print("\n".join(line if line.isprintable() else one_line(line, 10**6) for line in text.split("\n")))


def print_progress(text: str, as_json: bool) -> None:
    """Progress for people: on standard error when standard output belongs to JSON."""
    print(one_line(text), file=sys.stderr if as_json else sys.stdout, flush=True)


def follow(checkpoints: Path, folder: Any, as_json: bool) -> Any:
    """Print a job's progress until it has ended, and return its folder; Ctrl-C cancels it.

    Raises LandslideLensError unless it succeeded.
    """
    from core.jobs import queue
    from core.jobs.follow import follow as lines_of

    try:
        for line in lines_of(checkpoints, folder):
            print_progress(line, as_json)
    except KeyboardInterrupt:
        queue.cancel(checkpoints, folder.name)
        raise
    tell_notices(checkpoints)
    status = _ended(folder)
    if status["state"] == "failed":
        raise LandslideLensError(status.get("error") or status.get("message") or f"'{folder.name}' failed.")
    if status["state"] != "succeeded":
        raise LandslideLensError(f"'{folder.name}' was {status['state']}. {status.get('message') or ''}".rstrip())
    return folder


def _ended(folder: Any) -> dict[str, Any]:
    if not folder.path.is_dir():
        raise LandslideLensError(f"The folder of '{folder.name}' was deleted while it was worked on. Start it anew.")
    return folder.known_status()


def tell_notices(checkpoints: Path) -> None:
    """What happened to the queue's file, on standard error; each is told once."""
    from core.jobs import queue

    for text in queue.notices(checkpoints):
        print(f"Note: {text}", file=sys.stderr)


def analyse(target: Any, name: str, options: dict[str, Any] | None, as_json: bool) -> dict[str, Any]:
    """Queue an analysis, follow it to its end, and return what it returned (plain values)."""
    from core.jobs import queue

    return follow(target.checkpoints, queue.submit_analysis(target, name, options), as_json).result()


def submit(
    target: Any, name: str, options: dict[str, Any] | None, detach: bool, as_json: bool
) -> dict[str, Any] | None:
    """As :func:`analyse`; with ``detach`` print the job's name, return None, and leave it to itself."""
    from core.jobs import queue

    if not detach:
        return analyse(target, name, options, as_json)
    folder = queue.submit_analysis(target, name, options)
    print_result({"job": folder.name, "state": folder.status()["state"]}, as_json, folder.name)
    return None
