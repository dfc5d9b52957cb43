"""GeoTIFF and other n-band TIFFs through GDAL, shut off from the network and from files beside the file.

The header is judged before any pixel is read. Only the GeoTIFF driver is ever tried, so a VRT named ``.tif`` stays a
text; overviews, masks, statistics and georeferencing kept beside the file (.ovr, .msk, .aux.xml) are not looked for,
and none inside it is followed to another place. The world file beside a raster is read in
``core.data.readers.geo.placement``.
"""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from core.data.readers.axes import axes_of, channels_first
from core.data.readers.value_tags import ValueTags, usable_scale
from core.errors import DataError, FormatError, UnsafeFileError

SUFFIXES = (".tif", ".tiff")
MAX_BYTES = 256 * 2**20  # of the pixels read at once, as of a .npy file
MAX_PIXELS = 4096 * 4096  # of one patch, as of a picture; a scene is read window by window
MAX_BANDS = 1000
MAX_BLOCK = 256 * 2**20  # bytes; one tile or strip is decompressed whole
ALWAYS_FINE = 64 * 2**20  # bytes; below this the claimed size is not questioned
MAX_RATIO = 1000  # claimed size / file size; deflate reaches 1030 on constant values
# What GDAL may do: read this one file. EMPTY_DIR hides every file beside it; the file name that curl may fetch is none.
_CLOSED = {
    "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",
    "GDAL_PAM_ENABLED": "NO",
    "GDAL_GEOREF_SOURCES": "INTERNAL",
    "CPL_VSIL_CURL_ALLOWED_FILENAME": "none",
}
_PICTURES = (("gray",), ("gray", "alpha"), ("palette",), ("red", "green", "blue"), ("red", "green", "blue", "alpha"))
_NAMED_COLOURS = ("red", "green", "blue")

Window = tuple[int, int, int, int]  # first row, first column, height, width


@dataclass(frozen=True)
class RasterHeader:
    """What a raster says of itself.

    Attributes:
        shape: (C, H, W), alpha not counted: it is a mask.
        dtype: of the values, native byte order.
        nodata: the value that means "not seen", nan included; None: there is no such value.
        names: of the bands, from their descriptions or else their colours; None where a band has none.
        transform: (a, b, c, d, e, f) with x = a * column + b * row + c, y = d * column + e * row + f of a pixel's upper
            left corner, in units of ``crs``; None: the file does not say where it is.
        crs: its coordinate system as WKT, or None.
        colours: what GDAL says that the bands are: "gray", "red", "palette", "cyan", "alpha", "undefined".
        is_picture: 8 bits of grey, palette, red-green-blue or ink, with or without transparency.
        stack: (pages, rows, columns) of a file whose axes are spread over pages, or None.
        has_mask: whether a mask inside the file, or an alpha band, says which pixels were seen.
        has_gcps: whether it is placed by ground control points instead of a transform.
        alpha: position of the alpha band in the file, from 0, or None.
        tags: what the numbers must be scaled by.
    """

    shape: tuple[int, int, int]
    dtype: np.dtype
    nodata: float | None = None
    names: tuple[str | None, ...] = ()
    transform: tuple[float, ...] | None = None
    crs: str | None = None
    colours: tuple[str, ...] = ()
    is_picture: bool = False
    stack: tuple[int, int, int] | None = None
    has_mask: bool = False
    has_gcps: bool = False
    alpha: int | None = None
    tags: ValueTags = ValueTags()

    @property
    def is_bytes(self) -> bool:
        """Whether its values are bytes, and stay so."""
        return self.dtype == np.uint8 and not self.tags.scaled

    @property
    def tag(self) -> float | None:
        """What a pixel that was not seen has after reading: the nodata value, or 0 where a mask hides it."""
        return 0.0 if self.nodata is None and self.has_mask else self.nodata


def raster_header(path: Path) -> RasterHeader:
    """The header of a TIFF of numbers.

    Raises UnsafeFileError when it claims absurd sizes, FormatError for what is no such file.
    """
    with opened(path) as raster:
        return _header(raster, path)


def patch_header(path: Path) -> RasterHeader:
    """As ``raster_header``, for a file that is one patch: also refuses what is too large to be one."""
    header = raster_header(path)
    _, height, width = header.shape
    if height * width > MAX_PIXELS or math.prod(header.shape) * header.dtype.itemsize > MAX_BYTES:
        raise UnsafeFileError(
            f"{path.name} is {width} pixels wide and {height} high with {header.shape[0]} bands; one patch has at most "
            f"{MAX_PIXELS / 1e6:.0f} million pixels and {MAX_BYTES >> 20} MiB. Cut the scene into tiles: ingest it "
            "with --tile 64; predict takes the dataset that this makes."
        )
    return header


