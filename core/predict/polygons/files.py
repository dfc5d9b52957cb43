"""Polygons as files: GeoJSON in degrees, GeoPackage in the raster's own coordinates, and a QGIS style beside them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from core.io.atomic import write_text
from core.predict.maps.geodesic import crs_shapes
from core.predict.maps.style import by_number
from core.predict.maps.vector_files import check_outputs, write_geojson, write_geopackage
from core.predict.polygons.describe import Polygons

LAYER = "landslides"
STEPS = 5  # of the legend
MEANING = {
    "area_m2": "Geodesic area of the outline, in square metres.",
    "above_m2": "Geodesic area of the pixels at or above the threshold that it was drawn from.",
    "prob_mean": "Mean calibrated probability of those pixels.",
    "prob_max": "Their highest calibrated probability.",
    "share_lo": "Lower end, 95 %, of the share of landslides among out-of-fold patches of about that mean probability.",
    "share_hi": "Upper end of the same.",
    "disagree": "Mean disagreement of the folds' models on those pixels.",
    "slope_deg": "Mean slope in degrees.",
    "elev_m": "Mean elevation in metres.",
    "below_cell": "Whether it was drawn from less ground than one answer speaks of: where in the cell is not known.",
    "source_date": "Date of the image that was read.",
    "run": "The run that answered.",
    "threshold": "Probability from which ground was drawn.",
    "promise": "What that threshold promises.",
    "roads": "Roads that it crosses.",
}


def write(found: Polygons, out: Path, threshold: float, facts: dict[str, Any]) -> list[Path]:
    """Write polygons to ``out`` (.geojson or .gpkg) and to the other format, with a style for each; returns the paths.

    facts: what holds for all of them, kept in the GeoJSON.
    """
    check_outputs(out)
    json_path, package = out.with_suffix(".geojson"), out.with_suffix(".gpkg")
    if out.suffix.lower() == ".json":
        json_path = out
    style = style_of(threshold)
    meaning = {name: text for name, text in MEANING.items() if name in found.columns}
    write_geojson(json_path, found.lonlat, found.columns, facts | {"columns": meaning})
    shapes = crs_shapes(found.shapes, found.grid) if len(found) else found.shapes
    write_geopackage(package, {LAYER: (shapes, found.columns)}, found.grid.crs, style)
    write_text(out.with_suffix(".qml"), style)
    return [json_path, package, out.with_suffix(".qml")]


def style_of(threshold: float) -> str:
    """Colours by mean probability, in steps from the threshold to 1."""
    low = min(max(threshold, 0.0), 0.99)
    edges = [low + (1.0 - low) * i / STEPS for i in range(STEPS + 1)]
    labels = [f"probability {edges[i]:.2f} to {edges[i + 1]:.2f}" for i in range(STEPS)]
    return by_number("prob_mean", [min(low, 0.0), *edges[1:]], labels)
