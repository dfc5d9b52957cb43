"""Masks that are one file: a picture, a TIFF or ``.npy``; the same values at any size, whole or window by window.

A TIFF is read by GDAL, also where it is a picture: its numbers count, in a palette the indices. Other pictures are read
as they are seen: turned as their EXIF tag says, a palette by its colours.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import ImageOps

from core.data.readers.base import file_stamp
from core.data.readers.geo.raster import SUFFIXES as RASTERS
from core.data.readers.geo.raster import RasterHeader, raster_header
from core.data.readers.geo.stored import read_stored
from core.data.readers.images import opened, orientation, picture_size
from core.data.readers.masks.raw import OPAQUE, TRANSPARENT, Part, Raw, from_array, from_colours, plane_shape
from core.data.readers.npy import read_header, read_npy
from core.errors import DataError, FormatError

_NUMBERS = ("I;16", "I;16B", "I", "F")  # modes of pictures that a mask may have, and a patch may not
_RGB = ("red", "green", "blue")


@dataclass(frozen=True, slots=True)
class FileMask:
    """A mask that is one file. file: its name for messages, relative to the source."""

    path: Path
    file: str

    @property
    def windowed(self) -> bool:
        """Whether a part of it is read without the rest."""
        header = self.header()
        return header is not None and header.stack is None

    def header(self) -> RasterHeader | None:
        """Of a TIFF that GDAL reads; None for what is read as a picture or an array."""
        return _header(self.path, self.stamp()) if self.path.suffix.lower() in RASTERS else None

    def shape(self) -> tuple[int, int]:
        """(H, W) from its header. Raises DataError naming the file when it cannot be used."""
        if self.path.suffix.lower() == ".npy":
            return plane_shape(read_header(self.path).shape, self.file)
        header = self.header()
        return picture_size(self.path) if header is None else header.shape[1:]

    def raw(self, part: Part | None = None) -> Raw:
        """Its pixels; ``part`` only where it is windowed. Raises DataError naming the file."""
        try:
            if self.path.suffix.lower() == ".npy":
                return from_array(read_npy(self.path), self.file)
            header = self.header()
            return _picture(self.path) if header is None else _raster(self.path, self.file, header, part)
        except DataError as error:
            if self.file in str(error):
                raise
            raise type(error)(f"The mask {self.file} cannot be used: {error}") from error

    def stamp(self) -> str:
        """Of the file."""
        return file_stamp(self.path)


@lru_cache(maxsize=16)
def _header(path: Path, stamp: str) -> RasterHeader | None:
    """The header of a TIFF that GDAL reads as it is seen; asked for several times in a row."""
    try:
        header = raster_header(path)
    except FormatError:
        return None
    turned = header.transform is None and header.is_picture and orientation(path) != 1
    return None if turned or header.colours[0] == "cyan" else header


def _picture(path: Path) -> Raw:
    with opened(path, also=_NUMBERS) as image:
        lossy = image.format == "JPEG" or image.info.get("compression") == "jpeg"
        image = ImageOps.exif_transpose(image)
        index = np.asarray(image) if image.mode == "P" else None
        if image.mode in ("P", "PA", "LA") or "transparency" in image.info:
            image = image.convert("RGBA")
        pixels = np.asarray(image)
        if image.mode == "RGBX":
            pixels = pixels[..., :3]
    if pixels.ndim == 2:
        return Raw(pixels.astype(np.uint8) if pixels.dtype == bool else pixels, lossy=lossy)
    alpha = pixels[..., 3] if pixels.shape[2] == 4 else None
    return from_colours(pixels[..., :3], alpha, lossy, index)


def _raster(path: Path, file: str, header: RasterHeader, part: Part | None) -> Raw:
    stored = read_stored(path, part)
    pixels, colours = stored.pixels, stored.colours
    lossy = "JPEG" in stored.structure.get("COMPRESSION", "").upper()
    unseen = _unseen(pixels[0], header.nodata, stored.hidden)
    if pixels.dtype == np.uint8 and colours[:3] == _RGB and len(colours) <= 4:
        alpha = pixels[3] if len(pixels) == 4 else None
        raw = from_colours(pixels[:3].transpose(1, 2, 0), alpha, lossy)
        return Raw(raw.values, True, stored.hidden, lossy=lossy)
    if colours[1:] == ("alpha",) and pixels.dtype == np.uint8:
        raw = from_colours(np.stack([pixels[0]] * 3, axis=-1), pixels[1], lossy)
        return Raw(raw.values, True, unseen, lossy=lossy)
    if len(pixels) != 1:
        raise FormatError(f"The mask {file} has {len(pixels)} bands; a mask has one. Save the right one by itself.")
    zero_is_white = stored.structure.get("MINISWHITE") == "YES"
    shown = _shown(pixels[0], stored.palette)
    return Raw(pixels[0], False, unseen, colours=shown, lossy=lossy, zero_is_white=zero_is_white)


def _shown(values: np.ndarray, palette: Mapping[int, tuple[int, ...]] | None) -> np.ndarray | None:
    """(H, W) int32 colours of a raster with a palette, or None."""
    if palette is None or values.dtype.kind != "u":
        return None
    table = np.full(np.iinfo(values.dtype).max + 1, TRANSPARENT, np.int32)
    for value, (red, green, blue, alpha) in palette.items():
        table[value] = (red << 16) | (green << 8) | blue if alpha >= OPAQUE else TRANSPARENT
    return table[values]


def _unseen(values: np.ndarray, tag: Any, hidden: np.ndarray | None) -> np.ndarray | None:
    """Where the nodata tag or a mask inside the file says so. A tag of 0 says nothing: 0 is "no landslide"."""
    if tag is None or tag == 0 or np.isnan(tag):
        return hidden
    tagged = values == (values.dtype.type(tag) if values.dtype.kind == "f" else tag)
    return tagged if hidden is None else tagged | hidden
