"""Roads that shapes of a map cross, by name and length, from a GeoJSON or GeoPackage of lines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from core.errors import FormatError
from core.predict.maps.geodesic import lengths_m
from core.predict.maps.grid import WGS84
from core.predict.maps.vector_reading import read_layer
from core.text import list_names, one_line

NAMES = ("name", "name:en", "road_name", "roadname", "street", "fullname", "ref")  # in this order, in any case
UNNAMED = "without a name"


@dataclass(frozen=True)
class Roads:
    """lines: (n,) shapely in degrees. names: (n,) text."""

    lines: np.ndarray
    names: np.ndarray

    def __len__(self) -> int:
        return len(self.lines)


@dataclass(frozen=True)
class Crossed:
    """Roads inside shapes. by_name: name -> (length_m, shapes crossed), the longest first. of_shape: (n,) texts."""

    by_name: dict[str, tuple[float, int]]
    of_shape: list[str]

    @property
    def length_m(self) -> float:
        """Of all roads together."""
        return float(sum(length for length, _ in self.by_name.values()))

    def rows(self) -> list[dict[str, Any]]:
        """Plain values, a road each."""
        return [{"road": name, "length_m": round(length, 1), "shapes": n} for name, (length, n) in self.by_name.items()]

    def sentence(self, what: str) -> str:
        """For people."""
        if not self.by_name:
            return f"No road of the file lies in {what}."
        parts = [f"{name} ({length / 1000:.2f} km)" for name, (length, _) in self.by_name.items()]
        return f"{self.length_m / 1000:.2f} km of roads lie in {what}: {list_names(parts)}."


def read_roads(path: Path, name_column: str | None = None) -> Roads:
    """The lines of a file, in degrees. Raises FormatError for what holds no lines or does not say where they lie."""
    import shapely

    found = read_layer(path, hint="Give a GeoJSON or GeoPackage with the roads as lines.")
    shapes = found.shapes
    kept = np.isin(shapely.get_type_id(shapes), (1, 5)) & ~shapely.is_empty(shapes)  # lines and sets of lines
    if not kept.any():
        kinds = sorted({one.geom_type for one in shapes if one is not None})
        raise FormatError(f"{path.name} holds no lines ({list_names(kinds) or 'nothing'}). Roads are lines.")
    if not found.crs:
        raise FormatError(f"{path.name} does not say which coordinates its lines are in. Save it with its CRS.")
    return Roads(_in_degrees(shapes[kept], found.crs), _names(found.columns, name_column, path, len(shapes))[kept])


def crossed(shapes: np.ndarray, roads: Roads) -> Crossed:
    """What of the roads lies inside the shapes (n,) in degrees. Shapes that overlap count a road once each."""
    import shapely

    of_shape: list[list[str]] = [[] for _ in shapes]
    by_name: dict[str, tuple[float, int]] = {}
    if len(roads) and len(shapes):
        at, road = shapely.STRtree(roads.lines).query(shapes, predicate="intersects")
        lengths = lengths_m(_lines(shapely.intersection(shapes[at], roads.lines[road])))
        seen: set[tuple[int, str]] = set()
        for shape, line, length in zip(at.tolist(), road.tolist(), lengths.tolist(), strict=True):
            if length <= 0:
                continue
            name = str(roads.names[line])
            total, n = by_name.get(name, (0.0, 0))
            by_name[name] = (total + length, n + ((shape, name) not in seen))
            seen.add((shape, name))
            of_shape[shape].append(name)
    ordered = dict(sorted(by_name.items(), key=lambda item: (-item[1][0], item[0])))
    return Crossed(ordered, [list_names(sorted(set(names)), 10) for names in of_shape])


def _lines(shapes: np.ndarray) -> np.ndarray:
    """The lines of each shape alone: a road that only touches gives a point."""
    import shapely

    def only(shape: Any) -> Any:
        if shape.geom_type in ("LineString", "MultiLineString"):
            return shape
        lines = [part for one in shapely.get_parts(shape) for part in shapely.get_parts(one)]
        return shapely.MultiLineString([line for line in lines if line.geom_type == "LineString"])

    return np.array([only(shape) for shape in shapes], dtype=object)


def _in_degrees(lines: np.ndarray, crs: str) -> np.ndarray:
    import shapely
    from pyproj import CRS, Transformer

    if CRS.from_user_input(crs) == CRS.from_user_input(WGS84):
        return lines
    project = Transformer.from_crs(crs, WGS84, always_xy=True)
    return shapely.transform(lines, lambda xy: np.column_stack(project.transform(*xy.T)))


def _names(columns: Mapping[str, np.ndarray], chosen: str | None, path: Path, n: int) -> np.ndarray:
    if chosen is not None and chosen not in columns:
        raise FormatError(f"{path.name} has no column '{chosen}'. It has: {list_names(list(columns), 20) or 'none'}.")
    lower = {name.lower(): name for name in reversed(list(columns))}
    order = [chosen] if chosen is not None else [lower[name] for name in NAMES if name in lower]
    names = np.full(n, UNNAMED, dtype=object)
    for column in reversed(order):
        for i, value in enumerate(columns[column]):
            if value is not None and value == value and str(value).strip():
                names[i] = one_line(str(value).strip(), 120)
    return names
