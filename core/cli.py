"""The commands other people's scripts call: ``python -m core COMMAND``.

Comes in: arguments. Goes out: a few lines for people, or with ``--json`` exactly one JSON object on standard output.
Exit status: 0 done, 1 a user's error in plain words on standard error, 2 wrong usage. It computes nothing itself.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from core.commands.audit import audit_app, check
from core.commands.estimate import estimate
from core.commands.explain import explain
from core.commands.heads import heads
from core.commands.ingest import ingest
from core.commands.model import model
from core.config import PRESETS, preset
from core.errors import LandslideLensError
from core.runs.plain_files import plain
from core.runs.store import DEFAULT_CHECKPOINTS, RunFolder, datasets_path, open_run

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Landslide Lens on the command line.",
)
jobs_app = typer.Typer(no_args_is_help=True, help="What runs, waits and has ended.")
app.add_typer(jobs_app, name="jobs")
app.add_typer(audit_app, name="audit")

Checkpoints = Annotated[Path, typer.Option("--checkpoints", help="Where runs live.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]
Run = Annotated[str, typer.Argument(help="Name of a run folder.")]
JobName = Annotated[str, typer.Argument(help="Name of a run folder, or RUN/STUDY as `jobs list` prints it.")]
DatasetFile = Annotated[Path, typer.Argument(help="A dataset file (.h5).")]
Overrides = Annotated[list[str] | None, typer.Option("--set", help="A setting: section.key=value. May be repeated.")]
Preset = Annotated[str, typer.Option("--preset", help=f"One of: {', '.join(PRESETS)}.")]
Bands = Annotated[str | None, typer.Option("--bands", help="Names of the bands in their order: a,b,c.")]


def main() -> None:
    """Run the command line; a user's error becomes one sentence and exit status 1."""
    try:
        app()
    except LandslideLensError as error:
        print(f"Error: {error}", file=sys.stderr)
        raise SystemExit(1) from None
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        raise SystemExit(1) from None


def emit(value: dict[str, Any], as_json: bool, text: str) -> None:
    """Print ``value`` as JSON, or ``text`` for people."""
    print(json.dumps(plain(value), allow_nan=False) if as_json else text)


def say(text: str, as_json: bool) -> None:
    """Progress for people: on standard error when standard output belongs to JSON."""
    print(text, file=sys.stderr if as_json else sys.stdout, flush=True)


# ------------------------------------------------------------------------------------------------------- data


app.command()(ingest)


app.command()(check)


app.command()(model)


# --------------------------------------------------------------------------------------------------- training


@app.command()
def demo(
    fresh: Annotated[bool, typer.Option("--fresh", help="Train again even if the demo run is there.")] = False,
    overrides: Overrides = None,
    checkpoints: Checkpoints = DEFAULT_CHECKPOINTS,
    as_json: AsJson = False,
) -> None:
    """Simulated dataset, then a trained and explained run on it."""
    from core.data.demo import write_demo
    from core.jobs import queue

    path = datasets_path(checkpoints) / "demo.h5"
    if not path.is_file():
        say("Simulating the demo patches.", as_json)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_demo(path)
    config = preset("demo").with_overrides(overrides or ())
    done = None if fresh else queue.finished(checkpoints, path, config)
    if done:
        say(f"The demo run is there already: {done.name} (--fresh trains it again).", as_json)
    _report(done or _follow(checkpoints, queue.submit(checkpoints, path, config), as_json), as_json)


@app.command()
def train(
    dataset: DatasetFile,
    preset_name: Preset = "small",
    overrides: Overrides = None,
    detach: Annotated[bool, typer.Option("--detach", help="Return at once; the job goes on.")] = False,
    keep_excluded: Annotated[
        bool, typer.Option("--keep-excluded", help="Train on patches of the dataset's exclusion list too.")
    ] = False,
    checkpoints: Checkpoints = DEFAULT_CHECKPOINTS,
    as_json: AsJson = False,
) -> None:
    """Train, judge and explain; the work is a job that the dashboard shows too. Ctrl-C cancels it."""
    from core.data.exclusions import without_excluded
    from core.jobs import queue

    config = preset(preset_name).with_overrides(overrides or ())
    if not keep_excluded:
        config, note = without_excluded(config, dataset)
        if note:
            say(note, as_json)
    run = queue.submit(checkpoints, dataset, config)
    if detach:
        emit({"run": run.name, "dataset": dataset.resolve(), "state": run.status()["state"]}, as_json, run.name)
        return
    try:
        _report(_follow(checkpoints, run, as_json), as_json)
    except KeyboardInterrupt:
        queue.cancel(checkpoints, run.name)
        raise