def read_raster(path: Path, window: Window | None = None, hidden: float | None = None) -> np.ndarray:
    """(C, H, W) in the file's own number type; ``window`` None: all of it. Pixels as they are stored.

    Pixels that a mask inside the file or an alpha of 0 hides become ``hidden``, or else the nodata value (0 where there
    is none). Raises as ``raster_header``, FormatError when a tile is damaged or the window leaves the raster.
    """
    with opened(path) as raster:
        header = _header(raster, path)
        n_bands, height, width = header.shape
        row, col, rows, cols = window or (0, 0, height, width)
        if row < 0 or col < 0 or rows < 1 or cols < 1 or row + rows > height or col + cols > width:
            raise FormatError(f"{path.name} is {height}x{width} pixels and has no window {window}.")
        if n_bands * rows * cols * header.dtype.itemsize > MAX_BYTES:
            raise UnsafeFileError(f"{path.name} has too many pixels to read at once. Cut it into tiles: --tile 64.")
        if header.stack is not None:
            return _stacked(path, header, header.stack)[:, row : row + rows, col : col + cols]
        from rasterio.windows import Window as Part

        part = Part(col, row, cols, rows)
        kept = [band + 1 for band in range(raster.count) if band != header.alpha]
        pixels = raster.read(kept, window=part)
        if header.has_mask:
            at = 1 if header.alpha is None else header.alpha + 1
            mask = raster.read_masks(1, window=part) if header.alpha is None else raster.read(at, window=part)
            pixels[:, mask == 0] = _fitting(hidden, pixels.dtype) or _fitting(header.nodata, pixels.dtype) or 0
        return pixels


def _fitting(value: float | None, dtype: np.dtype) -> float | None:
    """The value where the number type can hold it."""
    if value is None or dtype.kind == "f":
        return value
    limits = np.iinfo(dtype)
    return value if float(value).is_integer() and limits.min <= value <= limits.max else None


@contextmanager
def opened(path: Path) -> Iterator[Any]:
    """The raster, with everything else shut off. Raises FormatError for what is no such file on a local disk."""
    import rasterio
    from rasterio.errors import NotGeoreferencedWarning

    path = Path(path).absolute()  # GDAL gives names such as GTIFF_DIR:1:x a meaning; none begins with a slash
    _must_be_local(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)  # asked for and told of, where it matters
            with rasterio.Env(**_CLOSED), rasterio.open(path, driver="GTiff") as raster:
                yield raster
    except DataError:
        raise
    except Exception as error:  # decoders of strangers' files fail in many ways; each means: cannot be read
        raise FormatError(f"{path.name} cannot be read as a GeoTIFF ({_plain(error, path)}).") from error


def _must_be_local(path: Path) -> None:
    if not path.is_file() or path.as_posix().startswith("/vsi"):
        raise FormatError(f"There is no file {path}. Rasters are read from this machine's disks only.")
    if not path.stat().st_size:
        raise FormatError(f"{path.name} is empty. Copy it again.")


def _header(raster: Any, path: Path) -> RasterHeader:
    shape = (raster.count, raster.height, raster.width)
    dtype = _dtype(raster, path)
    _judge_size(raster, shape, dtype, path)
    colours = _colours(raster)
    is_picture = _is_picture(colours)
    stack = _stack(raster, path)
    alpha = None if stack else _alpha(raster, colours)
    kept = [band for band in range(raster.count) if band != alpha]
    if alpha is not None:
        shape, colours = (len(kept), *shape[1:]), tuple(colours[band] for band in kept)
    if stack is not None:
        shape = _axes_of(stack, path)
    has_place = raster.transform != raster.transform.identity()
    return RasterHeader(
        shape=shape,
        dtype=dtype,
        nodata=raster.nodata,
        names=(None,) * shape[0] if stack else tuple(map(_name, (raster.descriptions[band] for band in kept), colours)),
        transform=tuple(raster.transform)[:6] if has_place else None,
        crs=raster.crs.to_wkt() if raster.crs else None,
        colours=colours,
        # Overviews are further pages of the file, which only GDAL tells from frames.
        is_picture=dtype == np.uint8 and not stack and not raster.overviews(1) and is_picture,
        stack=stack,
        has_mask=alpha is not None
        or (not stack and any(flag.name == "per_dataset" for flag in raster.mask_flag_enums[0])),
        has_gcps=bool(raster.gcps[0]),
        alpha=alpha,
        tags=ValueTags() if stack else _tags(raster, kept),
    )


def _alpha(raster: Any, colours: tuple[str, ...]) -> int | None:
    """Where the file says that alpha is; None for a file of nothing else."""
    for band, (colour, name) in enumerate(zip(colours, raster.descriptions, strict=False)):
        if raster.count > 1 and (colour == "alpha" or (name or "").strip().lower() == "alpha"):
            return band
    return None


def _tags(raster: Any, kept: Sequence[int]) -> ValueTags:
    offsets = [raster.offsets[band] for band in kept]
    return ValueTags(
        tuple(usable_scale(raster.scales[band]) for band in kept),
        tuple(float(value) if math.isfinite(value) else 0.0 for value in offsets),
    )


