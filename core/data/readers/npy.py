"""One patch from a ``.npy`` file, its header judged before anything is allocated.

Nothing is unpickled. ``numpy.load`` is not called: it allocates what the header asks for before it looks at the file.
"""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from core.errors import FormatError, UnsafeFileError
from core.io.plain_file import open_plain

MAX_BYTES = 256 * 2**20  # of one array; a patch of 1024 x 1024 x 20 float64 has 160 MiB
MAX_HEADER = 10_000  # characters; NumPy's own limit for files that are not trusted
_KINDS = "iufb"


@dataclass(frozen=True)
class NpyHeader:
    """Shape and number type of the array, its memory order, and where its values begin in the file."""

    shape: tuple[int, ...]
    dtype: np.dtype
    fortran: bool
    offset: int


def read_header(path: Path, most: int = MAX_BYTES, kinds: str = _KINDS) -> NpyHeader:
    """The header of a .npy file that holds exactly the numbers it announces: at most ``most`` bytes, of ``kinds``.

    Raises UnsafeFileError for Python objects or absurd sizes, FormatError for anything else that is not such a file.
    """
    with _open(path) as file:
        return _header(file, path, most, kinds)


def read_npy(path: Path) -> np.ndarray:
    """The array of a .npy file in its own shape and number type (native byte order). Raises as ``read_header``."""
    with _open(path) as file:
        header = _header(file, path)
        file.seek(header.offset)
        values = np.fromfile(file, header.dtype, math.prod(header.shape))
    if values.size != math.prod(header.shape):
        raise FormatError(f"{path.name} became shorter while it was read. Copy it again.")
    values = values.astype(header.dtype.newbyteorder("="), copy=False)
    return values.reshape(header.shape[::-1]).T if header.fortran else values.reshape(header.shape)


def _open(path: Path) -> BinaryIO:
    try:
        return open_plain(path, follow=True)
    except OSError as error:
        raise FormatError(f"{path.name} cannot be opened ({error.strerror}).") from error


def _header(file: BinaryIO, path: Path, most: int = MAX_BYTES, kinds: str = _KINDS) -> NpyHeader:
    try:
        version = np.lib.format.read_magic(file)
        readers = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
        shape, fortran, dtype = readers[version](file, max_header_size=MAX_HEADER)
    except KeyError as error:
        raise FormatError(f"{path.name} is a .npy file of version {error}; accepted: 1.0 and 2.0.") from error
    except Exception as error:  # the header is text from a stranger, evaluated by NumPy: any failure means refuse
        raise FormatError(f"{path.name} is not a .npy file: {_plain(error)}. Save it with numpy.save.") from error
    if dtype.hasobject:
        raise UnsafeFileError(f"{path.name} holds Python objects, which can run code when read. Save plain numbers.")
    if dtype.kind not in kinds or (dtype.itemsize > 8 and dtype.kind not in "US"):
        raise FormatError(f"{path.name} holds {dtype}; accepted: booleans, integers and floats of up to 64 bits.")
    if any(isinstance(side, bool) or side < 0 for side in shape):
        raise UnsafeFileError(f"{path.name} claims the shape {shape}; sides cannot be negative.")
    claimed = math.prod(shape) * dtype.itemsize
    if claimed > most:
        raise UnsafeFileError(f"{path.name} claims {claimed / 2**20:.0f} MiB; at most {most >> 20} MiB are read.")
    there = os.fstat(file.fileno()).st_size - file.tell()
    if there != claimed:
        found = "is cut short" if there < claimed else "is longer than it says"
        raise FormatError(f"{path.name} {found}: its header announces {claimed} bytes, {there} are there.")
    if not claimed:
        raise FormatError(f"{path.name} is empty: its shape is {shape}.")
    return NpyHeader(shape, dtype, fortran, file.tell())


def _plain(error: Exception) -> str:
    return " ".join(str(error).split())[:120].rstrip(". ") or type(error).__name__
