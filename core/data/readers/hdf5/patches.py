"""Patches and masks inside HDF5 files: one file each, or rows of one array; and the order of their axes.

Every file's structure proves harmless before anything of it is read (``core.data.store.hdf5``).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import h5py
import numpy as np

from core.data.readers.base import Shape, file_stamp
from core.data.readers.stacks.stored import listed_bands
from core.data.store.hdf5 import open_safely
from core.errors import FormatError, UnsafeFileError

SUFFIXES = (".h5", ".hdf5", ".he5", ".hdf", ".nc", ".nc4", ".mat")
SHARED = (".nc", ".nc4", ".mat")  # endings of other kinds of files too
MAX_BYTES = 256 * 2**20  # of one patch
BLOCK_BYTES = 16 * 2**20  # of rows read at once
AXES = {"NCHW": "CHW", "NHWC": "HWC", "NHW": "HW"}


@dataclass(frozen=True, slots=True)
class H5Patch:
    """A patch that is one array of one file. axes: "CHW", "HWC" or "HW"; None: by their lengths."""

    path: Path
    file: str
    key: str
    axes: str | None = None

    def shape(self) -> tuple[Shape, bool]:
        """(C, H, W), and whether it holds bytes. Raises DataError when the file is refused or has no such array."""
        with open_safely(self.path, foreign=True) as file:
            data = _array(file, self.key, self.path)
            axes = self.axes or axes_of(data.shape, self.path.name)
            return _channels_first(data.shape, axes, self.path.name), data.dtype == np.uint8

    def read(self) -> np.ndarray:
        """(C, H, W) in the file's own number type."""
        with open_safely(self.path, foreign=True) as file:
            data = _array(file, self.key, self.path)
            axes = self.axes or axes_of(data.shape, self.path.name)
            _channels_first(data.shape, axes, self.path.name)
            return turned(data[()], axes)

    def band_names(self) -> tuple[str, ...]:
        """As the array, or its file, lists them."""
        with open_safely(self.path, foreign=True) as file:
            return listed_bands([_array(file, self.key, self.path), file])

    def stamp(self) -> str:
        """Of the file."""
        return f"{file_stamp(self.path)} {self.key} {self.axes}"


@dataclass(frozen=True, slots=True)
class H5Mask:
    """A mask that is one array (H, W) of one file. value: that stands for the positive class; None: all but 0."""

    path: Path
    file: str
    key: str
    value: float | None = None

    def read(self) -> np.ndarray:
        """(H, W) uint8 of 0 and 1."""
        with open_safely(self.path, foreign=True) as file:
            return marked(_array(file, self.key, self.path)[()], self.value, self.path.name)

    def stamp(self) -> str:
        """Of the file."""
        return f"{file_stamp(self.path)} {self.key} {self.value}"


class Stored(Protocol):
    """Named arrays in files that can be opened again and again (``core.data.readers.stacks.stored``)."""

    name: str

    def opened(self, checked: bool = False) -> AbstractContextManager[Mapping[str, Any]]:
        """The arrays by name while the block runs."""

    def stamp(self) -> str:
        """Changes when a file does."""


