"""``python -m core polygons`` and ``python -m core triage-grid``: from a probability raster to files for a map.

Their further options stand in ``analyse polygons --help`` and ``analyse triage-grid --help``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from core.commands.console import AsJson, Checkpoints, Run, analyse, print_result
from core.runs.store import DEFAULT_CHECKPOINTS, open_run

Probability = Annotated[Path, typer.Argument(help="A GeoTIFF of probabilities, as predict-scene writes it.")]
Out = Annotated[Path, typer.Option("--out", help="A .geojson or .gpkg; the other one and a style lie beside it.")]
Threshold = Annotated[float | None, typer.Option("--threshold", help="None: the run's.")]
MissRate = Annotated[
    float | None, typer.Option("--miss-rate", help="Take the threshold that misses at most this share of landslides.")
]
Prevalence = Annotated[float | None, typer.Option("--prevalence", help="Share of landslides there, such as 0.02.")]
Disagreement = Annotated[
    Path | None, typer.Option("--disagreement", help="Of the folds' models; none: the file beside the probability.")
]
Dem = Annotated[Path | None, typer.Option("--dem", help="A GeoTIFF of the ground's height in metres.")]
DemBand = Annotated[str, typer.Option("--dem-band", help="Its number from 1, or its name.")]
Slope = Annotated[Path | None, typer.Option("--slope", help="A GeoTIFF of slopes; none: computed from --dem.")]
SlopeBand = Annotated[str, typer.Option("--slope-band", help="Its number from 1, or its name.")]
SlopeUnit = Annotated[float, typer.Option("--slope-unit", help="Degrees of one unit: 0.01 for hundredths.")]
Roads = Annotated[Path | None, typer.Option("--roads", help="A GeoJSON or GeoPackage of lines: which are crossed.")]
RoadName = Annotated[str | None, typer.Option("--road-name", help="The column of their names.")]


def polygons(
    run: Run,
    probability: Probability,
    out: Out,
    threshold: Threshold = None,
    miss_rate: MissRate = None,
    prevalence: Prevalence = None,
    cell_m: Annotated[float | None, typer.Option("--cell-m", help="Ground one answer speaks of, in metres.")] = None,
    date: Annotated[str | None, typer.Option("--date", help="Of the image; none: as the raster says.")] = None,
    disagreement: Disagreement = None,
    dem: Dem = None,
    dem_band: DemBand = "1",
    slope: Slope = None,
    slope_band: SlopeBand = "1",
    slope_unit: SlopeUnit = 1.0,
    roads: Roads = None,
    road_name: RoadName = None,
    checkpoints: Checkpoints = DEFAULT_CHECKPOINTS,
    as_json: AsJson = False,
) -> None:
    """Outlines of a scene's answer as GeoJSON and GeoPackage with a QGIS style."""
    given = dict(locals())
    run_and_print("polygons", given)


def triage_grid(
    run: Run,
    probability: Probability,
    out: Out,
    threshold: Threshold = None,
    miss_rate: MissRate = None,
    prevalence: Prevalence = None,
    cell_m: Annotated[float, typer.Option("--cell-m", help="Side of a cell in metres.")] = 1000.0,
    share: Annotated[float, typer.Option("--share", help="Look at the fewest cells expected to hold it.")] = 0.8,
    hours: Annotated[float | None, typer.Option("--hours", help="Or as many as this time allows.")] = None,
    minutes: Annotated[float, typer.Option("--minutes", help="To look at one cell.")] = 5.0,
    disagreement: Disagreement = None,
    dem: Dem = None,
    dem_band: DemBand = "1",
    slope: Slope = None,
    slope_band: SlopeBand = "1",
    slope_unit: SlopeUnit = 1.0,
    roads: Roads = None,
    road_name: RoadName = None,
    checkpoints: Checkpoints = DEFAULT_CHECKPOINTS,
    as_json: AsJson = False,
) -> None:
    """Cells of ground in the order in which they are to be looked at, and the workload."""
    given = dict(locals())
    run_and_print("triage_grid", given)


def run_and_print(name: str, given: dict[str, Any]) -> None:
    """Do the analysis with what the command was given, and print what it found."""
    from core.data.readers import must_exist

    checkpoints, as_json, run = (given.pop(key) for key in ("checkpoints", "as_json", "run"))
    for value in given.values():
        if isinstance(value, Path) and value != given["out"]:
            must_exist(value)  # before a job is made of it
    options = {key: str(value) if isinstance(value, Path) else value for key, value in given.items()}
    value = analyse(open_run(checkpoints, run), name, options, as_json)
    lines = [str(value.pop("message")), *(f"Warning: {text}" for text in value["warnings"])]
    print_result(value, as_json, "\n".join(lines))
