"""``python -m core jobs``: what runs, waits and has ended."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.commands.console import AsJson, Checkpoints, JobName, follow, print_result, tell_notices
from core.commands.train import report
from core.runs.store import DEFAULT_CHECKPOINTS, RunFolder, strangers_in
from core.text import duration, one_line

if TYPE_CHECKING:
    from core.jobs.queue import Job

jobs_app = typer.Typer(no_args_is_help=True, help="What runs, waits and has ended.")


@jobs_app.command("list")
def jobs_list(checkpoints: Checkpoints = DEFAULT_CHECKPOINTS, as_json: AsJson = False) -> None:
    """Every run, newest first, each followed by what was asked of it."""
    from core.jobs import queue, turns

    found = queue.jobs(checkpoints)
    tell_notices(checkpoints)
    lines = [f"{job.state:12s} {one_line(job.name)}{_waiting(job)}  {job.warning}".rstrip() for job in found]
    notes = strangers_in(checkpoints)
    if turns.orders(checkpoints).paused:
        notes.append(f"{turns.PAUSED} Let it: python -m core jobs go-on")
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


@jobs_app.command("pause")
def jobs_pause(
    run: Annotated[str, typer.Argument(metavar="[JOB]", help="Its name; none: the whole queue.")] = "",
    checkpoints: Checkpoints = DEFAULT_CHECKPOINTS,
    as_json: AsJson = False,
) -> None:
    """Let a job wait until go-on, and the next one have its lane; without a name, start nothing new."""
    from core.jobs import order, turns

    if not run:
        order.pause_queue(checkpoints)
        print_result({"paused": True}, as_json, turns.PAUSED)
        return
    said = order.pause(checkpoints, run)
    _state(checkpoints, run, as_json, said)


@jobs_app.command("go-on")
def jobs_go_on(
    run: Annotated[str, typer.Argument(metavar="[JOB]", help="Its name; none: the whole queue.")] = "",
    checkpoints: Checkpoints = DEFAULT_CHECKPOINTS,
    as_json: AsJson = False,
) -> None:
    """Let a paused job, or one that waits for another, wait for its lane alone; without a name, the queue go on."""
    from core.jobs import order

    if not run:
        order.pause_queue(checkpoints, paused=False)
        print_result({"paused": False}, as_json, "The queue goes on.")
        return
    order.go_on(checkpoints, run)
    _state(checkpoints, run, as_json)


@jobs_app.command("priority")
def jobs_priority(
    run: JobName,
    priority: Annotated[str, typer.Argument(metavar="{first,normal,last}", help="Before all that wait, or after.")],
    checkpoints: Checkpoints = DEFAULT_CHECKPOINTS,
    as_json: AsJson = False,
) -> None:
    """Put a waiting job before all others of its lane, in its order, or after them."""
    from core.jobs import order

    order.prioritise(checkpoints, run, priority)
    _state(checkpoints, run, as_json)


@jobs_app.command("after")
def jobs_after(
    run: JobName,
    others: Annotated[list[str], typer.Argument(metavar="JOB...", help="Jobs that must have succeeded before.")],
    checkpoints: Checkpoints = DEFAULT_CHECKPOINTS,
    as_json: AsJson = False,
) -> None:
    """Let a waiting job start only when others have succeeded."""
    from core.jobs import order

    order.start_after(checkpoints, run, others)
    _state(checkpoints, run, as_json)


@jobs_app.command("webhook")
def jobs_webhook(
    address: Annotated[str, typer.Argument(metavar="[URL|off]", help="Where to post; none: say where now.")] = "",
    test: Annotated[bool, typer.Option("--test", help="Post a message to it now.")] = False,
    checkpoints: Checkpoints = DEFAULT_CHECKPOINTS,
    as_json: AsJson = False,
) -> None:
    """Tell an address (Slack, Mattermost, Teams, your own) when a job has succeeded, failed or was interrupted."""
    from core.jobs import order, turns, webhook

    if address:
        order.tell(checkpoints, "" if address == "off" else address)
    now_told = turns.orders(checkpoints).webhook
    if test:
        webhook.post(now_told, webhook.test_message())
    text = f"Told when a job ends: {now_told or 'nobody'}.{' It took the test message.' if test else ''}"
    print_result({"webhook": now_told, "tested": test}, as_json, text)


@jobs_app.command("executor")
def jobs_executor(
    executor: Annotated[
        str, typer.Argument(metavar="[local|processes|ray]", help="Who does them; none: say who now.")
    ] = "",
    address: Annotated[str, typer.Option("--address", help="Of the cluster's head: host:port.")] = "",
    token_file: Annotated[str, typer.Option("--token-file", help="File with the cluster's token.")] = "",
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="jobs.cpus, jobs.gpus, jobs.retries ...: jobs.key=value.")
    ] = None,
    checkpoints: Checkpoints = DEFAULT_CHECKPOINTS,
    as_json: AsJson = False,
) -> None:
    """Choose where folds, rows of experiments and scenes are done: in the job's own process, in several, or by Ray."""
    from core.jobs.executors import choice

    if executor:
        given = {"executor": executor, "address": address, "token_file": token_file}
        choice.choose(checkpoints, {key: value for key, value in given.items() if value}, settings or ())
    found = choice.of_folder(checkpoints)
    print_result(found.model_dump(), as_json, choice.sentence(found))


def _waiting(job: Job) -> str:
    """Place, reason or expected start of a job that waits."""
    if not job.place:
        return ""
    if job.blocked:
        return f"  {job.blocked}"
    return f"  place {job.place}" + (f", starts in about {duration(job.starts_s)}" if job.starts_s is not None else "")


def _state(checkpoints: Path, run: str, as_json: bool, said: str = "") -> None:
    from core.jobs import queue
    from core.jobs.analysis_folder import open_job

    folder = open_job(checkpoints, run)
    state, job = folder.known_status()["state"], queue.job(checkpoints, run)
    tell_notices(checkpoints)
    found = {"run": folder.name, "state": state}
    if state == "queued":
        found |= {"blocked": job.blocked, "priority": job.priority}
    print_result(found, as_json, f"{folder.name}: {state}{_waiting(job)}{f'  {said}' if said else ''}")
