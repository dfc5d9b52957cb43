"""A set of named arrays in files: HDF5 (MATLAB 7.3 and netCDF-4 included) or ``.npy`` files, read a few rows at a time.

What stands behind a name behaves as an array of NumPy's for its shape, number type and slices of rows.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

import h5py
import numpy as np

from core.data.readers.base import file_stamp
from core.data.readers.npy import read_header
from core.data.store.hdf5 import open_safely
from core.errors import DataError, FormatError

MAX_STACK = 64 * 2**30  # bytes of one .npy of patches, of which a block is in memory at a time
BAND_ATTRIBUTES = ("bands", "band_names", "channels", "channel_names")
BAND_AXES = ("band", "bands", "channel", "channels", "spectral")
AXES = ("x", "y", "time", "lat", "lon", "latitude", "longitude", *BAND_AXES)  # scales that people write
MAX_LISTED = 4096  # characters of such an attribute
MAX_CLAIMED = 2 * 2**30  # bytes that its texts could take at worst


class Arrays(Protocol):
    """Where the arrays are."""

    @property
    def name(self) -> str:
        """What the source is called."""

    def opened(self, checked: bool = False) -> AbstractContextManager[Mapping[str, Any]]:
        """The arrays by name while the block runs; ``checked``: the files proved harmless before."""

    def stamp(self) -> str:
        """Changes when a file does."""


@dataclass(frozen=True)
class Turned:
    """An array with its axes in another order: axis i of it is axis ``axes[i]`` of the stored one."""

    whole: Any
    axes: tuple[int, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """As turned."""
        return tuple(self.whole.shape[axis] for axis in self.axes)

    @property
    def dtype(self) -> np.dtype:
        """As stored."""
        return self.whole.dtype

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.axes)

    @property
    def size(self) -> int:
        """Number of values."""
        return math.prod(self.shape)

    @property
    def attrs(self) -> Mapping[str, Any]:
        """As stored."""
        return self.whole.attrs

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: Any) -> np.ndarray:
        if rows == ():
            return self.whole[()].transpose(self.axes)
        place = [slice(None)] * self.ndim
        place[self.axes[0]] = rows
        return self.whole[tuple(place)].transpose(self.axes)


@dataclass(frozen=True)
class H5Arrays:
    """The arrays of one HDF5 file. A MATLAB file's have their axes as MATLAB shows them, patches first."""

    path: Path

    @property
    def name(self) -> str:
        """For messages."""
        return self.path.name

    @contextmanager
    def opened(self, checked: bool = False) -> Iterator[Mapping[str, Any]]:
        """See ``Arrays``."""
        with open_safely(self.path, checked, foreign=True) as file:
            found = {key: data for key, data in members(file).items() if not _is_axis(key, data)}
            yield matlab(found, self.name) if is_matlab(self.path) else found

    def stamp(self) -> str:
        """Of the file."""
        return file_stamp(self.path)


@dataclass(frozen=True)
class NpyArrays:
    """``.npy`` files by the names of their arrays. Files that hold no plain array are passed over."""

    name: str
    files: Mapping[str, Path]

    @contextmanager
    def opened(self, checked: bool = False) -> Iterator[Mapping[str, Any]]:
        """See ``Arrays``."""
        yield {name: _mapped(path) for name, path in self.files.items()}

    def stamp(self) -> str:
        """Of all files."""
        return " ".join(file_stamp(path) for path in self.files.values())


def _mapped(path: Path) -> np.ndarray:
    header = read_header(path, MAX_STACK, "iufbUS")
    order: Literal["C", "F"] = "F" if header.fortran else "C"
    if not header.shape:
        return np.zeros((), header.dtype)
    return np.memmap(path, header.dtype, "r", header.offset, header.shape, order)


def members(file: h5py.File) -> dict[str, h5py.Dataset]:
    """Every array of the file by its path, in the file's order. Axes of netCDF without values are left out."""
    found: dict[str, h5py.Dataset] = {}

    def keep(name: str, member: h5py.HLObject) -> None:
        if isinstance(member, h5py.Dataset) and member.shape is not None and not name.startswith("#"):
            found[name] = member

    file.visititems(keep)
    return found


def is_scale(data: h5py.Dataset) -> bool:
    """Whether a dataset is an axis of others, as netCDF and ``make_scale`` write them."""
    return bool(h5py.h5ds.is_scale(data.id))


def _is_axis(key: str, data: h5py.Dataset) -> bool:
    """Whether a dataset only numbers an axis (x, y, time, band) and says nothing of the patches."""
    return is_scale(data) and key.rsplit("/", 1)[-1].lower() in AXES


def axes_named(data: h5py.Dataset, scales: Mapping[str, h5py.Dataset]) -> tuple[str, ...]:
    """The name of each axis of an array, from the scales attached to it, which HDF5 is asked for; "" for none."""
    fits = [
        [name for name, scale in scales.items() if h5py.h5ds.is_attached(data.id, scale.id, axis)]
        for axis in range(data.ndim)
    ]
    return tuple(names[0].rsplit("/", 1)[-1] if names else "" for names in fits)