app.command()(estimate)


@app.command()
def evaluate(
    run: Run, dataset: DatasetFile, checkpoints: Checkpoints = DEFAULT_CHECKPOINTS, as_json: AsJson = False
) -> None:
    """Metrics of a finished run on another labelled dataset."""
    from core.data.store import open_dataset
    from core.predict.external import evaluate_on

    folder = open_run(checkpoints, run)
    steps = evaluate_on(folder, open_dataset(dataset))
    found = finish(steps, lambda step: f"{step.progress:4.0%} {step.message}", as_json)
    lines = [_metrics_line(found.judged, f"{folder.name} on {dataset.name}"), *found.sentences()]
    emit(found.to_dict(), as_json, "\n".join(lines))


@app.command()
def predict(
    run: Run,
    source: Annotated[Path, typer.Argument(help="A dataset file, or a folder or file of patches.")],
    out: Annotated[Path, typer.Option("--out", help="The CSV to write.")],
    format: Annotated[str | None, typer.Option("--format", help="As of ingest; otherwise recognised.")] = None,
    bands: Bands = None,
    unit: Annotated[str | None, typer.Option("--unit", help="Of the optical bands; as of ingest.")] = None,
    submission: Annotated[bool, typer.Option("--submission", help="ID,label in Test.csv order (Zindi).")] = False,
    checkpoints: Checkpoints = DEFAULT_CHECKPOINTS,
    as_json: AsJson = False,
) -> None:
    """Probability and decision for patches without labels."""
    from core.predict.patches import answer
    from core.predict.sources import patches_of
    from core.predict.submission import write_predictions, write_submission

    folder = open_run(checkpoints, run)
    names = tuple(bands.split(",")) if bands else None
    rejected: list = []
    found_bands, batches, known = patches_of(source, format, names, rejected, unit)
    steps = answer(folder, batches, found_bands, known=known)
    found = finish(steps, lambda step: step.message, as_json)
    (write_submission(out, found, source) if submission else write_predictions(out, found))
    value = {
        "run": folder.name,
        "out": out.resolve(),
        "n": len(found.ids),
        "n_positive": int(found.pred.sum()),
        "threshold": found.threshold,
        "head": found.head,
        "rejected": [{"file": item.file, "reason": item.reason} for item in rejected],
    }
    lines = [f"{value['n']} patches, {value['n_positive']} called landslide, in {out}"]
    emit(value, as_json, "\n".join([*lines, *(f"Set aside: {item.file}: {item.reason}" for item in rejected)]))


app.command()(heads)


app.command()(explain)


@app.command()
def compare(
    runs: Annotated[list[str], typer.Argument(help="Names of run folders.")],
    checkpoints: Checkpoints = DEFAULT_CHECKPOINTS,
    as_json: AsJson = False,
) -> None:
    """Runs side by side: their headline numbers with intervals."""
    from core.runs.compare import table

    found = table([open_run(checkpoints, name) for name in runs])
    emit({"runs": found.to_dict("records")}, as_json, found.to_string(index=False))


# ------------------------------------------------------------------------------------------------------- jobs


@jobs_app.command("list")
def jobs_list(checkpoints: Checkpoints = DEFAULT_CHECKPOINTS, as_json: AsJson = False) -> None:
    """Every run, newest first, each followed by what was asked of it."""
    from core.jobs import queue

    found = [vars(job) for job in queue.jobs(checkpoints)]
    lines = [f"{job['state']:12s} {job['name']}" + (f"  place {job['place']}" if job["place"] else "") for job in found]
    emit({"jobs": found}, as_json, "\n".join(lines) or "No run yet. Start one: python -m core demo")


