"""``python -m core evaluate`` and ``python -m core predict``: a finished run on patches that it was not trained on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from core.commands.console import AsJson, Bands, Checkpoints, DatasetFile, Run, print_result
from core.runs.store import DEFAULT_CHECKPOINTS, open_run


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
    print_result(found.to_dict(), as_json, "\n".join(lines))


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
    print_result(value, as_json, "\n".join([*lines, *(f"Set aside: {item.file}: {item.reason}" for item in rejected)]))


def _metrics_line(values: dict[str, Any], name: str) -> str:
    from core.runs.summary import number

    shown = ("f1", "auc", "precision", "recall", "specificity", "accuracy")
    texts = [f"{key} {number(values[key])}" for key in shown]
    return f"{name}: {', '.join(texts)}, threshold {values['threshold']:.3f}, n = {values['n']}"
