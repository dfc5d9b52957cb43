"""``python -m core train``: a run, as a job that the dashboard shows too."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from core.commands.console import (
    AsJson,
    Checkpoints,
    DatasetFile,
    Detach,
    Overrides,
    Preset,
    follow,
    print_progress,
    print_result,
)
from core.config import RunConfig, preset
from core.runs.store import DEFAULT_CHECKPOINTS, RunFolder


def train(
    dataset: DatasetFile,
    preset_name: Preset = "small",
    overrides: Overrides = None,
    repeats: Annotated[
        int, typer.Option("--repeats", "--seeds", min=1, max=50, help="Trainings that differ by their seeds alone.")
    ] = 1,
    new_folds: Annotated[
        bool, typer.Option("--new-folds", help="With --repeats: each draws folds of its own too.")
    ] = False,
    detach: Detach = False,
    keep_excluded: Annotated[
        bool, typer.Option("--keep-excluded", help="Train on patches of the dataset's exclusion list too.")
    ] = False,
    checkpoints: Checkpoints = DEFAULT_CHECKPOINTS,
    as_json: AsJson = False,
) -> None:
    """Train, judge and explain; the work is a job that the dashboard shows too. Ctrl-C cancels it."""
    from core.config.packaged_weights import require
    from core.data.check.masks import require_masks
    from core.data.exclusions import without_excluded
    from core.data.label_versions import with_version_named
    from core.data.store import open_dataset
    from core.jobs import queue
    from core.jobs.executors.settings import of_a_job, split
    from core.runs.repeats import repeated

    settings, jobs = split(overrides or ())
    of_a_job(jobs)
    config, told = with_version_named(preset(preset_name).with_overrides(settings), dataset)
    if told:
        print_progress(told, as_json)
    require(config.model)
    if config.model.masks:
        require_masks(open_dataset(dataset))
    if not keep_excluded:
        config, note = without_excluded(config, open_dataset(dataset))
        if note:
            print_progress(note, as_json)
    if repeats > 1:
        _train_repeats(checkpoints, dataset, repeated(config, repeats, new_folds), jobs, detach, as_json)
        return
    run = queue.submit(checkpoints, dataset, config, jobs=jobs)
    if detach:
        print_result({"run": run.name, "dataset": dataset.resolve(), "state": run.status()["state"]}, as_json, run.name)
        return
    report(follow(checkpoints, run, as_json), as_json)


def _train_repeats(
    checkpoints: Path, dataset: Path, configs: list[RunConfig], jobs: dict[str, Any], detach: bool, as_json: bool
) -> None:
    """Queue every training, then follow them in turn; the spread between them at the end."""
    from core.jobs import queue
    from core.runs.repeats import spread

    runs = [
        queue.finished(checkpoints, dataset, one) or queue.submit(checkpoints, dataset, one, jobs=jobs)
        for one in configs
    ]
    names = [run.name for run in runs]
    if detach:
        print_result({"runs": names, "dataset": dataset.resolve(), "state": "queued"}, as_json, "\n".join(names))
        return
    for run in runs:
        follow(checkpoints, run, as_json)
    found = spread(runs)
    lines = [
        f"{metric.upper()} over {found['n']} trainings: {one['mean']:.4f}, standard deviation {one['sd']:.4f}, "
        f"{one['min']:.4f} to {one['max']:.4f}"
        for metric, one in found.items()
        if metric != "n"
    ]
    print_result({"runs": names, "dataset": dataset.resolve(), "spread": found}, as_json, "\n".join([*names, *lines]))


def report(run: RunFolder, as_json: bool) -> None:
    """Print a finished run's headline, its warnings before it."""
    from core.data.leakage import ground_between
    from core.predict.prevalence import decided_at
    from core.runs.prevalence import prevalence_of
    from core.runs.summary import headline

    summary, stated = run.summary(), prevalence_of(run)
    names = ("run", "dataset", "oof", "folds", "ground", "seconds", "images_per_second")
    value = {name: summary.get(name) for name in names}
    value["at_prevalence"] = None if stated is None else decided_at(run, summary["head"], stated.share)
    for text in summary["warnings"]:
        print_progress(f"Warning: {text}", as_json)
    if "ground" in summary:
        print_progress(ground_between.sentence(summary["ground"]), as_json)
    print_result(value, as_json, f"{summary['run']}: {headline(summary, stated)}")