def _dtype(raster: Any, path: Path) -> np.dtype:
    kinds = set(raster.dtypes)
    if len(kinds) != 1 or not next(iter(kinds)).startswith(("int", "uint", "float")):
        raise FormatError(f"{path.name} holds {', '.join(sorted(kinds))}; accepted: one type of integers or floats.")
    return np.dtype(kinds.pop())


def _judge_size(raster: Any, shape: tuple[int, int, int], dtype: np.dtype, path: Path) -> None:
    if shape[0] > MAX_BANDS:
        raise UnsafeFileError(f"{path.name} has {shape[0]} bands; at most {MAX_BANDS} are read.")
    claimed, there = math.prod(shape) * dtype.itemsize, path.stat().st_size
    if claimed > max(ALWAYS_FINE, MAX_RATIO * there):
        raise UnsafeFileError(
            f"{path.name} claims {claimed / 2**30:.1f} GiB ({shape[2]} pixels wide, {shape[1]} high, {shape[0]} bands) "
            f"in a file of {there / 2**20:.1f} MiB; at most {MAX_RATIO} times the file's size is believed."
        )
    interleaved = raster.interleaving is not None and raster.interleaving.name == "pixel"
    block = math.prod(raster.block_shapes[0]) * dtype.itemsize * (shape[0] if interleaved else 1)
    if block > MAX_BLOCK:
        raise UnsafeFileError(
            f"{path.name} is stored in blocks of {block / 2**20:.0f} MiB, each read whole; at most {MAX_BLOCK >> 20} "
            "MiB. Write it again in tiles (gdal_translate -co TILED=YES)."
        )


def _name(description: str | None, colour: str) -> str | None:
    return (description or "").strip() or (colour if colour in _NAMED_COLOURS else None)


def _colours(raster: Any) -> tuple[str, ...]:
    """What the bands are; inks are named as such, although GDAL shows them turned into red, green, blue and alpha."""
    if raster.tags(ns="IMAGE_STRUCTURE").get("SOURCE_COLOR_SPACE") == "CMYK":
        return ("cyan", "magenta", "yellow", "black")
    return tuple(colour.name for colour in raster.colorinterp)


def _is_picture(colours: tuple[str, ...]) -> bool:
    return colours in _PICTURES or colours[0] == "cyan"


# ---------------------------------------------------------------------------------------- axes spread over pages


def _stack(raster: Any, path: Path) -> tuple[int, int, int] | None:
    """(pages, rows, columns) when the file's own description says that its pages are one array, else None.

    Raises FormatError for several pages without such a description. tifffile writes (128, 128, 7) so: 128 pages of
    128 x 7 pixels, with the shape as JSON in the description of the first. ImageJ writes a page a channel.
    """
    n_pages = len(raster.subdatasets)
    if n_pages < 2:
        return None
    text = raster.tags().get("TIFFTAG_IMAGEDESCRIPTION", "")
    try:
        shape = tuple(json.loads(text)["shape"])
    except (ValueError, TypeError, KeyError):
        shape = ()
    if text.startswith("ImageJ=") and f"channels={n_pages}" in text.split():
        shape = (n_pages, raster.height, raster.width)
    if shape != (n_pages, raster.height, raster.width) or raster.count != 1:
        raise FormatError(
            f"{path.name} has {n_pages} pages and does not say that they are one patch. Save its bands in one page."
        )
    if math.prod(shape) * np.dtype(raster.dtypes[0]).itemsize > MAX_BYTES:
        raise UnsafeFileError(f"{path.name} claims {math.prod(shape)} values over {n_pages} pages. Save it in one.")
    return shape


def _axes_of(stack: tuple[int, int, int], path: Path) -> tuple[int, int, int]:
    """(C, H, W) of a stack, by the lengths of its axes."""
    try:
        axes = axes_of(stack, path.name)
    except FormatError as error:
        raise FormatError(
            f"{path.name} has the shape {stack} over its pages, which does not tell the bands from rows and columns. "
            "Save its bands in one page."
        ) from error
    return channels_first(stack, axes)


def _stacked(path: Path, header: RasterHeader, stack: tuple[int, int, int]) -> np.ndarray:
    """(C, H, W) of all pages. Pillow reads 128 pages in 25 ms, where GDAL opens the file 128 times."""
    from PIL import Image

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow warns of odd tags; what it reads is compared with the header
        with Image.open(path, formats=("TIFF",)) as image:
            pages = []
            for page in range(stack[0]):
                image.seek(page)
                # Its size is looked at before it is decoded: a later page may claim anything.
                values = np.asarray(image) if image.size[::-1] == stack[1:] else np.empty(0)
                if values.shape != stack[1:] or values.dtype != header.dtype:
                    raise FormatError(f"{path.name} has pages of other shapes or kinds than its header says.")
                pages.append(values)
    array = np.stack(pages)
    return array if header.shape == header.stack else array.transpose(2, 0, 1)


def _plain(error: Exception, path: Path) -> str:
    text = " ".join(str(error.__cause__ or error).replace(str(path), path.name).split())
    return text[:160].rstrip(". ") or type(error).__name__
