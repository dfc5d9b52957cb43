"""``python -m core evaluate`` and ``predict``: a finished run on patches that it was not trained on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from core.commands.console import NOTHING_KEPT, AsJson, Bands, Checkpoints, DatasetFile, Run, analyse, print_result
from core.errors import needed
from core.runs.store import DEFAULT_CHECKPOINTS, open_run


def evaluate(
    run: Run,
    dataset: DatasetFile,
    groups: Annotated[
        str, typer.Option("--groups", help="same: groups of one name here and in the run's dataset are one; or other.")
    ] = "same",
    checkpoints: Checkpoints = DEFAULT_CHECKPOINTS,
    as_json: AsJson = False,
) -> None:
    """Metrics of a finished run on another labelled dataset."""
    from core.analyses.external_validation import ANALYSIS, read

    folder = open_run(checkpoints, run)
    done = analyse(folder, ANALYSIS.name, {"dataset": str(dataset), "groups": groups}, as_json)
    report = needed(read(folder), NOTHING_KEPT)[done["name"]].report
    print_result(report, as_json, "" if as_json else _evaluation(report, f"{folder.name} on {dataset.name}"))


def predict(
    run: Run,
    source: Annotated[Path, typer.Argument(help="A dataset file, or a folder or file of patches.")],
    out: Annotated[Path, typer.Option("--out", help="The CSV to write.")],
    format: Annotated[str | None, typer.Option("--format", help="As of ingest; otherwise recognised.")] = None,
    bands: Bands = None,
    unit: Annotated[str | None, typer.Option("--unit", help="Of the optical bands; as of ingest.")] = None,
    nodata: Annotated[
        float | None, typer.Option("--nodata", help="A pixel with it in all bands holds no data; as of ingest.")
    ] = None,
    submission: Annotated[bool, typer.Option("--submission", help="ID,label in Test.csv order (Zindi).")] = False,
    prevalence: Annotated[
        float | None, typer.Option("--prevalence", help="Share of landslides there; otherwise as stated for the run.")
    ] = None,
    miss_rate: Annotated[
        float | None,
        typer.Option("--miss-rate", help="Clear patches so that at most this share of landslides is missed."),
    ] = None,
    missed_per_1000: Annotated[
        float | None, typer.Option("--missed-per-1000", help="The same, as missed landslides in 1,000 patches.")
    ] = None,
    false_per_1000: Annotated[
        float | None,
        typer.Option("--false-per-1000", help="With a safety target: also accept sure ones, at most so many false."),
    ] = None,
    pictures: Annotated[
        bool, typer.Option("--pictures", help="Keep some patches with their attention for the Predict page.")
    ] = False,
    checkpoints: Checkpoints = DEFAULT_CHECKPOINTS,
    as_json: AsJson = False,
) -> None:
    """Probability, decision and answer for patches without labels."""
    from core.analyses.prediction import ANALYSIS
    from core.data.readers import must_exist
    from core.text import interval, number

    must_exist(source)  # before a job is made of it
    options: dict[str, Any] = {"source": str(source), "out": str(out), "format": format, "bands": bands, "unit": unit}
    options |= {
        "nodata": nodata,
        "prevalence": prevalence,
        "submission": submission,
        "miss_rate": miss_rate,
        "missed_per_1000": missed_per_1000,
        "false_per_1000": false_per_1000,
        "pictures": pictures,
    }
    value = analyse(open_run(checkpoints, run), ANALYSIS.name, options, as_json)
    message = value.pop("message")
    lines = [
        f"{value['n']} patches, {value['n_positive']} called landslide (from a probability of "
        f"{value['threshold']:.3f} on), in {out}"
    ]
    if there := value["prevalence"]:
        expected = there["expected"]
        lines.append(
            f"With {1000 * there['share']:.3g} landslides per 1,000 patches: threshold {there['threshold']:.3f}, "
            f"expected precision {number(expected['precision'])} ({interval(expected['intervals']['precision'])}), "
            f"{number(expected['alarms_per_1000'], 0)} alarms per 1,000 "
            f"({interval(expected['intervals']['alarms_per_1000'], 0)})"
        )
    if value["triage"]:
        lines += [message.partition(f"in {out.name}. ")[2], value["triage"]["rests_on"]]
    lines += [value["share"]["sentence"], *value["share"]["notes"]]
    lines += [f"Warning: {text}" for text in value["warnings"]]
    lines += [f"Set aside: {item['file']}: {item['reason']}" for item in value["rejected"]]
    print_result(value, as_json, "\n".join(lines))


def check_submission(
    submission: Annotated[Path, typer.Argument(help="The CSV to be submitted.")],
    against: Annotated[
        Path, typer.Argument(help="Test.csv, SampleSubmission.csv, or the folder or archive that holds them.")
    ],
    as_json: AsJson = False,
) -> None:
    """What is wrong with a submission to Zindi: header, ids, order, labels; fails where anything is."""
    from core.data.readers import must_exist
    from core.data.readers.archives.unpack import small_file
    from core.errors import FormatError
    from core.predict.submission import expected_of, faults_of

    must_exist(submission)
    must_exist(against)
    wanted = expected_of(against)
    if wanted.order is None:
        raise FormatError(f"{against} holds neither Test.csv nor SampleSubmission.csv, which say what is expected.")
    faults = faults_of(small_file(submission.parent, submission.name) or b"", wanted)
    n = f"{len(wanted.order):,} rows under {','.join(wanted.header)}, in the order of {wanted.source}"
    said = (
        [f"{submission.name} can be submitted: {n}."] if not faults else [f"{submission.name}: {one}" for one in faults]
    )
    print_result({"submission": str(submission), "faults": faults, "n": len(wanted.order)}, as_json, "\n".join(said))
    if faults:
        raise typer.Exit(1)


def _evaluation(report: dict[str, Any], name: str) -> str:
    from core.predict.external import sentences
    from core.text import number

    shown = ("f1", "auc", "precision", "recall", "specificity", "accuracy")
    texts = [f"{key} {number(report[key])}" for key in shown]
    n = f"n = {report['n']}" + (f" of {report['n_labelled']} labelled" if report["left_out"] else "")
    first = f"{name}: {', '.join(texts)}, threshold {report['threshold']:.3f}, {n}"
    return "\n".join([first, *sentences(report)])
