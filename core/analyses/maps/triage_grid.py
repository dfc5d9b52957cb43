"""A triage grid of a scene's answer: cells in the order in which they are to be looked at, with the workload."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import Field

from core.analyses.base import Analysis
from core.analyses.maps.options import MapOptions, check, read_beside, read_map
from core.progress import Progress, Steps
from core.runs.store import RunFolder
from core.wording.scene import expected_words

CELL_M = 1000.0


class TriageGridOptions(MapOptions):
    """The cells, and how much of the work is taken on."""

    cell_m: float = Field(
        CELL_M, gt=0, le=100_000, title="Side of a cell in metres", description="USGS drew cells of 2,000 m by hand."
    )
    share: float = Field(
        0.8, gt=0, le=1, title="Share to be found", description="Look at the fewest cells that are expected to hold it."
    )
    hours: float | None = Field(
        None, gt=0, title="Hours", description="Look at as many cells as this time allows, whatever share they hold."
    )
    minutes: float = Field(5.0, gt=0, title="Minutes a cell", description="How long it takes to look at one cell.")
    unseen_from: float = Field(
        0.5,
        gt=0,
        le=1,
        title="Not seen from",
        description="Share of a cell that was not seen, from which it counts as not seen unless some of it is called.",
    )


def analyse(run: RunFolder, options: TriageGridOptions) -> Steps[dict[str, Any]]:
    """Rank the cells and write GeoJSON, GeoPackage, a QGIS style and a CSV.

    Raises FormatError for what is no map of probabilities, ConfigError for cells that make no sense.
    """
    from core.predict.maps.roads import crossed
    from core.predict.triage_grid.cells import triage_cells
    from core.predict.triage_grid.files import columns_of, write
    from core.predict.triage_grid.workload import workload

    yield Progress(0.0, "Reading the raster.")
    source = read_map(run, options)
    terrain, roads = read_beside(source.grid, options)
    yield Progress(0.3, "Adding up the cells.")
    threshold = source.promise.threshold
    cells = triage_cells(source.probs, source.grid, options.cell_m, source.called, terrain.slope, options.unseen_from)
    dial = workload(cells, options.minutes)
    stop = dial.at_share(options.share) if options.hours is None else dial.at_hours(options.hours)
    between = source.promise.expected_km2(source.probs, float(cells.seen_km2.sum()))
    lying = None if roads is None else crossed(cells.lonlat, roads)
    first = None if roads is None else crossed(cells.lonlat[cells.ranked[: stop.cells]], roads)
    unseen = None if roads is None else crossed(cells.lonlat[cells.not_seen], roads)
    facts = source.promise.to_dict() | {"probability": source.path.name, "cell_m": options.cell_m}
    facts |= {"look_first": stop.cells, "expected_share": stop.share}
    yield Progress(0.8, f"Writing {len(cells):,} cells.")
    paths = write(cells, source.grid, columns_of(cells, dial.share, stop.cells, lying), Path(options.out), facts)
    message = f"{dial.sentence(stop)} In {paths[0].name} and {paths[1].name}."
    if between is not None:
        whole = float(cells.expected_km2.sum())
        message += f" Expected in all that was seen, of patches with a landslide: {expected_words(whole, between)}."
    if first is not None and unseen is not None:
        message += f" {first.sentence('the cells to look at first')}"
        if unseen.by_name:
            message += f" {unseen.length_m / 1000:.2f} km of roads lie in cells that were not seen."
    return facts | {
        "n": len(cells),
        "threshold": threshold,
        "hours": stop.hours,
        "expected_km2": dial.expected_km2,
        "expected_km2_interval": between,
        "missed_km2": stop.missed_km2,
        "unseen_km2": dial.unseen_km2,
        "n_unseen": dial.n_unseen,
        "workload": dial.table(),
        "files": [str(path) for path in paths],
        "roads_first": None if first is None else first.rows(),
        "roads_unseen": None if unseen is None else unseen.rows(),
        "warnings": list(source.notes),
        "message": message,
    }


ANALYSIS = Analysis(
    name="triage_grid",
    title="Triage grid",
    summary="Cells of ground in the order in which they are to be looked at, with the workload and what was not seen.",
    page="predict",
    view="scene",
    Options=TriageGridOptions,
    run=analyse,
    check=check,
    needs_device=False,
)
