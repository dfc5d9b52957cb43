"""Patches and masks that are variables of one HDF5 or netCDF-4 file: a slice of one date each."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import h5py
import numpy as np

from core.data.readers.base import Shape, file_stamp
from core.data.readers.hdf5.patches import MAX_BYTES, is_bytes, tags_in
from core.data.readers.masks.raw import Part, Raw, from_array
from core.data.readers.value_tags import apply_tags
from core.data.store.hdf5 import open_safely
from core.errors import FormatError, UnsafeFileError


@dataclass(frozen=True, slots=True)
class Layer:
    """One band: a variable, its axes ("T", "Y", "X" in the file's order), the place of its date, the band's name."""

    key: str
    axes: tuple[str, ...]
    date: int | None
    name: str


@dataclass(frozen=True, slots=True)
class VariablesPatch:
    """A patch whose bands are variables of one file."""

    path: Path
    file: str
    layers: tuple[Layer, ...]

    def band_names(self) -> tuple[str, ...]:
        """As the layers are called."""
        return tuple(layer.name for layer in self.layers)

    def shape(self) -> tuple[Shape, bool]:
        """From the headers. Raises DataError when variables differ in size."""
        with open_safely(self.path, foreign=True) as file:
            sizes = {_sides(file[layer.key].shape, layer.axes) for layer in self.layers}
            are_bytes = all(is_bytes(file[layer.key]) for layer in self.layers)
        if len(sizes) > 1:
            raise FormatError(f"{self.path.name} has variables of several sizes: {sorted(sizes)}. A patch has one.")
        return (len(self.layers), *sizes.pop()), are_bytes

    def read(self) -> np.ndarray:
        """(C, H, W) float32, or uint8 where all are bytes. What the file calls a fill value is nan."""
        with open_safely(self.path, foreign=True) as file:
            return np.stack([_values(file[layer.key], layer, self.path) for layer in self.layers])

    def stamp(self) -> str:
        """Of the file and of what is read of it."""
        return f"{file_stamp(self.path)} {self.layers}"


@dataclass(frozen=True, slots=True)
class VariableMask:
    """The mask among the variables, as it is stored."""

    path: Path
    file: str
    layer: Layer
    windowed: ClassVar[bool] = False

    def shape(self) -> tuple[int, int]:
        """(H, W) from the variable's header."""
        with open_safely(self.path, foreign=True) as file:
            return _sides(file[self.layer.key].shape, self.layer.axes)

    def raw(self, part: Part | None = None) -> Raw:
        """Its pixels; what has a fill value is nan."""
        with open_safely(self.path, foreign=True) as file:
            return from_array(_values(file[self.layer.key], self.layer, self.path), self.file)

    def stamp(self) -> str:
        """Of the file and of what is read of it."""
        return f"{file_stamp(self.path)} {self.layer}"


def _sides(shape: tuple[int, ...], axes: tuple[str, ...]) -> tuple[int, int]:
    return shape[axes.index("Y")], shape[axes.index("X")]


def _slice(data: h5py.Dataset, layer: Layer, path: Path) -> np.ndarray:
    """(H, W) of one date."""
    height, width = _sides(data.shape, layer.axes)
    if height * width * data.dtype.itemsize > MAX_BYTES:
        raise UnsafeFileError(f"{path.name} holds more than {MAX_BYTES >> 20} MiB in one variable of one date.")
    place: list[Any] = [slice(None)] * data.ndim
    if "T" in layer.axes:
        at = layer.axes.index("T")
        place[at] = min(layer.date or 0, data.shape[at] - 1)
    pixels = data[tuple(place)]
    return pixels if layer.axes.index("Y") < layer.axes.index("X") else pixels.T


def _values(data: h5py.Dataset, layer: Layer, path: Path) -> np.ndarray:
    """(H, W) as its attributes say (``core.data.readers.value_tags``)."""
    return apply_tags(_slice(data, layer, path), tags_in(data))
