"""``python -m core demo`` and ``python -m core train``: a run, as a job that the dashboard shows too."""

from __future__ import annotations

from typing import Annotated

import typer

from core.commands.console import (
    AsJson,
    Checkpoints,
    DatasetFile,
    Detach,
    Overrides,
    Preset,
    analyse,
    follow,
    print_progress,
    print_result,
)
from core.config import preset
from core.runs.store import DEFAULT_CHECKPOINTS, RunFolder, datasets_path
from core.runs.targets import CheckpointsTarget


def demo(
    fresh: Annotated[bool, typer.Option("--fresh", help="Train again even if the demo run is there.")] = False,
    overrides: Overrides = None,
    checkpoints: Checkpoints = DEFAULT_CHECKPOINTS,
    as_json: AsJson = False,
) -> None:
    """Simulated dataset, then a trained and explained run on it."""
    from core.jobs import queue

    path = datasets_path(checkpoints) / "demo.h5"
    if not path.is_file():
        analyse(CheckpointsTarget(checkpoints), "demo_dataset", None, as_json)
    config = preset("demo").with_overrides(overrides or ())
    done = None if fresh else queue.finished(checkpoints, path, config)
    if done:
        print_progress(f"The demo run is there already: {done.name} (--fresh trains it again).", as_json)
    report(done or follow(checkpoints, queue.submit(checkpoints, path, config), as_json), as_json)


def train(
    dataset: DatasetFile,
    preset_name: Preset = "small",
    overrides: Overrides = None,
    detach: Detach = False,
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
            print_progress(note, as_json)
    run = queue.submit(checkpoints, dataset, config)
    if detach:
        print_result({"run": run.name, "dataset": dataset.resolve(), "state": run.status()["state"]}, as_json, run.name)
        return
    report(follow(checkpoints, run, as_json), as_json)


def report(run: RunFolder, as_json: bool) -> None:
    """Print a finished run's headline, its warnings before it."""
    from core.data.leakage import ground_between
    from core.runs.summary import headline

    summary = run.summary()
    names = ("run", "dataset", "oof", "folds", "ground", "seconds", "images_per_second")
    for text in summary["warnings"]:
        print_progress(f"Warning: {text}", as_json)
    if "ground" in summary:
        print_progress(ground_between.sentence(summary["ground"]), as_json)
    value = {name: summary.get(name) for name in names}
    print_result(value, as_json, f"{summary['run']}: {headline(summary)}")