def listed_bands(holders: Sequence[h5py.Dataset | h5py.File]) -> tuple[str, ...]:
    """The names that an attribute of an array, or of its file, gives the bands; () for none."""
    for holder in holders:
        for name in BAND_ATTRIBUTES:
            if name in holder.attrs and _is_small(holder.attrs.get_id(name), Path(holder.file.filename)):
                found = _texts(holder.attrs[name])
                if found:
                    return found
    return ()


def scale_bands(data: h5py.Dataset) -> tuple[str, ...]:
    """The names on the axis of bands of an array, where a scale of text is attached to it, as xarray does; or ()."""
    scales = {key: one for key, one in members(data.file).items() if key in BAND_AXES and is_scale(one)}
    for axis, name in enumerate(axes_named(data, scales) if scales else ()):
        scale = scales.get(name)
        if scale is None or scale.shape != data.shape[axis : axis + 1] or scale.dtype.kind not in "SO":
            continue
        if math.prod(scale.shape) * Path(data.file.filename).stat().st_size <= MAX_CLAIMED or scale.dtype.kind == "S":
            return _texts(np.asarray(scale[()]))
    return ()


def _is_small(attribute: Any, path: Path) -> bool:
    """Whether a list of names may be read: each text of any length may claim as much as the file holds."""
    if attribute.get_storage_size() > MAX_LISTED * 8:
        return False
    kind = attribute.get_type()
    free = not isinstance(kind, h5py.h5t.TypeStringID) or kind.is_variable_str()
    return not free or math.prod(attribute.shape or (1,)) * path.stat().st_size <= MAX_CLAIMED


def _texts(value: Any) -> tuple[str, ...]:
    if isinstance(value, np.ndarray) and value.ndim == 1 and value.dtype.kind in "SUO":
        value = [one.decode("utf-8", "replace") if isinstance(one, bytes) else str(one) for one in value]
    elif isinstance(value, bytes | str):
        text = value.decode("utf-8", "replace") if isinstance(value, bytes) else value
        value = [part.strip(" '\"") for part in text.strip("[]() ").split(",")]
    else:
        return ()
    return tuple(value) if all(value) and sum(map(len, value)) <= MAX_LISTED else ()


# ------------------------------------------------------------------------------------------------------- MATLAB


def is_matlab(path: Path) -> bool:
    """Whether a file begins as MATLAB's do."""
    with open(path, "rb") as file:
        return file.read(6) == b"MATLAB"


def matlab(arrays: Mapping[str, h5py.Dataset], name: str) -> dict[str, Any]:
    """The arrays as MATLAB shows them, the axis of patches first. HDF5 holds MATLAB's axes in reverse.

    Raises FormatError when it does not show which axis of the images counts the patches.
    """
    shown = {key: data for key, data in arrays.items() if data.dtype.kind in "iuf" and data.ndim >= 2}
    lists = {max(data.shape) for data in shown.values() if data.ndim == 2 and min(data.shape) == 1}
    large = [data.shape[::-1] for data in shown.values() if data.ndim == 4]
    ends = {(shape[0] in lists, shape[-1] in lists) for shape in large}
    if large and ends not in ({(True, False)}, {(False, True)}):
        raise FormatError(
            f"{name} does not show which axis of its images {large[0]} counts the patches: it needs a list of labels "
            "of that length. Convert it: " + as_npz("h5py.File", name)
        )
    last = ends == {(False, True)}
    return {key: _as_shown(data, last, lists) for key, data in shown.items()}


def _as_shown(data: h5py.Dataset, last: bool, lists: set[int]) -> Any:
    axes = tuple(reversed(range(data.ndim)))
    if data.ndim == 2 and min(data.shape) == 1:
        return Turned(data, (0, 1) if data.shape[0] >= data.shape[1] else (1, 0))
    if data.ndim == 3 and not last:
        last = data.shape[0] in lists and data.shape[-1] not in lists  # masks (H, W, N)
    return Turned(data, (axes[-1], *axes[:-1]) if last else axes)


def as_npz(how: str, name: str) -> str:
    """A line that writes the arrays of a file as .npz; ``how``: "h5py.File", "scipy.io.loadmat" or "zarr.open"."""
    stem = name.rsplit(".", 1)[0]
    keep = "{k: v[()] for k, v in d.items() if hasattr(v, 'shape') and k[0] not in '_#'}"
    return (
        f"python -c \"import numpy, {how.rpartition('.')[0]}; d = {how}('{name}'); "
        f"numpy.savez('{stem}.npz', **{keep})\""
    )


def readable(path: Path) -> bool:
    """Whether a .npy file holds a plain array."""
    try:
        read_header(path, MAX_STACK, "iufbUS")
    except DataError:
        return False
    return True
