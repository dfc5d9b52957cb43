"""Shapes in pixels brought to longitude and latitude, and measured on the ellipsoid of WGS 84.

GeoJSON (RFC 7946) wants degrees, outer rings that run counter-clockwise, and nothing across the antimeridian.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from core.predict.maps.grid import Grid

LONGEST_EDGE = 32  # pixels; a straight line on one map is bent on another
GRAIN = 1e-7  # degrees, about a centimetre


def lonlat_shapes(shapes: np.ndarray, grid: Grid) -> np.ndarray:
    """(n,) shapely polygons in pixels (column, row) as valid polygons in degrees, right-handed, cut at 180 degrees."""
    import shapely

    dense = shapely.segmentize(shapes, LONGEST_EDGE)
    placed = shapely.transform(dense, grid.to_lonlat)
    return np.array([_right_handed(_cut(one)) for one in placed], dtype=object)


def crs_shapes(shapes: np.ndarray, grid: Grid) -> np.ndarray:
    """(n,) polygons in pixels in the grid's own coordinates, valid and right-handed."""
    import shapely

    placed = shapely.transform(np.asarray(shapes, object), grid.to_crs)
    return np.array([_oriented(_polygons(one)) for one in placed], dtype=object)


def areas_m2(shapes: np.ndarray) -> np.ndarray:
    """(n,) float64 geodesic areas of polygons in degrees."""
    from pyproj import Geod

    geod = Geod(ellps="WGS84")
    return np.array([abs(geod.geometry_area_perimeter(_oriented(one))[0]) if one else 0.0 for one in shapes])


def lengths_m(shapes: np.ndarray) -> np.ndarray:
    """(n,) float64 geodesic lengths of lines in degrees."""
    from pyproj import Geod

    geod = Geod(ellps="WGS84")
    return np.array([geod.geometry_length(one) if one and not one.is_empty else 0.0 for one in shapes])


def _right_handed(shape: Any) -> Any:
    import shapely

    return _oriented(_polygons(shapely.set_precision(shape, GRAIN)))


def _oriented(shape: Any) -> Any:
    """Outer rings counter-clockwise, holes clockwise."""
    import shapely

    return shapely.orient_polygons(shape)


def _polygons(shape: Any) -> Any:
    """A valid shape of polygons alone: lines and points that repairing leaves over are dropped."""
    import shapely

    valid = shape if shape.is_valid else shapely.make_valid(shape)
    if valid.geom_type in ("Polygon", "MultiPolygon"):
        return valid
    parts = [part for part in shapely.get_parts(valid) if part.geom_type in ("Polygon", "MultiPolygon")]
    return shapely.union_all(parts) if parts else shapely.Polygon()


def _cut(shape: Any) -> Any:
    """A shape that crosses the antimeridian as one that is cut there; any other as it is."""
    import shapely

    west, _, east, _ = shape.bounds
    if not east - west > 180:
        return shape

    def turned(xy: np.ndarray) -> np.ndarray:
        return np.column_stack([np.where(xy[:, 0] < 0, xy[:, 0] + 360, xy[:, 0]), xy[:, 1]])

    whole = _polygons(shapely.transform(shape, turned))
    left = shapely.intersection(whole, shapely.box(0, -90, 180, 90))
    right = shapely.intersection(whole, shapely.box(180, -90, 360, 90))
    return _polygons(shapely.union_all([left, shapely.transform(right, lambda xy: xy - [360, 0])]))