@jobs_app.command("show")
def jobs_show(run: JobName, checkpoints: Checkpoints = DEFAULT_CHECKPOINTS, as_json: AsJson = False) -> None:
    """Where one job stands."""
    from core.jobs import queue
    from core.jobs.analysis_folder import open_job

    job = queue.job(checkpoints, run)
    status = {**open_job(checkpoints, run).status(), **vars(job)}
    emit(status, as_json, "\n".join(f"{key}: {value}" for key, value in status.items() if value is not None))


@jobs_app.command("cancel")
def jobs_cancel(run: JobName, checkpoints: Checkpoints = DEFAULT_CHECKPOINTS, as_json: AsJson = False) -> None:
    """End a waiting or running job; a run's last checkpoint stays usable."""
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
    """Go on with an interrupted, cancelled or failed job."""
    from core.jobs import queue

    folder = queue.resume(checkpoints, run)
    if wait:
        _follow(checkpoints, folder, as_json)
    _report(folder, as_json) if wait and isinstance(folder, RunFolder) else _state(checkpoints, run, as_json)


@jobs_app.command("retry")
def jobs_retry(run: JobName, checkpoints: Checkpoints = DEFAULT_CHECKPOINTS, as_json: AsJson = False) -> None:
    """A new run with the same settings and dataset; a study is answered again."""
    from core.jobs import queue

    _state(checkpoints, queue.retry(checkpoints, run).name, as_json)


@app.command()
def doctor(checkpoints: Checkpoints = DEFAULT_CHECKPOINTS, as_json: AsJson = False) -> None:
    """Device, versions, what is missing and how to get it."""
    from core.doctor import examine

    found = examine(checkpoints)
    lines = [
        f"{'ok  ' if row['ok'] else 'MISSING'} {row['what']}: {row['found']} {row['advice']}".rstrip()
        for row in found["rows"]
    ]
    emit(found, as_json, "\n".join(lines))


# ---------------------------------------------------------------------------------------------------- helpers


def _follow(checkpoints: Path, run: Any, as_json: bool) -> Any:
    """Tell a job's progress until it has ended; the folder. Raises LandslideLensError unless it succeeded."""
    from core.jobs.follow import follow

    for line in follow(checkpoints, run):
        say(line, as_json)
    status = run.status()
    if status["state"] != "succeeded":
        raise LandslideLensError(f"'{run.name}' {status['state']}: {status.get('error') or status['message']}")
    return run


def _report(run: RunFolder, as_json: bool) -> None:
    from core.runs.summary import headline

    summary = run.summary()
    names = ("run", "dataset", "oof", "folds", "seconds", "images_per_second")
    for text in summary["warnings"]:
        say(f"Warning: {text}", as_json)
    emit({name: summary[name] for name in names}, as_json, f"{summary['run']}: {headline(summary)}")


def _state(checkpoints: Path, run: str, as_json: bool) -> None:
    from core.jobs.analysis_folder import open_job

    folder = open_job(checkpoints, run)
    state = folder.status()["state"]
    emit({"run": folder.name, "state": state}, as_json, f"{folder.name}: {state}")


def _metrics_line(values: dict[str, Any], name: str) -> str:
    from core.runs.summary import number

    shown = ("f1", "auc", "precision", "recall", "specificity", "accuracy")
    texts = [f"{key} {number(values[key])}" for key in shown]
    return f"{name}: {', '.join(texts)}, threshold {values['threshold']:.3f}, n = {values['n']}"


def finish(steps: Any, text: Callable[[Any], str], as_json: bool) -> Any:
    """Exhaust a generator of progress and return what it returns; a line every two seconds."""
    import time

    told = time.monotonic()
    while True:
        try:
            step = next(steps)
        except StopIteration as end:
            return end.value
        if time.monotonic() - told > 2.0:
            told = time.monotonic()
            say(text(step), as_json)
