"""``python -m core demo``: simulated dataset, a trained and explained run, and everything there is to see in it."""

from __future__ import annotations

import time
from typing import Annotated, Any

import typer

from core.commands.console import AsJson, Checkpoints, Overrides, analyse, follow, print_progress
from core.commands.train import report
from core.config import preset
from core.errors import LandslideLensError
from core.runs.store import DEFAULT_CHECKPOINTS, RunFolder
from core.runs.targets import CheckpointsTarget
from core.text import duration


def demo(
    fresh: Annotated[bool, typer.Option("--fresh", help="Train again even if the demo run is there.")] = False,
    showcase: Annotated[
        bool, typer.Option("--showcase/--no-showcase", help="Also do the analyses that the guided path shows.")
    ] = True,
    detach: Annotated[
        bool, typer.Option("--detach", help="Leave these analyses to the queue; the dashboard shows how far they are.")
    ] = False,
    overrides: Overrides = None,
    checkpoints: Checkpoints = DEFAULT_CHECKPOINTS,
    as_json: AsJson = False,
) -> None:
    """Simulated dataset, a trained and explained run on it, and what there is to see in that run."""
    from core.jobs import queue
    from core.jobs.demo import compile_ahead, dataset_of, train

    path = dataset_of(checkpoints)
    if not path.is_file():
        compile_ahead()
        analyse(CheckpointsTarget(checkpoints), "demo_dataset", None, as_json)
    config = preset("demo").with_overrides(overrides or ())
    run = None if fresh else queue.finished(checkpoints, path, config)
    if run:
        print_progress(f"The demo run is there already: {run.name} (--fresh trains it again).", as_json)
    else:
        run = follow(checkpoints, train(checkpoints, config, path), as_json)
    if showcase and detach:
        _leave(run, as_json)
    failed = _show(run, as_json) if showcase and not detach else {}
    report(run, as_json)
    if showcase:
        _tell_path(run, failed, as_json)
    if failed:
        raise LandslideLensError(
            f"The run is there, but {len(failed)} of its analyses failed: {', '.join(failed)}. "
            "`python -m core demo` tries them again."
        )


def _leave(run: RunFolder, as_json: bool) -> None:
    """Queue the analyses of the showcase that the run does not have yet. Raises as ``core.jobs.demo.show``."""
    from core.analyses.showcase import missing
    from core.jobs.demo import show

    queued = show(run, missing(run))
    if queued:
        print_progress(f"{len(queued)} analyses of the guided path continue in the background.", as_json)


def _show(run: RunFolder, as_json: bool) -> dict[str, str]:
    """Do the analyses of the showcase that the run does not have yet; by title of the stop, why one failed."""
    from core.analyses.showcase import missing

    failed: dict[str, str] = {}
    for stop in missing(run):
        began = time.monotonic()
        try:
            analyse(run, stop.analysis, stop.options(run), as_json)
        except LandslideLensError as error:
            failed[stop.title] = str(error)
            print_progress(f"{stop.title}: {error} The other analyses continue.", as_json)
        else:
            print_progress(f"{stop.title}: done in {duration(time.monotonic() - began)}.", as_json)
    return failed


def _tell_path(run: RunFolder, failed: dict[str, str], as_json: bool) -> None:
    """What to look at, in order, with what the run's own results say there."""
    from core.analyses.showcase import reduced, stops

    def tell(text: str = "") -> None:
        print_progress(text, as_json)

    tell()
    tell("What to look at in the dashboard, in this order:")
    for number, stop in enumerate(stops(run), 1):
        finding, where = stop.finding(run), _where(stop)
        tell(f"{number}. {stop.title} ({where}): {finding.short if finding else _lacking(stop, failed)}")
        tell(f"   {stop.look}{f' {finding.detail}' if finding else ''}")
        if finding and (less := reduced(run, stop)):
            tell(f"   Quick version. {less}.")


def _where(stop: Any) -> str:
    page = stop.page.capitalize()
    return page if stop.view is None else f"{page}, {stop.view}"


def _lacking(stop: Any, failed: dict[str, str]) -> str:
    return f"failed: {failed[stop.title]}" if stop.title in failed else "not computed yet"
