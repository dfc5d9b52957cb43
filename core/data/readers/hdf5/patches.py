"""Patches and masks inside HDF5 files: one file each, or rows of one array; and the order of their axes.

Every file's structure proves harmless before anything of it is read (``core.data.store.hdf5``).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Protocol

import h5py
import numpy as np

from core.data.readers.axes import axes_of, channels_first, turned, without_single
from core.data.readers.base import Shape, file_stamp
from core.data.readers.masks.raw import Part, Raw, from_array, plane_shape
from core.data.readers.stacks.stored import listed_bands
from core.data.readers.value_tags import ValueTags, apply_tags, tags_of
from core.data.store.hdf5 import open_safely
from core.errors import FormatError, UnsafeFileError

SUFFIXES = (".h5", ".hdf5", ".he5", ".hdf", ".nc", ".nc4", ".mat")
SHARED = (".nc", ".nc4", ".mat")  # endings of other kinds of files too
MAX_BYTES = 256 * 2**20  # of one patch
BLOCK_BYTES = 16 * 2**20  # of rows read at once


@dataclass(frozen=True, slots=True)
class H5Patch:
    """A patch that is one array of one file. axes: "CHW", "HWC" or "HW"; None: by their lengths and ``n_bands``."""

    path: Path
    file: str
    key: str
    axes: str | None = None
    n_bands: int | None = None

    def shape(self) -> tuple[Shape, bool]:
        """(C, H, W), and whether it holds bytes. Raises DataError when the file is refused or has no such array."""
        with open_safely(self.path, foreign=True) as file:
            data = _array(file, self.key, self.path)
            return channels_first(without_single(data.shape), self._axes(data)), is_bytes(data)

    def read(self) -> np.ndarray:
        """(C, H, W) in the file's own number type."""
        with open_safely(self.path, foreign=True) as file:
            data = _array(file, self.key, self.path)
            axes = self._axes(data)
            values = apply_tags(data[()], tags_in(data))
            return turned(values.reshape(without_single(data.shape)), axes)

    def _axes(self, data: h5py.Dataset) -> str:
        shape = without_single(data.shape)
        axes = self.axes or axes_of(shape, self.file, self.n_bands)
        if len(shape) != len(axes):
            raise FormatError(f"{self.file} has the shape {shape}; with these axes ({axes}) it has {len(axes)}.")
        return axes

    def band_names(self) -> tuple[str, ...]:
        """As the array, or its file, lists them."""
        with open_safely(self.path, foreign=True) as file:
            return listed_bands([_array(file, self.key, self.path), file])

    def stamp(self) -> str:
        """Of the file."""
        return f"{file_stamp(self.path)} {self.key} {self.axes} {self.n_bands}"


@dataclass(frozen=True, slots=True)
class H5Mask:
    """A mask that is one array of one file, as it is stored."""

    path: Path
    file: str
    key: str
    windowed: ClassVar[bool] = False

    def shape(self) -> tuple[int, int]:
        """(H, W) from the array's header."""
        with open_safely(self.path, foreign=True) as file:
            return plane_shape(_array(file, self.key, self.path).shape, self.file)

    def raw(self, part: Part | None = None) -> Raw:
        """Its pixels; what has a fill value is nan."""
        with open_safely(self.path, foreign=True) as file:
            data = _array(file, self.key, self.path)
            return from_array(apply_tags(data[()], tags_in(data)), self.file)

    def stamp(self) -> str:
        """Of the file."""
        return f"{file_stamp(self.path)} {self.key}"


class Stored(Protocol):
    """Named arrays in files that can be opened again and again (``core.data.readers.stacks.stored``)."""

    @property
    def name(self) -> str:
        """What the source is called."""

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
                block = np.array(data[self._start : self._start + most])
                self._block = apply_tags(block, tags_in(data))
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
    """A mask that is one row of an array, as it is stored."""

    rows: Rows = field(repr=False)
    row: int
    file: str
    windowed: ClassVar[bool] = False

    def shape(self) -> tuple[int, int]:
        """(H, W) of the row."""
        return plane_shape(self.rows.read(self.row).shape, self.file)

    def raw(self, part: Part | None = None) -> Raw:
        """Its pixels."""
        return from_array(self.rows.read(self.row), self.file)

    def stamp(self) -> str:
        """Of the file and the row."""
        return f"{self.rows.stamp()} {self.row}"


def tags_in(data: Any) -> ValueTags:
    """What the attributes of an array say of its numbers; an array of NumPy's has none."""
    stored = getattr(data, "whole", data)
    if not hasattr(stored, "attrs"):
        return ValueTags()
    return tags_of(stored.attrs, f"'{stored.name}' of {Path(stored.file.filename).name}")


def is_bytes(data: Any) -> bool:
    """Whether the values are bytes and stay so: no attribute says what they must be scaled by, or which are missing."""
    return data.dtype == np.uint8 and tags_in(data).says_nothing


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
