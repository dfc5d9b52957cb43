"""A triage grid as files: GeoJSON, GeoPackage, a style that shows the order, and a CSV for a table of the day."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import numpy as np

from core.io.atomic import write_text
from core.io.csv_injection import csv_cell
from core.predict.maps.geodesic import crs_shapes
from core.predict.maps.grid import Grid
from core.predict.maps.roads import Crossed
from core.predict.maps.style import by_word
from core.predict.maps.vector_files import check_outputs, write_geojson, write_geopackage
from core.predict.triage_grid.cells import BELOW, LOOK, PARTLY, UNSEEN, Cells

LAYER = "cells"
FIRST = "look first"  # of the cells to look at, those within the chosen workload
ORDER = (FIRST, LOOK, PARTLY, BELOW, UNSEEN)
LEGEND = {
    FIRST: "look here first",
    LOOK: "then here: some ground at or above the threshold",
    PARTLY: "below the threshold in what was seen, but not all was seen",
    BELOW: "all seen, all below the threshold (not the same as no landslide)",
    UNSEEN: "not seen: nothing is known",
}
MEANING = {
    "rank": "Order of looking among the cells that were seen; none for those that were not.",
    "unseen_rank": "Order among the cells that were not seen, the largest and steepest unseen ground first.",
    "status": "What to do: " + "; ".join(f"{name}: {text}" for name, text in LEGEND.items()) + ".",
    "expected_km2": "Sum of calibrated probability times ground seen: ground of patches that hold a landslide.",
    "above_km2": "Ground at or above the threshold.",
    "prob_max": "Highest calibrated probability.",
    "seen_km2": "Ground that was seen.",
    "unseen_km2": "Ground that was not.",
    "slope_deg": "Mean slope in degrees.",
    "priority": "What the order follows: expected ground of the whole cell, weighted by slope where it was given.",
    "held": "Share of all expected ground held by this cell and those before it.",
    "roads": "Roads that lie in it.",
}


def columns_of(cells: Cells, held: np.ndarray, first: int, roads: Crossed | None = None) -> dict[str, list[Any]]:
    """Name -> n values. held: (ranked + 1,) share held by the first k. first: how many cells are in the workload."""
    status = [FIRST if 0 < rank <= first else str(word) for rank, word in zip(cells.rank, cells.status, strict=True)]
    columns: dict[str, list[Any]] = {
        "cell": [f"{r + 1}-{c + 1}" for r, c in zip(cells.row.tolist(), cells.col.tolist(), strict=True)],
        "rank": [int(rank) or None for rank in cells.rank],
        "unseen_rank": [int(rank) or None for rank in cells.unseen_rank],
        "status": status,
        "expected_km2": _plain(cells.expected_km2, 6),
        "above_km2": _plain(cells.above_km2, 6),
        "prob_max": _plain(cells.prob_max, 4),
        "seen_km2": _plain(cells.seen_km2, 6),
        "unseen_km2": _plain(cells.unseen_km2, 6),
        "slope_deg": _plain(cells.slope, 2),
        "priority": _plain(np.where(cells.rank > 0, cells.priority, np.nan), 6),
        "held": [round(float(held[rank]), 6) if rank else None for rank in cells.rank],
    }
    if roads is not None:
        columns["roads"] = roads.of_shape
    return columns


def write(cells: Cells, grid: Grid, columns: dict[str, list[Any]], out: Path, facts: dict[str, Any]) -> list[Path]:
    """Write the grid to ``out`` (.geojson or .gpkg), the other format, a style and a CSV; returns the paths."""
    check_outputs(out)
    json_path = out if out.suffix.lower() == ".json" else out.with_suffix(".geojson")
    package, style, table = (out.with_suffix(suffix) for suffix in (".gpkg", ".qml", ".csv"))
    look = by_word("status", ORDER, [LEGEND[word] for word in ORDER])
    meaning = {name: text for name, text in MEANING.items() if name in columns}
    write_geojson(json_path, cells.lonlat, columns, facts | {"columns": meaning})
    write_geopackage(package, {LAYER: (crs_shapes(cells.shapes, grid), columns)}, grid.crs, look)
    write_text(style, look)
    write_text(table, _csv(cells, columns))
    return [json_path, package, style, table]


def _csv(cells: Cells, columns: dict[str, list[Any]]) -> str:
    """The cells to look at in their order, then those not seen; lon and lat of the middle."""
    import shapely

    middle = shapely.get_coordinates(shapely.point_on_surface(cells.lonlat))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*columns, "lon", "lat"])
    for i in (*cells.ranked.tolist(), *cells.not_seen.tolist()):
        values = [csv_cell(values[i]) for values in columns.values()]
        writer.writerow(["" if value is None else value for value in values] + [f"{v:.6f}" for v in middle[i]])
    return text.getvalue()


def _plain(values: np.ndarray, digits: int) -> list[float | None]:
    return [round(float(value), digits) if np.isfinite(value) else None for value in values]
