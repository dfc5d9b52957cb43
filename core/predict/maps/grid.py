"""The grid of a probability raster, and other rasters brought onto it.

A GeoTIFF comes in; (H, W) float32 with nan where nothing was seen goes out, beside the grid: its size, where it lies
and its coordinate system. What the numbers mean is the caller's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from core.data.readers.geo.raster import RasterHeader, opened, raster_header, read_raster
from core.data.store.missing import equals_nodata
from core.errors import FormatError, UnsafeFileError
from core.text import one_line

MOST_PIXELS = 250_000_000  # of one raster; each costs about fifteen bytes while polygons are drawn
STRIPE_BYTES = 32 * 2**20  # read at once
WGS84 = "EPSG:4326"


@dataclass(frozen=True)
class Grid:
    """height, width: pixels. transform: (a, b, c, d, e, f), x = a col + b row + c, y = d col + e row + f. crs: WKT."""

    height: int
    width: int
    transform: tuple[float, ...]
    crs: str

    @cached_property
    def affine(self) -> Any:
        """The transform as rasterio takes it."""
        from affine import Affine

        return Affine(*self.transform)

    @cached_property
    def to_lonlat(self) -> Callable[[np.ndarray], np.ndarray]:
        """From pixels (n, 2), column and row, to longitude and latitude in degrees of WGS 84."""
        from pyproj import Transformer

        project = Transformer.from_crs(self.crs, WGS84, always_xy=True)

        def convert(pixels: np.ndarray) -> np.ndarray:
            return np.column_stack(project.transform(*self.to_crs(pixels).T))

        return convert

    def to_crs(self, pixels: np.ndarray) -> np.ndarray:
        """From pixels (n, 2), column and row, to x and y in the grid's own coordinates."""
        a, b, c, d, e, f = self.transform
        col, row = np.asarray(pixels, np.float64).T
        return np.column_stack([a * col + b * row + c, d * col + e * row + f])

    @cached_property
    def pixel_m(self) -> tuple[float, float]:
        """Width and height of the middle pixel on the ground, in metres."""
        from pyproj import Geod

        x, y = self.width / 2, self.height / 2
        lon, lat = self.to_lonlat(np.array([[x, y], [x + 1, y], [x, y + 1]])).T
        lengths = Geod(ellps="WGS84").inv([lon[0]] * 2, [lat[0]] * 2, lon[1:], lat[1:])[2]
        return float(lengths[0]), float(lengths[1])


def grid_of(path: Path) -> Grid:
    """The grid of a GeoTIFF. Raises FormatError where it does not say where it lies, or is too large."""
    return _grid(path, raster_header(path))


def _grid(path: Path, header: RasterHeader) -> Grid:
    _, height, width = header.shape
    if header.transform is None or header.crs is None:
        raise FormatError(
            f"{path.name} does not say where it lies (no coordinate system or no position). A map needs both: write "
            "it with its CRS and transform, or take the raster that the scene prediction wrote."
        )
    if height * width > MOST_PIXELS:
        raise UnsafeFileError(
            f"{path.name} has {height * width / 1e6:,.0f} million pixels; at most {MOST_PIXELS / 1e6:,.0f} million are "
            "drawn at once. Cut it into parts."
        )
    return Grid(height, width, header.transform, header.crs)


