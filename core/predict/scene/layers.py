"""One raster of a scene: its bands by name, its place, and any window of it with nan where nothing was seen.

Names, units, scale tags, masks and the no-data value are read as for a dataset made of the same file. A raster on
another grid is brought to the scene's as it is read, window by window: bilinear for what was measured, nearest for
classes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import numpy as np

from core.data.bands import Band, bands_named
from core.data.readers.bands.order import aligned
from core.data.readers.base import Aside, ReaderOptions
from core.data.readers.build import survey_bands
from core.data.readers.geo import geotiff
from core.data.readers.geo.placement import Placement, crs_name, place_of, to_system
from core.data.readers.geo.raster import RasterHeader, Window, raster_header, read_raster
from core.data.readers.geo.raster_patches import RasterPatch
from core.data.readers.geo.raster_values import measured
from core.data.store.missing import as_missing, to_single
from core.errors import DataError, FormatError
from core.predict.scene.ground import EDGE_POINTS, Grid

PIECE_BYTES = 96 * 2**20  # of a file's pixels that are decoded at once
MARGIN = 3  # pixels around them that interpolation may want
LEAST_SPLIT = 16  # pixels; a smaller window is not divided further


@dataclass(frozen=True)
class Layer:
    """bands: those of it that have names for us, in the order of ``order``, their positions in the file.

    nodata: a pixel with it in all bands of the file was not seen. nearest: values are classes, which have no mean.
    """

    path: Path
    header: RasterHeader
    bands: tuple[Band, ...]
    order: tuple[int, ...]
    nodata: float | None
    place: Placement | None
    nearest: bool = False

    @property
    def grid(self) -> Grid:
        """Its own."""
        return Grid(self.place, self.header.shape[1:])

    @property
    def names(self) -> tuple[str, ...]:
        """Of its bands."""
        return tuple(band.name for band in self.bands)

    def read(self, window: Window, bands: Sequence[int] | None = None) -> np.ndarray:
        """(C, H, W) float32 of a window (row, column, height, width) of its own grid, nan where nothing was seen.

        bands: positions among ``bands``; None: all.
        """
        import rasterio

        row, col, height, width = window
        chosen = [self.order[k] for k in (range(len(self.order)) if bands is None else bands)]
        found = np.empty((0, height, width), np.float32)
        per_row = self.header.shape[0] * width * self.header.dtype.itemsize
        step = max(1, PIECE_BYTES // per_row)
        for start in range(0, height, step):
            rows = min(step, height - start)
            with rasterio.Env(GDAL_NUM_THREADS="ALL_CPUS"):  # decodes the blocks of a window side by side
                pixels = read_raster(self.path, (row + start, col, rows, width), self.header.tag)
            with to_single():
                values = measured(pixels, self.header, math.nan, None).astype(np.float32, copy=False)[None]
            if self.header.tag is None or pixels.dtype == np.uint8:  # of others it is nan already
                as_missing(values, self.nodata)
            part = values[0] if chosen == list(range(values.shape[1])) else values[0, chosen]
            if rows == height:  # read at once: not copied again
                found = part
                break
            if not start:
                found = np.empty((len(chosen), height, width), np.float32)
            found[:, start : start + rows] = part
        found[~np.isfinite(found)] = np.nan
        return found

    def on(self, grid: Grid, window: Window, bands: Sequence[int] | None = None) -> np.ndarray:
        """The same for a window of another grid; nan outside of this raster."""
        n_bands = len(self.order) if bands is None else len(bands)
        shift = grid.shift(self.grid)
        if shift is not None:
            return self._shifted(window, shift, bands, n_bands)
        source = self.beneath(grid, window)
        if source is None:
            return np.full((n_bands, *window[2:]), np.nan, np.float32)
        row, col, height, width = window
        n_bytes = self.header.shape[0] * source[2] * source[3] * self.header.dtype.itemsize
        if n_bytes > PIECE_BYTES and max(height, width) > LEAST_SPLIT:  # finer pixels than the scene's
            if height >= width:
                half = height // 2
                parts = [(row, col, half, width), (row + half, col, height - half, width)]
            else:
                half = width // 2
                parts = [(row, col, height, half), (row, col + half, height, width - half)]
            return np.concatenate([self.on(grid, part, bands) for part in parts], axis=1 if height >= width else 2)
        return self._warped(grid, window, source, bands)

    def _shifted(self, window: Window, shift: tuple[int, int], bands: Sequence[int] | None, n_bands: int) -> np.ndarray:
        """A window of a grid whose pixels lie on this raster's: read as it is, nan outside."""
        row, col = window[0] + shift[0], window[1] + shift[1]
        top, left = max(0, row), max(0, col)
        bottom, right = min(row + window[2], self.header.shape[1]), min(col + window[3], self.header.shape[2])
        if (top, left, bottom, right) == (row, col, row + window[2], col + window[3]):
            return self.read((row, col, *window[2:]), bands)
        found = np.full((n_bands, *window[2:]), np.nan, np.float32)
        if bottom > top and right > left:
            part = self.read((top, left, bottom - top, right - left), bands)
            found[:, top - row : bottom - row, left - col : right - col] = part
        return found

    def _warped(self, grid: Grid, window: Window, source: Window, bands: Sequence[int] | None) -> np.ndarray:
        from rasterio.enums import Resampling
        from rasterio.warp import reproject

        pixels = self.read(source, bands)
        found = np.full((len(pixels), *window[2:]), np.nan, np.float32)
        reproject(
            pixels,
            found,
            src_transform=_begun_at(self.grid.lies, source),
            src_crs=self.grid.lies.crs,
            src_nodata=np.nan,
            dst_transform=_begun_at(grid.lies, window),
            dst_crs=grid.lies.crs,
            dst_nodata=np.nan,
            resampling=Resampling.nearest if self.nearest else Resampling.bilinear,
            tolerance=0.0,  # exact, so that a pixel is the same in whichever window it is read, but for the last digit
            **self.scales(grid),
        )
        return found

    def scales(self, grid: Grid) -> dict[str, float]:
        """GDAL's XSCALE and YSCALE, pixels of ``grid`` for one of this raster, which it would guess for each window."""
        height, width = grid.shape
        ends = [(height / 2 + d, width / 2 + a) for d, a in ((-0.5, 0), (0.5, 0), (0, -0.5), (0, 0.5))]
        rows, cols = self._pixels(grid, *map(np.array, zip(*ends, strict=True)))
        down, across = (math.hypot(rows[k + 1] - rows[k], cols[k + 1] - cols[k]) for k in (0, 2))
        return {"XSCALE": round(1 / max(across, 1e-9), 6), "YSCALE": round(1 / max(down, 1e-9), 6)}

    def _pixels(self, grid: Grid, rows: np.ndarray, cols: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Positions in pixels of ``grid`` as those of this raster."""
        x, y = grid.lies.at(rows, cols)
        return self.grid.lies.pixel(*to_system(grid.system, self.grid.system, x, y))

    def beneath(self, grid: Grid, window: Window) -> Window | None:
        """The window of this raster under one of ``grid``, with a margin; None where it does not reach there."""
        row, col, height, width = window
        along = np.linspace(0, 1, EDGE_POINTS)
        rows, cols = self._pixels(
            grid, *(side.ravel() for side in np.meshgrid(row + height * along, col + width * along))
        )
        known = np.isfinite(rows) & np.isfinite(cols)
        if not known.any():
            return None
        scale = max(1.0, *(1 / value for value in self.scales(grid).values()))
        margin = math.ceil(MARGIN * scale)
        top, left = (max(0, math.floor(values[known].min()) - margin) for values in (rows, cols))
        bottom = min(self.header.shape[1], math.ceil(rows[known].max()) + margin)
        right = min(self.header.shape[2], math.ceil(cols[known].max()) + margin)
        return (top, left, bottom - top, right - left) if bottom > top and right > left else None

    def before(self) -> Layer:
        """The same as what was seen before the event: ``red`` is ``red_pre``, in the same unit. Terrain stays."""
        names = [b.name if b.modality == "terrain" or b.name.endswith("_pre") else f"{b.name}_pre" for b in self.bands]
        units = {name: band.unit for name, band in zip(names, self.bands, strict=True)}
        return replace(self, bands=bands_named(names, units=units))


def _begun_at(place: Placement, window: Window) -> Any:
    """The transform of a window by itself."""
    from affine import Affine

    a, b, _, d, e, _ = place.transform
    x, y = place.at(*window[:2])
    return Affine(a, b, x, d, e, y)


def open_layer(
    path: Path,
    bands: Sequence[str] | None = None,
    unit: str | None = None,
    nodata: float | None = None,
    expected: Sequence[Sequence[str]] = (),
    warnings: list[str] | None = None,
) -> Layer:
    """The raster, by its header alone.

    bands, unit, nodata: as of ingest. expected: lists of names, the first of which that has the right number is taken
    for a raster that gives none. Raises FormatError for what is no raster with usable bands.
    """
    if path.suffix.lower() not in geotiff.SUFFIXES:
        raise FormatError(f"{path.name} is no GeoTIFF; accepted: {', '.join(geotiff.SUFFIXES)}.")
    header = raster_header(path)
    told = [] if warnings is None else warnings
    if header.stack is not None and math.prod(header.shape) * header.dtype.itemsize > PIECE_BYTES:
        raise FormatError(  # each window of it reads the whole file
            f"The bands of {path.name} are spread over pages, and it is too large to be read whole for each window. "
            "Save it as one raster of all bands."
        )
    fitting = [tuple(names) for names in expected if len(names) == header.shape[0]]
    if bands is None and not any(header.names) and fitting:
        bands = fitting[0]
        told.append(
            f"{path.name} does not name its bands; by their number they were taken as {', '.join(bands)}. Say --bands "
            "a,b,c if not."
        )
    aside = Aside()
    options = ReaderOptions(bands=tuple(bands) if bands else None, unit=unit, nodata=nodata, tile=LEAST_SPLIT)
    try:
        collection = aligned(geotiff.collect_unlabelled(path, options, aside), options, aside)
        items, _, _, found = survey_bands(collection, options, aside)
    except DataError as error:
        reason = aside.rejected[0].reason if aside.rejected else str(error)
        raise FormatError(reason if path.name in reason else f"{path.name}: {reason}") from error
    told += [text for text in aside.warnings if "coordinate" not in text]
    patch = cast(RasterPatch, items[0].patch)  # as collect_unlabelled gives them
    tag = patch.header.tag
    if tag is None and (len(found) > 1 or found[0].modality in ("optical", "sar")):
        tag = geotiff.UNSEEN
    order = patch.order or tuple(range(header.shape[0]))
    return Layer(path, patch.header, found, order, tag, place_of(path, patch.header))


def classes_layer(path: Path) -> Layer:
    """A raster of classes, its first band: values as they are, nan where the file itself says that there is none."""
    header = raster_header(path)
    band = Band(header.names[0] or "classes", "Classes")
    return Layer(path, header, (band,), (0,), header.tag, place_of(path, header), nearest=True)


def where(layer: Layer | Any) -> str:
    """For messages: ``b.tif (100x200 pixels, EPSG:32646)``."""
    height, width = layer.grid.shape
    system = crs_name(layer.grid.place.crs) if layer.grid.place else ""
    return f"{layer.path.name} ({height}x{width} pixels, {system or 'no coordinate system'})"
