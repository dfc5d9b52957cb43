"""Rasters as the patches that a collection carries: whole, or a window of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from core.data.readers.base import Shape, file_stamp
from core.data.readers.geo.placement import Placement
from core.data.readers.geo.raster import RasterHeader, Window, read_raster
from core.data.readers.geo.raster_values import measured
from core.errors import FormatError

STRIP_BYTES = 32 * 2**20
STRIP_ROWS = 512


class Strip:
    """The rows of a scene that were read last, over its whole width: neighbouring tiles share the file's blocks."""

    def __init__(self) -> None:
        self._path: Path | None = None
        self._start, self._rows = 0, np.empty((0, 0, 0))

    def read(self, path: Path, header: RasterHeader, part: Window) -> np.ndarray:
        """(C, H, W) of a window; read by itself where a strip would be too large or holds a damaged block."""
        row, col, height, width = part
        if path != self._path or not self._start <= row <= row + height <= self._start + self._rows.shape[1]:
            n_bands, n_rows, n_cols = header.shape
            most = min(STRIP_ROWS, STRIP_BYTES // (n_bands * n_cols * header.dtype.itemsize), n_rows - row)
            if most < height:
                return read_raster(path, part, header.tag)
            self._path, self._rows = None, np.empty((0, 0, 0))  # the one before is freed first
            try:
                self._rows = read_raster(path, (row, 0, most, n_cols), header.tag)
            except FormatError:
                return read_raster(path, part, header.tag)
            self._path, self._start = path, row
        inside = row - self._start
        return self._rows[:, inside : inside + height, col : col + width].copy()


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
        return (len(self.order) if self.order else n_bands, *sides), self.header.is_bytes

    def read(self) -> np.ndarray:
        """(C, H, W) in the file's own number type, or floats where a value of some bands is nodata (nan there)."""
        return measured(self._pixels(), self.header, self.fill, self.order)

    def band_names(self) -> tuple[str | None, ...]:
        """As the file gives them."""
        return self.header.names

    def chosen(self, order: tuple[int, ...]) -> RasterPatch:
        """Some of its bands, by their positions in the file."""
        return replace(self, order=order)

    def _pixels(self) -> np.ndarray:
        return read_raster(self.path, self.part, self.header.tag)

    def lonlat_at(self, row: float, col: float) -> tuple[float, float] | None:
        """(longitude, latitude) of a position in pixels."""
        return self.place.lonlat(row, col) if self.place else None

    def columns_at(self, row: float, col: float) -> Mapping[str, str]:
        """Its place in map units."""
        return self.place.columns(row, col) if self.place else {}

    def ground_at(self, row: float, col: float, height: float, width: float) -> Mapping[str, str]:
        """Size on the ground of a window beginning at (row, col) pixels."""
        return self.place.ground(row, col, height, width) if self.place else {}

    def stamp(self) -> str:
        """Of the file, and of how it is read."""
        return f"{file_stamp(self.path)} {self.header.nodata} {self.header.tags} {self.fill} {self.order} {self.part}"


@dataclass(frozen=True, slots=True)
class Scene(RasterPatch):
    """A raster that reads a part of itself cheaply: any but one whose axes are spread over pages."""

    strip: Strip = field(default_factory=Strip, compare=False, repr=False)

    def _pixels(self) -> np.ndarray:
        if self.part is None:
            return read_raster(self.path, None, self.header.tag)
        return self.strip.read(self.path, self.header, self.part)

    def window(self, row: int, col: int, height: int, width: int) -> Scene:
        """A part of it, beginning at (row, col) pixels."""
        return replace(self, part=(row, col, height, width))
