"""A raster exactly as it is stored: every band, transparency among them, and what the file says of how it was saved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.data.readers.geo.raster import MAX_BYTES, Window, opened, read_raster
from core.errors import FormatError, UnsafeFileError


@dataclass(frozen=True)
class Stored:
    """pixels: (C, H, W) of all bands. hidden: (H, W) bool by a mask inside the file, or None.

    colours: of the bands, as of a RasterHeader. structure: GDAL's IMAGE_STRUCTURE. palette: value -> red, green,
    blue, alpha in 0-255, or None.
    """

    pixels: np.ndarray
    hidden: np.ndarray | None
    colours: tuple[str, ...]
    structure: Mapping[str, str]
    palette: Mapping[int, tuple[int, ...]] | None = None


def read_stored(path: Path, window: Window | None = None) -> Stored:
    """All of it, or a window. Raises FormatError when it cannot be read, UnsafeFileError when it is too large at once.

    A file whose axes are spread over pages is read as ``read_raster`` does.
    """
    with opened(path) as raster:
        from rasterio.windows import Window as Part

        row, col, rows, cols = window or (0, 0, raster.height, raster.width)
        n_bytes = raster.count * rows * cols * np.dtype(raster.dtypes[0]).itemsize
        if n_bytes > MAX_BYTES:
            raise UnsafeFileError(f"{path.name} has too many pixels to read at once. Cut it into tiles: --tile 64.")
        colours = tuple(colour.name for colour in raster.colorinterp)
        structure = raster.tags(ns="IMAGE_STRUCTURE")
        if len(raster.subdatasets) > 1:
            return Stored(read_raster(path, window), None, (), structure)
        part = Part(col, row, cols, rows)
        flags = {flag.name for flag in raster.mask_flag_enums[0]}
        inside = "per_dataset" in flags and "alpha" not in flags
        hidden = raster.read_masks(1, window=part) == 0 if inside else None
        try:
            palette = raster.colormap(1) if colours == ("palette",) else None
            return Stored(raster.read(window=part), hidden, colours, structure, palette)
        except ValueError as error:
            raise FormatError(f"{path.name} cannot be read ({error}).") from error
