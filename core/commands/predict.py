"""``python -m core evaluate``, ``predict`` and ``predict-scene``: a finished run on what it was not trained on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from core.commands.console import (
    AsJson,
    Bands,
    Checkpoints,
    DatasetFile,
    Detach,
    Run,
    analyse,
    print_result,
    submit,
)
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
    report = read(folder)[done["name"]].report
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
    checkpoints: Checkpoints = DEFAULT_CHECKPOINTS,
    as_json: AsJson = False,
) -> None:
    """Probability and decision for patches without labels."""
    from core.analyses.prediction import ANALYSIS
    from core.data.readers import must_exist
    from core.text import number

    must_exist(source)  # before a job is made of it
    options = {"source": str(source), "out": str(out), "format": format, "bands": bands, "unit": unit}
    options |= {
        "nodata": nodata,
        "prevalence": prevalence,
        "submission": submission,
        "miss_rate": miss_rate,
        "missed_per_1000": missed_per_1000,
    }
    value = analyse(open_run(checkpoints, run), ANALYSIS.name, options, as_json)
    message = value.pop("message")
    lines = [f"{value['n']} patches, {value['n_positive']} called landslide, in {out}"]
    if there := value["prevalence"]:
        expected = there["expected"]
        lines.append(
            f"With {1000 * there['share']:.3g} landslides per 1,000 patches: threshold {there['threshold']:.3f}, "
            f"expected precision {number(expected['precision'])}, "
            f"{number(expected['alarms_per_1000'], 0)} alarms per 1,000"
        )
    if value["triage"]:
        lines += [message.partition(f"in {out.name}. ")[2], value["triage"]["rests_on"]]
    lines += [f"Warning: {text}" for text in value["warnings"]]
    lines += [f"Set aside: {item['file']}: {item['reason']}" for item in value["rejected"]]
    print_result(value, as_json, "\n".join(lines))


def predict_scene(
    run: Run,
    scene: Annotated[Path, typer.Argument(help="A GeoTIFF of any size; the answer has its grid.")],
    out: Annotated[Path, typer.Option("--out", help="The .tif to write; three more are written beside it.")],
    also: Annotated[
        list[Path] | None, typer.Option("--also", help="A raster of the same ground with more bands. May be repeated.")
    ] = None,
    before: Annotated[
        Path | None, typer.Option("--before", help="A raster from before the event: its red is red_pre.")
    ] = None,
    bands: Bands = None,
    also_bands: Annotated[
        str | None, typer.Option("--also-bands", help='Names of the bands of each --also: "a,b; c".')
    ] = None,
    before_bands: Annotated[str | None, typer.Option("--before-bands", help="Names of the bands of --before.")] = None,
    unit: Annotated[str | None, typer.Option("--unit", help="Of the optical bands; as of ingest.")] = None,
    nodata: Annotated[
        float | None, typer.Option("--nodata", help="A pixel with it in all bands was not seen; as of ingest.")
    ] = None,
    cloud: Annotated[
        list[Path] | None, typer.Option("--cloud", help="A raster that says where clouds are. May be repeated.")
    ] = None,
    cloud_values: Annotated[
        str | None,
        typer.Option("--cloud-values", help="What means cloud in it, such as 3,8,9,10; otherwise all but 0."),
    ] = None,
    stride: Annotated[
        int | None, typer.Option("--stride", help="Pixels from one window to the next; otherwise half a patch.")
    ] = None,
    flips: Annotated[
        bool | None, typer.Option("--flips/--no-flips", help="Average over flips; otherwise as the run was evaluated.")
    ] = None,
    seen: Annotated[
        str, typer.Option("--seen", help="A pixel was seen where all bands have a value, or where any has.")
    ] = "all",
    prevalence: Annotated[
        float | None, typer.Option("--prevalence", help="Share of landslides there; otherwise as stated for the run.")
    ] = None,
    detach: Detach = False,
    checkpoints: Checkpoints = DEFAULT_CHECKPOINTS,
    as_json: AsJson = False,
) -> None:
    """Probability of landslide for a whole scene, as a raster; `jobs resume` goes on with one that was broken off."""
    from core.analyses.scene import ANALYSIS

    options = {
        "scene": str(scene),
        "out": str(out),
        "also": [str(path) for path in also or ()],
        "before": None if before is None else str(before),
        "bands": bands,
        "also_bands": also_bands,
        "before_bands": before_bands,
        "unit": unit,
        "nodata": nodata,
        "cloud": [str(path) for path in cloud or ()],
        "cloud_values": cloud_values or (),
        "stride": stride,
        "flips": flips,
        "seen": seen,
        "prevalence": prevalence,
    }
    value = submit(open_run(checkpoints, run), ANALYSIS.name, options, detach, as_json)
    if value is not None:
        lines = [value.pop("message"), *(f"Warning: {text}" for text in value["warnings"])]
        print_result(value, as_json, "\n".join(lines))


def _evaluation(report: dict[str, Any], name: str) -> str:
    from core.predict.external import sentences
    from core.text import number

    shown = ("f1", "auc", "precision", "recall", "specificity", "accuracy")
    texts = [f"{key} {number(report[key])}" for key in shown]
    n = f"n = {report['n']}" + (f" of {report['n_labelled']} labelled" if report["left_out"] else "")
    first = f"{name}: {', '.join(texts)}, threshold {report['threshold']:.3f}, {n}"
    return "\n".join([first, *sentences(report)])