def read_band(path: Path, band: int | str = 1) -> tuple[np.ndarray, Grid]:
    """One band of a GeoTIFF as (H, W) float32 in its own scale and offset, nan where nothing was seen; and its grid.

    band: its number from 1, or its name. Raises FormatError naming the bands there are.
    """
    header = raster_header(path)
    grid, index = _grid(path, header), _index(path, header, band)
    n_bands = header.shape[0]
    rows = max(1, STRIPE_BYTES // max(1, n_bands * grid.width * header.dtype.itemsize))
    values = np.empty((grid.height, grid.width), np.float32)
    hidden = np.nan if header.dtype.kind == "f" else None
    for row in range(0, grid.height, rows):
        n = min(rows, grid.height - row)
        part = read_raster(path, (row, 0, n, grid.width), hidden)[index]
        empty = ~np.isfinite(part) if part.dtype.kind == "f" else np.zeros(part.shape, bool)
        if header.tag is not None:
            empty |= equals_nodata(part, header.tag)
        values[row : row + n] = part
        values[row : row + n][empty] = np.nan
    scale, offset = (one[index] if len(one) > 1 else one[0] for one in (header.tags.scale, header.tags.offset))
    if scale != 1 or offset:
        values = values * np.float32(scale) + np.float32(offset)
    return values, grid


def _index(path: Path, header: RasterHeader, band: int | str) -> int:
    names = [name or f"band {i + 1}" for i, name in enumerate(header.names)]
    if isinstance(band, str) and band.isdigit():
        band = int(band)
    if isinstance(band, int) and 1 <= band <= header.shape[0]:
        return band - 1
    if isinstance(band, str) and band in names:
        return names.index(band)
    raise FormatError(f"{path.name} has no band '{band}'. It has {header.shape[0]}: {', '.join(names)}.")


def read_probability(path: Path) -> tuple[np.ndarray, Grid]:
    """Band 1 as probabilities. Raises FormatError where its values do not lie in 0-1, or nothing was seen."""
    probs, grid = read_band(path)
    if np.isnan(probs).all():
        raise FormatError(f"{path.name} holds no data at all: nothing in it was seen. Choose another raster.")
    low, high = float(np.nanmin(probs)), float(np.nanmax(probs))
    if low < -1e-6 or high > 1 + 1e-6:
        raise FormatError(
            f"{path.name} holds values from {low:.4g} to {high:.4g} in band 1; probabilities lie in 0-1. Choose the "
            "probability raster of a scene prediction, or state its nodata value in the file."
        )
    return np.clip(probs, 0, 1, out=probs), grid


def read_onto(path: Path, grid: Grid, band: int | str = 1) -> np.ndarray:
    """One band of another raster on ``grid``, (H, W) float32, bilinear between pixels; nan where it says nothing."""
    values, own = read_band(path, band)
    return onto(values, own, grid)


def onto(values: np.ndarray, own: Grid, grid: Grid) -> np.ndarray:
    """(H, W) of ``own`` brought onto ``grid``; the same array where the grids are one."""
    if own == grid or (
        own.transform == grid.transform and values.shape == (grid.height, grid.width) and same(own, grid)
    ):
        return values
    from rasterio.warp import Resampling, reproject

    out = np.full((grid.height, grid.width), np.nan, np.float32)
    reproject(
        values, out, src_transform=own.affine, src_crs=own.crs, src_nodata=np.nan, dst_transform=grid.affine,
        dst_crs=grid.crs, dst_nodata=np.nan, resampling=Resampling.bilinear,
    )  # fmt: skip
    return out


def same(a: Grid, b: Grid) -> bool:
    """Whether two grids have one coordinate system, however it is written."""
    from pyproj import CRS

    return a.crs == b.crs or CRS.from_wkt(a.crs) == CRS.from_wkt(b.crs)


def slope_degrees(elevation: np.ndarray, grid: Grid) -> np.ndarray:
    """(H, W) float32 degrees of an elevation in metres, by Horn's differences (1981); nan where a neighbour is nan.

    The outermost pixels take the difference to their one neighbour.
    """
    width, height = grid.pixel_m
    z = np.pad(elevation.astype(np.float64), 1, mode="edge")
    east = z[:-2, 2:] + 2 * z[1:-1, 2:] + z[2:, 2:]
    west = z[:-2, :-2] + 2 * z[1:-1, :-2] + z[2:, :-2]
    south = z[2:, :-2] + 2 * z[2:, 1:-1] + z[2:, 2:]
    north = z[:-2, :-2] + 2 * z[:-2, 1:-1] + z[:-2, 2:]
    run_x, run_y = np.full(elevation.shape, 8 * width), np.full(elevation.shape, 8 * height)
    run_x[:, [0, -1]], run_y[[0, -1]] = 4 * width, 4 * height
    return np.degrees(np.arctan(np.hypot((east - west) / run_x, (south - north) / run_y))).astype(np.float32)


@dataclass(frozen=True)
class Terrain:
    """Elevation in metres and slope in degrees on a grid, (H, W) float32 each, or None."""

    elevation: np.ndarray | None = None
    slope: np.ndarray | None = None


def read_terrain(
    grid: Grid,
    dem: Path | None = None,
    dem_band: int | str = 1,
    slope: Path | None = None,
    slope_band: int | str = 1,
    slope_unit: float = 1.0,
) -> Terrain:
    """What is known of the ground on ``grid``. dem: metres; its slope is taken where no slope raster is given.

    slope_unit: degrees of one unit of the slope raster, 0.01 for hundredths of a degree. Raises FormatError for slopes
    that are no degrees.
    """
    elevation = slopes = None
    if dem is not None:
        own, own_grid = read_band(dem, dem_band)
        elevation = onto(own, own_grid, grid)
        if slope is None:
            slopes = onto(slope_degrees(own, own_grid), own_grid, grid)
    if slope is not None:
        slopes = read_onto(slope, grid, slope_band) * np.float32(slope_unit)
        if np.isfinite(slopes).any() and not (np.nanmin(slopes) >= 0 and np.nanmax(slopes) <= 90):
            raise FormatError(
                f"{slope.name} holds slopes from {np.nanmin(slopes):.4g} to {np.nanmax(slopes):.4g}; degrees lie in "
                "0-90. State what one unit is in degrees with --slope-unit (0.01 for hundredths)."
            )
    return Terrain(elevation, slopes)


def tags_of(path: Path) -> dict[str, str]:
    """What the file's writer noted in it: NAME in capitals -> text of one line."""
    with opened(path) as raster:
        return {str(name).upper(): one_line(str(value).strip(), 200) for name, value in raster.tags().items()}
