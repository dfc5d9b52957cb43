"""Shapes and their columns out of a GeoJSON or GeoPackage that anybody may have made.

A file that looks like neither is never handed to GDAL, whose other formats follow links and addresses inside.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.errors import DataError, FormatError
from core.io.plain_file import open_plain
from core.text import one_line

MOST_BYTES = 2 * 2**30


@dataclass(frozen=True)
class Layer:
    """shapes: (n,) shapely, None where a shape cannot be read. columns: name -> (n,). crs: as GDAL names it, or ""."""

    shapes: np.ndarray
    columns: dict[str, np.ndarray]
    crs: str


def read_layer(path: Path, layer: str | None = None, hint: str = "") -> Layer:
    """The layer of that name, or the first one, without heights.

    hint: a sentence for whoever gave a file that is missing or of another kind. Raises DataError where there is no
    file, FormatError for what is no such file, is damaged or lacks the layer, UnsafeFileError for a pipe or a device.
    """
    import pyogrio
    import shapely

    _must_be_known(path, hint)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # of shapes of no known kind, and of a damaged index
            meta, _, geometry, fields = pyogrio.raw.read(Path(path).resolve(), layer=layer, force_2d=True)
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, ValueError) as error:
        raise FormatError(f"{path.name} cannot be read as GeoJSON or GeoPackage ({one_line(error, 160)}).") from error
    shapes = shapely.from_wkb(geometry, on_invalid="ignore") if geometry is not None else np.empty(0, object)
    return Layer(shapes, dict(zip(meta["fields"], fields, strict=True)), meta["crs"] or "")


def _must_be_known(path: Path, hint: str) -> None:
    """Raises FormatError unless the file begins as a GeoPackage (SQLite) or as JSON."""
    if not path.is_file():
        raise DataError(f"There is no file {path}. {hint}".strip())
    with open_plain(path, follow=True) as file:
        start = file.read(64)
    if path.stat().st_size > MOST_BYTES:
        raise FormatError(f"{path.name} is larger than {MOST_BYTES >> 30} GiB. Cut it to the scene's ground.")
    if not (start.startswith(b"SQLite format 3\0") or start.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{")):
        raise FormatError(f"{path.name} is neither GeoJSON nor GeoPackage. Save it as one of them.")
