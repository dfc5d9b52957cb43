"""``python -m core predict-scene``: a finished run on one scene, or on many in one job."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from core.commands.console import AsJson, Bands, Checkpoints, Detach, Run, print_result, submit
from core.errors import ConfigError
from core.runs.store import DEFAULT_CHECKPOINTS, open_run
from core.text import one_line

ONE_FILE = (".tif", ".tiff", ".geojson", ".gpkg")


def predict_scene(
    run: Run,
    scenes: Annotated[
        list[Path],
        typer.Argument(
            metavar="SCENE...", help="GeoTIFFs of any size, each with an answer on its grid; a folder: tiles of one."
        ),
    ],
    out: Annotated[
        Path, typer.Option("--out", help="The .tif to write, others beside it; of several scenes the folder.")
    ],
    polygons: Annotated[
        Path | None,
        typer.Option("--polygons", help="Outline what is called: a .geojson or .gpkg; of several scenes a folder."),
    ] = None,
    date: Annotated[
        str | None, typer.Option("--date", help="Of the image, for the polygons; none: as the raster says.")
    ] = None,
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
    where: Annotated[
        bool | None,
        typer.Option("--where/--no-where", help="One more raster, of pixels; otherwise where the run has a mask head."),
    ] = None,
    prevalence: Annotated[
        float | None, typer.Option("--prevalence", help="Share of landslides there; otherwise as stated for the run.")
    ] = None,
    detach: Detach = False,
    checkpoints: Checkpoints = DEFAULT_CHECKPOINTS,
    as_json: AsJson = False,
) -> None:
    """Probability of landslide for whole scenes, as rasters and polygons.

    `jobs resume` goes on with what was broken off. Exit status 1 where one of several scenes could not be answered.
    """
    several = len(scenes) > 1 or out.is_dir() or not out.suffix
    given = {
        "out": str(out),
        "polygons": None if polygons is None else str(polygons),
        "date": date,
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
        "where": where,
        "prevalence": prevalence,
    }
    if not several:
        value = submit(open_run(checkpoints, run), "scene", given | {"scene": str(scenes[0])}, detach, as_json)
        if value is not None:
            lines = [value.pop("message"), *_warnings(value)]
            print_result(value, as_json, "\n".join(lines))
        return
    for path in filter(None, (out, polygons)):
        if path.suffix.lower() in ONE_FILE:
            raise ConfigError(f"{path.name} is the name of one file. Many scenes are answered into a folder: name it.")
    given["scenes"] = [str(path) for path in scenes]
    value = submit(open_run(checkpoints, run), "scenes", given, detach, as_json)
    if value is not None:
        value.pop("message")
        lines = [f"{Path(one['scene']).name}: {one['message']}" for one in value["scenes"]]
        print_result(value, as_json, "\n".join([*lines, *_warnings(value)]))
        for one in value["failed"]:
            print(one_line(f"Error: {Path(one['scene']).name} was not answered: {one['reason']}"), file=sys.stderr)
        if value["failed"]:
            raise typer.Exit(1)


def _warnings(value: dict[str, Any]) -> list[str]:
    return [f"Warning: {text}" for text in value["warnings"]]
