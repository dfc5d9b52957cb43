"""Tiles of one scene as one raster: a folder of GeoTIFFs side by side, or overlapping.

Where tiles overlap, the first one, by name, that saw a pixel gives it. Tiles in other coordinate systems, or whose
pixels do not match the first one's, are brought to its grid as they are read.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from core.data.bands import Band
from core.data.readers.geo import geotiff
from core.data.readers.geo.placement import Placement
from core.data.readers.geo.raster import Window
from core.errors import FormatError
from core.predict.scene.ground import Grid
from core.predict.scene.layers import Layer, where

SPARSE = 100  # times as large as its tiles together, a mosaic is none


@dataclass(frozen=True)
class Mosaic:
    """tiles: with the window of ``grid`` that each lies in. It is asked as a ``core.predict.scene.layers.Layer`` is."""

    path: Path
    tiles: tuple[Layer, ...]
    windows: tuple[Window, ...]
    grid: Grid
    bands: tuple[Band, ...]
    nearest: bool = False

    @property
    def files(self) -> list[Path]:
        """Of the tiles."""
        return [tile.path for tile in self.tiles]

    @property
    def names(self) -> tuple[str, ...]:
        """Of its bands."""
        return tuple(band.name for band in self.bands)

    def on(self, grid: Grid, window: Window, bands: Sequence[int] | None = None) -> np.ndarray:
        """(C, H, W) float32 of a window of a grid, nan where no tile saw anything."""
        found = np.full((len(self.bands if bands is None else bands), *window[2:]), np.nan, np.float32)
        own = grid == self.grid
        for tile, place in zip(self.tiles, self.windows, strict=True):
            part = _common(window, place if own else grid.extent(tile.grid))
            if part is None:
                continue
            inside = np.s_[:, part[0] - window[0] : part[0] - window[0] + part[2],
                           part[1] - window[1] : part[1] - window[1] + part[3]]  # fmt: skip
            target = found[inside]
            hole = ~np.isfinite(target).any(axis=0)
            if hole.any():
                np.copyto(target, tile.on(grid, part, bands), where=hole)
        return found

    def beneath(self, grid: Grid, window: Window) -> Window | None:
        """Whether a tile lies there, as :meth:`core.predict.scene.layers.Layer.beneath` says it."""
        found = (tile.beneath(grid, window) for tile in self.tiles)
        return next((one for one in found if one is not None), None)

    def scales(self, grid: Grid) -> dict[str, float]:
        """Of the first tile."""
        return self.tiles[0].scales(grid)

    def before(self) -> Mosaic:
        """The same as what was seen before the event."""
        return replace(self, bands=self.tiles[0].before().bands)


def tiles_in(folder: Path) -> list[Path]:
    """The GeoTIFFs of a folder, by name."""
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in geotiff.SUFFIXES and path.is_file())


def open_mosaic(folder: Path, opened: Callable[[Path], Layer]) -> Mosaic:
    """Every GeoTIFF of a folder. Raises FormatError for tiles that have other bands, or no place."""
    files = tiles_in(folder)
    if not files:
        raise FormatError(f"{folder.name} holds no GeoTIFF; accepted: {', '.join(geotiff.SUFFIXES)}.")
    tiles = [opened(path) for path in files]
    first = tiles[0]
    for tile in tiles:
        if tile.place is None or tile.place.crs is None:
            raise FormatError(f"{where(tile)} cannot be laid beside the others: it needs a place and a system.")
        if [(b.name, b.unit) for b in tile.bands] != [(b.name, b.unit) for b in first.bands]:
            theirs, ours = (", ".join(b.label for b in one.bands) for one in (tile, first))
            raise FormatError(f"The tiles of {folder.name} do not belong together: {tile.path.name} has the bands "
                              f"{theirs}, {first.path.name} {ours}.")  # fmt: skip
    windows = [first.grid.extent(tile.grid) for tile in tiles]
    top, left = (min(window[k] for window in windows) for k in (0, 1))
    height, width = (max(window[k] + window[k + 2] for window in windows) - start for k, start in ((0, top), (1, left)))
    if height * width > SPARSE * sum(math.prod(window[2:]) for window in windows):
        raise FormatError(f"The tiles of {folder.name} lie too far apart for one scene. Give each its own command.")
    place = first.grid.lies
    a, b, _, d, e, _ = place.transform
    x, y = place.at(top, left)
    grid = Grid(Placement((a, b, x, d, e, y), place.crs), (height, width))
    moved = tuple((row - top, col - left, high, wide) for row, col, high, wide in windows)
    return Mosaic(folder, tuple(tiles), moved, grid, first.bands)


def _common(one: Window, other: Window) -> Window | None:
    """The part that two windows share."""
    top, left = max(one[0], other[0]), max(one[1], other[1])
    bottom, right = min(one[0] + one[2], other[0] + other[2]), min(one[1] + one[3], other[1] + other[3])
    return (top, left, bottom - top, right - left) if bottom > top and right > left else None
