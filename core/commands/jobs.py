"""``python -m core jobs``: what runs, waits and has ended."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from core.commands.console import AsJson, Checkpoints, JobName, follow, print_result, tell_notices
from core.commands.train import report
from core.runs.store import DEFAULT_CHECKPOINTS, RunFolder, strangers_in
from core.text import one_line

jobs_app = typer.Typer(no_args_is_help=True, help="What runs, waits and has ended.")


@jobs_app.command("list")
def jobs_list(checkpoints: Checkpoints = DEFAULT_CHECKPOINTS, as_json: AsJson = False) -> None:
    """Every run, newest first, each followed by what was asked of it."""
    from core.jobs import queue

    found = queue.jobs(checkpoints)
    tell_notices(checkpoints)
    lines = [
        f"{job.state:12s} {one_line(job.name)}"
        + (f"  place {job.place}" if job.place else "")
        + f"  {job.warning}".rstrip()
        for job in found
    ]
    notes = strangers_in(checkpoints)
    none = "No run yet." if checkpoints.is_dir() else f"No run yet: there is no folder {checkpoints}."
    text = "\n".join([*lines, *notes]) or f"{none} Start one: python -m core demo"
    print_result({"jobs": [vars(job) for job in found], "notes": notes}, as_json, text)


@jobs_app.command("show")
def jobs_show(run: JobName, checkpoints: Checkpoints = DEFAULT_CHECKPOINTS, as_json: AsJson = False) -> None:
    """Where one job stands; of a finished run its headline, and how near to training it was evaluated."""
    from core.jobs import queue
    from core.jobs.analysis_folder import open_job

    job = queue.job(checkpoints, run)
    tell_notices(checkpoints)
    folder = open_job(checkpoints, run)
    status = {**folder.known_status(), **vars(job)}
    if job.warning:
        status["warning"] = job.warning
    lines = [f"{key}: {one_line(value)}" for key, value in status.items() if value is not None]
    if isinstance(folder, RunFolder) and status["state"] == "succeeded":
        from core.data.leakage import ground_between
        from core.runs.summary import headline

        summary = folder.summary()
        status |= {"oof": summary["oof"], "ground": summary.get("ground")}
        lines += [headline(summary), ground_between.sentence(status["ground"])]
    print_result(status, as_json, "\n".join(lines))


@jobs_app.command("cancel")
def jobs_cancel(run: JobName, checkpoints: Checkpoints = DEFAULT_CHECKPOINTS, as_json: AsJson = False) -> None:
    """Stop a waiting or running job; a run's last checkpoint stays usable."""
    from core.jobs import queue

    queue.cancel(checkpoints, run)
    _state(checkpoints, run, as_json)


@jobs_app.command("resume")
def jobs_resume(
    run: JobName,
    wait: Annotated[bool, typer.Option("--wait", help="Follow it to its end.")] = False,
    checkpoints: Checkpoints = DEFAULT_CHECKPOINTS,
    as_json: AsJson = False,
) -> None:
    """Continue an interrupted, cancelled or failed job."""
    from core.jobs import queue

    folder = queue.resume(checkpoints, run)
    if wait:
        follow(checkpoints, folder, as_json)
    report(folder, as_json) if wait and isinstance(folder, RunFolder) else _state(checkpoints, run, as_json)


@jobs_app.command("retry")
def jobs_retry(run: JobName, checkpoints: Checkpoints = DEFAULT_CHECKPOINTS, as_json: AsJson = False) -> None:
    """A new run with the same settings and dataset; an analysis is done again."""
    from core.jobs import queue

    _state(checkpoints, queue.retry(checkpoints, run).name, as_json)


def _state(checkpoints: Path, run: str, as_json: bool) -> None:
    from core.jobs.analysis_folder import open_job

    folder = open_job(checkpoints, run)
    state = folder.known_status()["state"]
    tell_notices(checkpoints)
    print_result({"run": folder.name, "state": state}, as_json, f"{folder.name}: {state}")
