"""Rasters, and masks as large as scenes, as the patches that a collection carries: whole, or a window of them.

Comes in: a path with its header, where it lies and the order of its bands. Goes out: (C, H, W), places. It knows
nothing of labels.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from core.data.readers.base import Shape, file_stamp
from core.data.readers.placement import Placement
from core.data.readers.raster import RasterHeader, Window, read_raster, separate_nodata


@dataclass(frozen=True, slots=True)
class RasterPatch:
    """A raster, or a window of it. order: its bands in the dataset's order; None: as they are."""

    path: Path
    file: str
    header: RasterHeader
    fill: float | None
    place: Placement | None = None
    order: tuple[int, ...] | None = None
    part: Window | None = None

    def shape(self) -> tuple[Shape, bool]:
        """From the header that was read when the file was found."""
        n_bands, height, width = self.header.shape
        sides = self.part[2:] if self.part else (height, width)
        return (len(self.order) if self.order else n_bands, *sides), self.header.dtype == np.uint8

    def read(self) -> np.ndarray:
        """(C, H, W) in the file's own number type, or floats where a value of some bands is nodata (nan there)."""
        pixels = read_raster(self.path, self.part)
        if self.order:
            pixels = pixels[list(self.order)]
        return separate_nodata(pixels, self.header.nodata, self.fill)

    def lonlat_at(self, row: float, col: float) -> tuple[float, float] | None:
        """(longitude, latitude) of a position in pixels."""
        return self.place and self.place.lonlat(row, col)

    def columns_at(self, row: float, col: float) -> Mapping[str, str]:
        """Its place in map units."""
        return self.place.columns(row, col) if self.place else {}

    def stamp(self) -> str:
        """Of the file, and of how it is read."""
        return f"{file_stamp(self.path)} {self.header.nodata} {self.fill} {self.order} {self.part}"


@dataclass(frozen=True, slots=True)
class Scene(RasterPatch):
    """A raster that reads a part of itself cheaply: any but one whose axes are spread over pages."""

    def window(self, row: int, col: int, height: int, width: int) -> Scene:
        """A part of it, beginning at (row, col) pixels."""
        return replace(self, part=(row, col, height, width))


@dataclass(frozen=True, slots=True)
class RasterMask:
    """A mask as large as a scene, read window by window. header: of a raster of numbers."""

    path: Path
    file: str
    header: RasterHeader
    value: float | None = None
    part: Window | None = None

    def read(self) -> np.ndarray:
        """(H, W) uint8: 1 where it is ``value``, or not 0, nan or nodata."""
        values = read_raster(self.path, self.part)[0]
        if self.value is not None:
            return (values == self.value).astype(np.uint8)
        return ((values != 0) & (values != self.header.nodata) & ~np.isnan(values)).astype(np.uint8)

    def window(self, row: int, col: int, height: int, width: int) -> RasterMask:
        """A part of it, beginning at (row, col) pixels."""
        return replace(self, part=(row, col, height, width))

    def stamp(self) -> str:
        """Of the file."""
        return f"{file_stamp(self.path)} {self.value} {self.part}"