class Rows:
    """The rows of one array of files that proved harmless, read in blocks, of which the last one is kept."""

    def __init__(self, stored: Stored, key: str):
        self._stored, self._key, self._stamp = stored, key, stored.stamp()
        self._start, self._block = 0, np.empty(0)

    def read(self, row: int) -> np.ndarray:
        """One row. Raises FormatError when the file changed since it was judged."""
        if not self._start <= row < self._start + len(self._block):
            if self._stored.stamp() != self._stamp:
                raise FormatError(f"{self._stored.name} changed while it was read. Try again.")
            with self._stored.opened(checked=True) as arrays:
                data = arrays[self._key]
                each = max(1, math.prod(data.shape[1:]) * data.dtype.itemsize)
                most = max(1, BLOCK_BYTES // each)
                self._start = row - row % most
                self._block = np.empty(0)  # the one before is freed first
                self._block = np.array(data[self._start : self._start + most])
        return self._block[row - self._start]

    def stamp(self) -> str:
        """Of the file and the array."""
        return f"{self._stamp} {self._key}"


@dataclass(frozen=True, slots=True)
class H5Row:
    """A patch that is one row of an array. axes: of the row, "CHW", "HWC" or "HW"."""

    rows: Rows = field(repr=False)
    row: int
    file: str
    axes: str
    size: Shape
    is_bytes: bool
    bands: tuple[str, ...] = ()

    def band_names(self) -> tuple[str, ...]:
        """As the file lists them."""
        return self.bands

    def shape(self) -> tuple[Shape, bool]:
        """Known from the array's header."""
        return self.size, self.is_bytes

    def read(self) -> np.ndarray:
        """(C, H, W) in the array's own number type."""
        return turned(self.rows.read(self.row), self.axes)

    def stamp(self) -> str:
        """Of the file and the row."""
        return f"{self.rows.stamp()} {self.row} {self.axes}"


@dataclass(frozen=True, slots=True)
class H5RowMask:
    """A mask that is one row of an array (N, H, W)."""

    rows: Rows = field(repr=False)
    row: int
    file: str
    value: float | None = None

    def read(self) -> np.ndarray:
        """(H, W) uint8 of 0 and 1."""
        return marked(self.rows.read(self.row), self.value, self.file)

    def stamp(self) -> str:
        """Of the file and the row."""
        return f"{self.rows.stamp()} {self.row} {self.value}"


def axes_of(shape: tuple[int, ...], name: str, n_bands: int | None = None) -> str:
    """The axes of one patch of that shape: the bands are the axis, first or last, that is shorter than both others.

    ``n_bands``, where it is known, decides instead when only one of the two has that length. Raises FormatError where
    that leaves both or neither.
    """
    if len(shape) == 2:
        return "HW"
    if len(shape) == 3 and n_bands is not None and (shape[0] == n_bands) != (shape[2] == n_bands):
        return "CHW" if shape[0] == n_bands else "HWC"
    if len(shape) == 3 and shape[0] != shape[2]:
        if shape[0] < min(shape[1:]):
            return "CHW"
        if shape[2] < min(shape[:2]):
            return "HWC"
    raise FormatError(
        f"{name} has patches of the shape {shape}, which does not tell the bands from rows and columns. Say --layout "
        "NCHW, NHWC or NHW."
    )


def turned(values: np.ndarray, axes: str) -> np.ndarray:
    """(C, H, W) of one patch with these axes."""
    return values[None] if axes == "HW" else values.transpose(2, 0, 1) if axes == "HWC" else values


def _channels_first(shape: tuple[int, ...], axes: str, name: str) -> Shape:
    if len(shape) != len(axes):
        raise FormatError(f"{name} has patches of the shape {shape}; with these axes ({axes}) they have {len(axes)}.")
    return patch_size(shape, axes)


def patch_size(shape: tuple[int, ...], axes: str) -> Shape:
    """(C, H, W) of a patch of that shape."""
    sizes = dict(zip(axes, shape, strict=True))
    return sizes.get("C", 1), sizes["H"], sizes["W"]


def marked(values: np.ndarray, value: float | None, name: str) -> np.ndarray:
    """(H, W) uint8: 1 where a mask is ``value``, or neither 0 nor nan. Axes of length 1 are left out."""
    values = values.squeeze() if values.ndim == 3 and 1 in (values.shape[0], values.shape[2]) else values
    if values.ndim != 2:
        raise FormatError(f"The mask of {name} has the shape {values.shape}; accepted: (H, W).")
    return (values == value if value is not None else (values != 0) & ~np.isnan(values)).astype(np.uint8)


def array_in(file: h5py.File, key: str) -> h5py.Dataset | None:
    """The array of numbers at ``key``, or None."""
    found = file.get(key)
    return found if isinstance(found, h5py.Dataset) and found.dtype.kind in "iufb" else None


def _array(file: h5py.File, key: str, path: Path) -> h5py.Dataset:
    data = array_in(file, key)
    if data is None or not data.size:
        raise FormatError(f"{path.name} has no array of numbers '{key}'. It has: {', '.join(file) or 'nothing'}.")
    if data.size * data.dtype.itemsize > MAX_BYTES:
        raise UnsafeFileError(f"{path.name} holds more than {MAX_BYTES >> 20} MiB in '{key}', too much for one patch.")
    return data
