"""What is known of the file that each patch came from: its size, how it was saved, its frame, its name.

Read at ingest, because the dataset file holds patches of one size in one kind of numbers and forgets the rest.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from core.data.readers.base import Item, Patch, how_many_done
from core.data.readers.columns import Row
from core.data.readers.images import SUFFIXES as PICTURES
from core.data.readers.images import opened
from core.errors import DataError
from core.progress import Steps

NUMBERS = ("width", "height", "bytes_per_pixel", "blocks", "order")
TEXTS = ("format", "encoding", "frame", "name_pattern")
MOST_READ = 4000  # patches whose pixels are looked at once more, evenly spread over the source
MOST_PIXELS = 2048 * 2048  # of a file whose pixels are
MOST_PATTERNS = 50  # more are names without anything in common
FRAME = 0.95  # share of an outermost row or column of pixels that has one colour
AT_ONCE = 256  # files between two signs of progress
NO_FRAME = "none"
BLOCK, FEWEST_BLOCKS = 8, 3  # JPEG's, px a side, and how many of them along a side are needed to see their edges
_ENDINGS = {".npy": "NumPy", ".h5": "HDF5", ".hdf5": "HDF5", ".tif": "TIFF", ".tiff": "TIFF"}


def file_properties(items: Sequence[Item], start: float = 0.0, end: float = 1.0) -> Steps[dict[str, np.ndarray]]:
    """Of the file behind each item, by name, each (N,): numbers with nan, or texts with "", where it is unknown.

    width, height: of the source picture, px, before anything was resized or cut. format: of the file. encoding: how it
    was saved (colour mode, JPEG tables, what the header carries along). bytes_per_pixel: its size over its pixels.
    blocks: how much steeper pixels change at the edges of JPEG's blocks than elsewhere, as a logarithm, 0 where they
    do not; it stays when a JPEG is saved as something else. frame: colour of a plain border, or "none". order: place of
    the file's name among all, 0-1. name_pattern: the name with "#" for numbers. The pixels of at most ``MOST_READ``
    files are looked at. Rows of a table have none.

    start, end: shares of an import between which this is told.
    """
    if not items or isinstance(items[0].patch, Row):
        return {}
    sources = [_source(item.patch) for item in items]
    n = len(sources)
    found: dict[str, np.ndarray] = {name: np.full(n, np.nan) for name in NUMBERS}
    texts: dict[str, list[str]] = {name: [""] * n for name in TEXTS}
    looked = set(np.linspace(0, n - 1, min(n, MOST_READ)).astype(int).tolist())
    kept: tuple[Patch | None, dict[str, Any]] = (None, {})  # tiles of one image follow each other
    for i, (item, source) in enumerate(zip(items, sources, strict=True)):
        if source is not kept[0]:
            kept = (source, _of_file(source, with_pixels=i in looked and _is_whole(item.patch)))
        for name, value in kept[1].items():
            (texts if name in TEXTS else found)[name][i] = value
        if i % AT_ONCE == AT_ONCE - 1:
            yield how_many_done(i + 1, n, "files described", start, end)
    names = [PurePosixPath(source.file).name for source in sources]
    found["order"] = _places(names)
    texts["name_pattern"] = _patterns(names)
    return found | {name: np.array(values, np.str_) for name, values in texts.items()}


def _source(patch: Patch) -> Patch:
    """The image as it lies in the source, before it was resized or cut or its bands were chosen."""
    while hasattr(patch, "whole"):
        patch = patch.whole
    return patch


def _is_whole(patch: Patch) -> bool:
    """Whether a patch shows all of its image; of a tile the border and the bytes say nothing."""
    while hasattr(patch, "whole"):
        if hasattr(patch, "row"):
            return False
        patch = patch.whole
    return getattr(patch, "part", None) is None


def _of_file(source: Patch, with_pixels: bool) -> dict[str, Any]:
    """What one file says; what cannot be told is left out."""
    path: Path | None = getattr(source, "path", None)
    found: dict[str, Any] = {}
    try:
        (_, height, width), _ = source.shape()
        found |= {"width": width, "height": height}
        if path is None:
            return found
        found |= {"format": _ENDINGS.get(path.suffix.lower(), path.suffix.lower().lstrip("."))}
        found["bytes_per_pixel"] = path.stat().st_size / (height * width)
        picture = path.suffix.lower() in PICTURES
        if picture:
            found |= _header(path)
        if with_pixels and height * width <= MOST_PIXELS:
            pixels = source.read()
            found["frame"] = frame_of(pixels)
            found["blocks"] = blocks_of(pixels)
    except (DataError, OSError):
        pass  # who reads the patch tells of it
    return found


def _header(path: Path) -> dict[str, str]:
    """Format and encoding of a picture; nothing for a TIFF of numbers, which is none."""
    try:
        with opened(path) as image:
            words = [image.mode, *(name for name in ("progressive", "interlace") if image.info.get(name))]
            if tables := getattr(image, "quantization", None):
                words.append(f"table {'+'.join(str(sum(tables[key])) for key in sorted(tables))}")
                words.append("x".join(f"{layer[1]}{layer[2]}" for layer in getattr(image, "layer", ())))
            words += [name for name in ("exif", "icc_profile", "dpi", "comment", "compression") if name in image.info]
            return {"format": str(image.format), "encoding": " ".join(filter(None, words))}
    except DataError:
        return {}


def blocks_of(pixels: np.ndarray) -> float:
    """Log of the mean step between pixels across JPEG's edges, every 8 px, over that elsewhere; nan where too small.

    pixels: (C, H, W).
    """
    if min(pixels.shape[1:]) < FEWEST_BLOCKS * BLOCK:
        return float("nan")
    grey, at_edges, elsewhere = pixels.astype(np.float64).mean(axis=0), [], []
    for values in (grey, grey.T):
        steps = np.abs(np.diff(values, axis=0)).mean(axis=1)
        edges = np.arange(len(steps)) % BLOCK == BLOCK - 1
        at_edges.append(steps[edges].mean())
        elsewhere.append(steps[~edges].mean())
    if not np.isfinite([*at_edges, *elsewhere]).all() or min(*at_edges, *elsewhere) <= 0:
        return float("nan")
    return round(float(np.log(np.mean(at_edges) / np.mean(elsewhere))), 3)


def frame_of(pixels: np.ndarray) -> str:
    """Colour of a plain border of pixels (C, H, W), "none" where no outermost row or column has one colour.

    Bytes are told in steps of 8, so that what JPEG adds does not count, numbers as they are.
    """
    values = np.round(pixels / 8) * 8 if pixels.dtype == np.uint8 else pixels
    for line in (values[:, 0], values[:, -1], values[:, :, 0], values[:, :, -1]):
        colours, counts = np.unique(line, axis=1, return_counts=True)
        if line.shape[1] > 2 and counts.max() >= FRAME * line.shape[1]:
            return " ".join(f"{value:.6g}" for value in colours[:, counts.argmax()][:4])
    return NO_FRAME


def _places(names: Sequence[str]) -> np.ndarray:
    """(N,) place of each name among all, 0 to 1, numbers in names counted as numbers; equal names share one."""
    keys = {name: _natural(name) for name in set(names)}
    place = {name: i for i, name in enumerate(sorted(keys, key=keys.__getitem__))}
    return np.array([place[name] for name in names], np.float64) / max(len(place) - 1, 1)


def _natural(name: str) -> list[tuple[int, str]]:
    parts = re.split(r"(\d+)", unicodedata.normalize("NFC", name))
    return [(int(part[:18]), "") if i % 2 else (-1, part) for i, part in enumerate(parts)]


def _patterns(names: Sequence[str]) -> list[str]:
    """Each name with "#" for numbers; where these have nothing in common, "" for all."""
    found = [re.sub(r"\d+", "#", name)[:100] for name in names]
    return found if len(set(found)) <= MOST_PATTERNS else [""] * len(found)
