"""HDF5 files opened only after their structure proved harmless.

In a file that is opened read-only here, every dataset lies in that file, has plain fixed-size numbers or text, and is
not absurdly larger than the file. h5py itself follows external links, external storage and virtual datasets silently,
and allocates what a file claims. The attributes in which HDF5 itself keeps dimension scales (netCDF-4, xarray,
``make_scale``) hold references; they are passed over and never read here.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py

from core.errors import FormatError, LandslideLensError, UnsafeFileError
from core.io.plain_file import check_plain
from core.text import one_line

MAX_OBJECTS = 10_000  # groups and datasets in one file
MAX_DEPTH = 8  # groups within groups
MAX_CHUNK = 256 * 2**20  # bytes; one chunk is decompressed whole
MAX_ATTRIBUTE = 2**20  # bytes
ALWAYS_FINE = 64 * 2**20  # bytes; below this a dataset's logical size is not questioned
MAX_RATIO = 200  # logical size / file size; lzf reaches 88, real images at most a few times
_PLAIN_TYPES = (h5py.h5t.TypeIntegerID, h5py.h5t.TypeFloatID, h5py.h5t.TypeEnumID, h5py.h5t.TypeStringID)
_DIMENSIONS = ("DIMENSION_LIST", "REFERENCE_LIST")  # which HDF5's own dimension scales write
_FILTERS = {1: "gzip", 2: "shuffle", 3: "fletcher32", 4: "szip", 32000: "lzf"}


@contextmanager
def open_safely(path: Path, checked: bool = False, foreign: bool = False) -> Iterator[h5py.File]:
    """An HDF5 file open for reading, its structure checked first unless ``checked`` says it already was.

    ``foreign``: arrays of text of any length may be in it, as h5py writes by default. They are for
    ``core.data.readers.hdf5.facts`` to read, bit by bit: they may claim any size.
    Raises FormatError when it is not an HDF5 file, UnsafeFileError when its structure is refused.
    """
    try:
        check_plain(path, follow=True)  # HDF5 waits for a pipe without end
        file = h5py.File(path, "r", locking="best-effort")
    except FileNotFoundError as error:
        raise FormatError(f"There is no file {path}. Give the path of an HDF5 file.") from error
    except (OSError, RuntimeError, ValueError) as error:
        raise FormatError(
            f"{path} cannot be read as an HDF5 file ({_reason(error)}). Give a complete .h5 file."
        ) from error
    with file:
        if not checked:
            with damage_told(path, Exception):
                check_structure(file, path, foreign)
        with damage_told(path, (OSError, RuntimeError)):  # h5py's, of what cannot be read
            yield file


@contextmanager
def damage_told(path: Path, kinds: type[Exception] | tuple[type[Exception], ...]) -> Iterator[None]:
    """What h5py and numpy say of a damaged file, which differs by the place of the damage, as one FormatError."""
    try:
        yield
    except LandslideLensError:
        raise
    except kinds as error:
        raise FormatError(f"{path} is damaged ({_reason(error)}). Copy the file again, or give another.") from error


def _reason(error: BaseException) -> str:
    return one_line(error, 300)


def check_structure(file: h5py.File, path: Path, foreign: bool = False) -> None:
    """Raise UnsafeFileError unless every member is harmless. Reads structure only, never values."""
    size = Path(path).stat().st_size
    seen: set[int] = set()
    stack: list[tuple[h5py.Group, str, int]] = [(file, "/", 0)]
    _check_attributes(file, "/", path)
    while stack:
        group, where, depth = stack.pop()
        for name in group:
            if len(seen) >= MAX_OBJECTS or depth >= MAX_DEPTH:
                raise _unsafe(path, where, "has too many objects", f"at most {MAX_OBJECTS}, {MAX_DEPTH} levels deep")
            member_path = f"{where.rstrip('/')}/{name}"
            if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                raise _unsafe(path, member_path, "is a soft or external link", "datasets stored in the file itself")
            member = group[name]
            address = h5py.h5o.get_info(member.id).addr
            if address in seen:
                raise _unsafe(path, member_path, "is linked to twice", "each object under one name")
            seen.add(address)
            _check_member(member, member_path, path, size, foreign)
            if isinstance(member, h5py.Group):
                stack.append((member, member_path, depth + 1))


def _check_member(member: h5py.HLObject, where: str, path: Path, file_size: int, foreign: bool) -> None:
    _check_attributes(member, where, path)
    if isinstance(member, h5py.Dataset):
        _check_dataset(member, where, path, file_size, foreign)
    elif not isinstance(member, h5py.Group):
        raise _unsafe(path, where, "is neither a group nor a dataset", "groups and datasets")


def _check_dataset(dataset: h5py.Dataset, where: str, path: Path, file_size: int, foreign: bool) -> None:
    plist = dataset.id.get_create_plist()
    if plist.get_layout() == h5py.h5d.VIRTUAL:
        raise _unsafe(path, where, "is a virtual dataset that reads other files", "data stored in the file itself")
    if plist.get_external_count():
        raise _unsafe(path, where, "keeps its data in an external file", "data stored in the file itself")
    # The low-level type is asked: h5py's dtype maps references and variable-length data to Python objects.
    _check_type(dataset.id.get_type(), where, path, text_of_any_length=foreign)
    for index in range(plist.get_nfilters()):
        if plist.get_filter(index)[0] not in _FILTERS:
            raise _unsafe(path, where, "is compressed with an unknown filter", ", ".join(_FILTERS.values()))
    itemsize = dataset.dtype.itemsize
    if dataset.chunks and math.prod(dataset.chunks) * itemsize > MAX_CHUNK:
        raise _unsafe(path, where, "is stored in huge chunks", f"chunks of at most {MAX_CHUNK >> 20} MiB")
    logical = math.prod(dataset.shape or (0,)) * itemsize
    if logical > max(ALWAYS_FINE, MAX_RATIO * file_size):
        raise _unsafe(
            path,
            where,
            f"claims {logical / 2**30:.1f} GiB in a file of {file_size / 2**20:.1f} MiB",
            f"at most {MAX_RATIO} times the file's size",
        )


def _check_attributes(member: h5py.HLObject, where: str, path: Path) -> None:
    names = list(member.attrs)
    if len(names) > MAX_OBJECTS:
        raise _unsafe(path, where, "has too many attributes", f"at most {MAX_OBJECTS}")
    for name in names:
        if name in _DIMENSIONS:
            continue
        attribute = member.attrs.get_id(name)
        _check_type(attribute.get_type(), f"{where}@{name}", path, text_of_any_length=True)
        if attribute.get_storage_size() > MAX_ATTRIBUTE:
            raise _unsafe(path, f"{where}@{name}", "is a huge attribute", f"at most {MAX_ATTRIBUTE >> 20} MiB")


def _check_type(kind: h5py.h5t.TypeID, where: str, path: Path, text_of_any_length: bool = False) -> None:
    if isinstance(kind, h5py.h5t.TypeStringID) and kind.is_variable_str():
        plain = text_of_any_length
    else:
        plain = isinstance(kind, _PLAIN_TYPES)
    if not plain:
        raise _unsafe(path, where, "holds objects, references or compound values", "plain numbers and fixed-size text")


def _unsafe(path: Path, where: str, found: str, accepted: str) -> UnsafeFileError:
    return UnsafeFileError(f"{path} was not read: {where!r} {found}. Accepted: {accepted}.")
