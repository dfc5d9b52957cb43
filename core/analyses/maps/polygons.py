"""Polygons of a scene's answer for a geographic information system, each with what is known of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import Field

from core.analyses.base import Analysis
from core.analyses.maps.options import MapOptions, check, read_beside, read_map
from core.progress import Progress, Steps
from core.runs.store import RunFolder


class PolygonOptions(MapOptions):
    """What is outlined, and what goes with it."""

    cell_m: float | None = Field(
        None,
        gt=0,
        title="Side of a cell in metres",
        description="Ground that one answer speaks of: gaps narrower than half of it are closed. None: half a patch.",
    )
    date: str | None = Field(
        None, max_length=40, title="Date of the image", description="None: as the raster says, or unknown."
    )


def analyse(run: RunFolder, options: PolygonOptions) -> Steps[dict[str, Any]]:
    """Outline what lies at or above the threshold and write GeoJSON, GeoPackage and a QGIS style.

    Raises FormatError for what is no map of probabilities, DataError where a safety target cannot be promised.
    """
    from core.predict.polygons.describe import polygons
    from core.predict.polygons.files import write

    yield Progress(0.0, "Reading the raster.")
    source = read_map(run, options)
    terrain, roads = read_beside(source.grid, options)
    width, height = source.grid.pixel_m
    cell = source.cell_px if options.cell_m is None else options.cell_m / (width * height) ** 0.5
    yield Progress(0.3, "Drawing outlines.")
    date = options.date or source.date
    found = polygons(
        source.probs, source.grid, source.promise, cell, called=source.called, disagreement=source.disagreement,
        terrain=terrain, roads=roads, date=date,
    )  # fmt: skip
    yield Progress(0.8, f"Writing {len(found):,} polygons.")
    facts = source.promise.to_dict() | {"probability": source.path.name, "cell_m": round(cell * width, 2), "date": date}
    paths = write(found, Path(options.out), source.promise.threshold, facts)
    area = sum(found.columns["area_m2"]) / 1e6
    crossed = None if found.crossed is None else found.crossed.rows()
    message = f"{len(found):,} polygons, {area:,.4g} km², from probability {source.promise.threshold:.3f} on, in "
    message += f"{paths[0].name} and {paths[1].name}. {source.promise.words}"
    if found.crossed is not None:
        message += f" {found.crossed.sentence('the polygons')}"
    return facts | {
        "n": len(found),
        "area_km2": area,
        "n_below_cell": sum(found.columns["below_cell"]),
        "files": [str(path) for path in paths],
        "roads": crossed,
        "warnings": list(source.notes),
        "message": message,
    }


ANALYSIS = Analysis(
    name="polygons",
    title="Polygons",
    summary="Outlines of a scene's answer as GeoJSON and GeoPackage, with probability, ground, slope and promise.",
    page="predict",
    view="scene",
    Options=PolygonOptions,
    run=analyse,
    check=check,
    needs_device=False,
)
