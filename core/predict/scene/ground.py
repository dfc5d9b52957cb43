"""The grid that a scene's pixels lie on, and how much ground they cover.

Areas are geodesic, on the ellipsoid of WGS 84, by PROJ's geodesic routines (pyproj): a pixel of a map in degrees covers
less ground the further it lies from the equator, and one of a map in metres is off by the map's own scale.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from core.data.readers.geo.placement import Placement, same_system, to_system
from core.data.readers.geo.raster import Window
from core.errors import needed

WGS84 = "EPSG:4326"
EDGE_POINTS = 21  # of each side of a raster that are looked up on another grid
ALIGNED = 0.01  # of a pixel that corners of one grid may lie apart
BLOCK = 64  # pixels a side whose area is computed together
SIDE_POINTS = 4  # of a block's side, since it is no straight line on the ground
M2 = 1e-6  # in km2


@dataclass(frozen=True)
class Grid:
    """Pixels in rows and columns. place: where they lie; None: nobody knows. shape: (H, W)."""

    place: Placement | None
    shape: tuple[int, int]

    @property
    def lies(self) -> Placement:
        """Its place. Raises FormatError where none is stated."""
        return needed(self.place, "A raster states no place. Give a GeoTIFF that does.")

    @property
    def system(self) -> str:
        """Its coordinate system as WKT. Raises FormatError where none is stated."""
        return needed(self.lies.crs, "A raster states no coordinate system. gdal_edit.py -a_srs states one.")

    def is_same(self, other: Grid) -> bool:
        """Whether the pixels of both lie on each other. Rasters of one size that both have no place count as such."""
        return self.shape == other.shape and self.shift(other) == (0, 0)

    def shift(self, other: Grid) -> tuple[int, int] | None:
        """(rows, columns) from a pixel's place in this grid to its place in ``other``; None where pixels do not match.

        Rasters of one size that both have no place are taken to match.
        """
        if self.place is None or other.place is None:
            return (0, 0) if self.place is other.place and self.shape == other.shape else None
        if same_system(self.place.crs, other.place.crs) is False:
            return None
        corners = [(row, col) for row in (0, self.shape[0]) for col in (0, self.shape[1])]
        there = [other.place.pixel(*self.place.at(*corner)) for corner in corners]
        rows, cols = round(there[0][0]), round(there[0][1])
        fits = all(
            math.dist((row + rows, col + cols), at) <= ALIGNED for (row, col), at in zip(corners, there, strict=True)
        )
        return (rows, cols) if fits else None

    def extent(self, other: Grid) -> Window:
        """The window of this grid (row, column, height, width), not clipped, that holds all of ``other``."""
        along = np.linspace(0, 1, EDGE_POINTS)
        rows, cols = (side.ravel() for side in np.meshgrid(other.shape[0] * along, other.shape[1] * along))
        x, y = other.lies.at(rows, cols)
        rows, cols = self.lies.pixel(*to_system(other.system, self.system, x, y))
        top, left = (math.floor(values.min() + ALIGNED) for values in (rows, cols))
        bottom, right = (math.ceil(values.max() - ALIGNED) for values in (rows, cols))
        return top, left, bottom - top, right - left

    def at_degrees(self, lonlat: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(rows, columns) in pixels of (N, 2) longitudes and latitudes; not finite where the grid does not reach."""
        return self.lies.pixel(*to_system(_wgs84(), self.system, *np.transpose(lonlat)))

    def degrees_at(self, rows: np.ndarray, cols: np.ndarray) -> np.ndarray | None:
        """(N, 2) longitudes and latitudes of (N,) places in pixels; None for a grid without a place."""
        if self.place is None or not self.place.crs:
            return None
        return np.stack(to_system(self.place.crs, _wgs84(), *self.place.at(np.asarray(rows), np.asarray(cols))), axis=1)

    def pixel_m(self) -> float | None:
        """Side of a pixel in metres at the middle of the scene; None where that is not known."""
        block = (self.shape[0] // 2, self.shape[1] // 2, 1, 1)
        area = self._area(*block)
        return None if area is None else math.sqrt(area / M2)

    @cached_property
    def pixel_km2(self) -> np.ndarray | None:
        """(blocks of rows, blocks of columns) km2 of one pixel in each block; None where the place is not known."""
        tops, lefts = (range(0, n, BLOCK) for n in self.shape)
        found = np.empty((len(tops), len(lefts)))
        for i, top in enumerate(tops):
            for j, left in enumerate(lefts):
                height, width = min(BLOCK, self.shape[0] - top), min(BLOCK, self.shape[1] - left)
                area = self._area(top, left, height, width)
                if area is None:
                    return None
                found[i, j] = area / (height * width)
        return found

    def _area(self, top: int, left: int, height: int, width: int) -> float | None:
        """Km2 of a rectangle of pixels; None where it has no place on Earth."""
        if self.place is None or self.place.crs is None:
            return None
        from pyproj import Geod

        along = np.arange(SIDE_POINTS) / SIDE_POINTS
        flat, up = np.zeros(SIDE_POINTS), np.ones(SIDE_POINTS)
        rows = top + height * np.concatenate([flat, along, up, 1 - along])
        cols = left + width * np.concatenate([along, up, 1 - along, flat])
        x, y = self.place.at(rows, cols)
        lon, lat = to_system(self.place.crs, _wgs84(), x, y)
        if not (np.isfinite(lon).all() and np.isfinite(lat).all()):
            return None
        area, _ = Geod(ellps="WGS84").polygon_area_perimeter(lon, lat)
        return abs(area) * M2


def _wgs84() -> str:
    from rasterio.crs import CRS

    return CRS.from_string(WGS84).to_wkt()


class Tally:
    """Adds up pixels and km2 under names, rows by rows."""

    def __init__(self, grid: Grid) -> None:
        self._grid = grid
        self.pixels: dict[str, int] = {}
        self._km2: dict[str, float] = {}

    def add(self, top: int, marks: Mapping[str, np.ndarray]) -> None:
        """marks: (h, W) bool each, of the rows from ``top`` on."""
        lefts = np.arange(0, self._grid.shape[1], BLOCK)
        areas = self._grid.pixel_km2
        for name, marked in marks.items():
            counts = np.add.reduceat(marked, lefts, axis=1, dtype=np.int64)  # (h, blocks)
            self.pixels[name] = self.pixels.get(name, 0) + int(counts.sum())
            if areas is not None:
                of_row = areas[(top + np.arange(len(marked))) // BLOCK]
                self._km2[name] = self._km2.get(name, 0.0) + float((counts * of_row).sum())

    @property
    def km2(self) -> dict[str, float] | None:
        """Km2 by name; None where the place of the scene is not known."""
        return None if self._grid.pixel_km2 is None else dict(self._km2)
