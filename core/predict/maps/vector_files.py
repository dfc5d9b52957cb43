"""Shapes with their columns, written as GeoJSON (RFC 7946) and GeoPackage for other programs.

Both appear whole or not at all. GeoJSON is written here, as the standard fits on a page; GeoPackage by GDAL through
pyogrio. Text cells stay text: no program is asked to guess a type.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from core.errors import ConfigError
from core.io.atomic import at_boundary, put_in_place, unfinished, write_text
from core.predict.maps.grid import WGS84
from core.runs.plain_files import to_json_value

SUFFIXES = {".geojson": "GeoJSON", ".json": "GeoJSON", ".gpkg": "GPKG"}
DIGITS = 7  # of a degree: about a centimetre
Columns = Mapping[str, Sequence[Any]]


def check_outputs(*paths: Path) -> None:
    """Raises ConfigError for a name that says no format that is written."""
    for path in paths:
        if path.suffix.lower() not in SUFFIXES:
            raise ConfigError(f"{path.name} is no name for a map of shapes. Accepted: .geojson and .gpkg.")


def write_geojson(path: Path, shapes: np.ndarray, columns: Columns, facts: Mapping[str, Any]) -> None:
    """Write shapes in degrees (RFC 7946). facts: what holds for all of them, a member of its own beside the features.

    shapes: (n,) shapely, right-handed. columns: name -> n values.
    """
    import shapely

    features = []
    for i, shape in enumerate(shapes):
        properties = {name: to_json_value(values[i]) for name, values in columns.items()}
        geometry = _rounded(shapely.geometry.mapping(shape)) if not shape.is_empty else None
        features.append({"type": "Feature", "id": i + 1, "properties": properties, "geometry": geometry})
    head = {"type": "FeatureCollection", "landslide_lens": to_json_value(dict(facts))}
    lines = ",\n".join(json.dumps(one, allow_nan=False, ensure_ascii=False) for one in features)
    text = json.dumps(head, allow_nan=False, ensure_ascii=False)
    write_text(path, f'{text[:-1]}, "features": [\n{lines}\n]}}\n')


def _rounded(geometry: Mapping[str, Any]) -> dict[str, Any]:
    def short(value: Any) -> Any:
        return round(value, DIGITS) if isinstance(value, float) else [short(one) for one in value]

    return {"type": geometry["type"], "coordinates": short(geometry["coordinates"])}


def write_geopackage(
    path: Path, layers: Mapping[str, tuple[np.ndarray, Columns]], crs: str = WGS84, style: str | None = None
) -> None:
    """Write layers of shapes and columns in one coordinate system; an existing file is replaced as a whole.

    style: a QGIS style, kept inside as the first layer's own.
    """
    import pyogrio
    import shapely

    at_boundary("write", path)
    partial = unfinished(path, "gpkg")
    try:
        partial.unlink(missing_ok=True)
        for place, (layer, (shapes, columns)) in enumerate(layers.items()):
            kinds = {one.geom_type for one in shapes}
            if kinds == {"Polygon", "MultiPolygon"}:
                shapes = np.array([shapely.multipolygons([s]) if s.geom_type == "Polygon" else s for s in shapes])
                kinds = {"MultiPolygon"}
            fields = [_column(values) for values in columns.values()]
            pyogrio.raw.write(
                partial,
                geometry=shapely.to_wkb(np.asarray(shapes, object)),
                field_data=[values for values, _ in fields],
                field_mask=[mask for _, mask in fields],
                fields=np.array(list(columns), dtype=object),
                geometry_type=kinds.pop() if len(kinds) == 1 else "Unknown",
                crs=crs,
                driver="GPKG",
                layer=layer,
                append=place > 0,
                promote_to_multi=False,
            )
        if style is not None:
            _keep_style(partial, next(iter(layers)), style)
        with partial.open("rb+") as file:
            os.fsync(file.fileno())
        put_in_place(partial, path)
    finally:
        for suffix in ("", "-wal", "-shm", "-journal"):
            partial.with_name(partial.name + suffix).unlink(missing_ok=True)


def _column(values: Sequence[Any]) -> tuple[np.ndarray, np.ndarray | None]:
    """Numbers as numbers, anything else as text; and (n,) bool where there is none, or None."""
    empty = np.array([value is None for value in values], bool)
    known = [value for value in values if value is not None]
    mask = empty if empty.any() else None
    for kind, dtype in ((bool, np.bool_), (int, np.int64), (int | float, np.float64)):
        if known and all(isinstance(value, kind) for value in known):
            return np.array([dtype(0) if value is None else value for value in values], dtype), mask
    return np.array([None if value is None else str(value) for value in values], dtype=object), None


def _keep_style(path: Path, layer: str, style: str) -> None:
    """QGIS looks for a layer's style in a table of this name, and takes the default one by itself."""
    import sqlite3

    with sqlite3.connect(path) as db:
        db.execute(
            "CREATE TABLE layer_styles (id INTEGER PRIMARY KEY AUTOINCREMENT, f_table_catalog TEXT, f_table_schema "
            "TEXT, f_table_name TEXT, f_geometry_column TEXT, styleName TEXT, styleQML TEXT, styleSLD TEXT, "
            "useAsDefault BOOLEAN, description TEXT, owner TEXT, ui TEXT, update_time DATETIME)"
        )
        db.execute(
            "INSERT INTO layer_styles (f_table_catalog, f_table_schema, f_table_name, f_geometry_column, styleName, "
            "styleQML, useAsDefault, description, owner) VALUES ('', '', ?, 'geom', ?, ?, 1, '', '')",
            (layer, layer, style),
        )
        db.execute(
            "INSERT INTO gpkg_contents (table_name, data_type, identifier) VALUES ('layer_styles', 'attributes', "
            "'layer_styles')"
        )
    db.close()
