"""Named arrays in one safetensors file: written whole or not at all, never unpickled, checked before they are read.

Equal content gives equal bytes, since neither times nor metadata are written. Torch is not loaded.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from core.errors import FormatError, UnsafeFileError
from core.io.atomic import make_folder, replacing, sha256
from core.io.plain_file import open_plain
from core.text import list_names

# The library takes headers of up to 100 MB, which take up to nine times as much memory; the largest timm network's has
# about 0.3 MB.
MAX_HEADER_BYTES = 16 * 2**20
# Those that numpy has; with the package ml_dtypes installed others would be read as types that nothing here expects.
READ_TYPES = {"BOOL", "U8", "I8", "U16", "I16", "F16", "U32", "I32", "F32", "U64", "I64", "F64"}
SHOWN = 8  # names listed in an error before "and n more"


def save_arrays(path: Path, arrays: Mapping[str, np.ndarray]) -> str:
    """Writes ``arrays`` to ``path`` (.safetensors) and returns the sha256 of the file as hex digits.

    The file appears complete or not at all: it is written beside ``path``, flushed and renamed. Raises OSError as the
    file system gives it, leaving what was there before.
    """
    make_folder(path.parent)
    try:
        with replacing(path) as partial:
            partial.touch()
            mode = partial.stat().st_mode  # safetensors makes files that only their owner may read
            save_file({name: np.asarray(array, order="C") for name, array in arrays.items()}, partial)
            partial.chmod(mode)
            return sha256(partial)
    except SafetensorError as error:  # what the file system said comes wrapped
        raise OSError(str(error)) from error


def header(path: Path, follow: bool = False) -> dict[str, tuple[str, tuple[int, ...]]]:
    """Name -> (safetensors dtype, shape) of every array in the file; nothing but the header is read.

    follow: the file may be a link, for a path that the user named.

    Raises FormatError for a file that cannot be read, UnsafeFileError for one that is no complete safetensors file or
    whose header cannot be true.
    """
    with _opened(path, follow) as file:
        return _entries(file)


def load_arrays(
    path: Path, expected: Mapping[str, tuple[int, ...]] | None = None, follow: bool = False
) -> dict[str, np.ndarray]:
    """Every array of the file; with ``expected`` (name -> shape) exactly those, or FormatError listing what differs.

    Raises as :func:`header` does, before any array is read, and FormatError for a type of number that numpy lacks.
    """
    with _opened(path, follow) as file:
        entries = _entries(file)
        if expected is not None:
            complaint = differences({name: shape for name, (_, shape) in entries.items()}, expected)
            if complaint:
                raise FormatError(f"{path.name} does not hold the arrays that are needed here: {complaint}.")
        if not {dtype for dtype, _ in entries.values()} <= READ_TYPES:
            types = list_names(sorted({dtype for dtype, _ in entries.values()}), SHOWN)
            raise FormatError(
                f"{path.name} holds numbers of a type that is not read here (its types: {types}). Save it as float32."
            )
        return {name: file.get_tensor(name) for name in entries}


def differences(found: Mapping[str, tuple[int, ...]], expected: Mapping[str, tuple[int, ...]]) -> str:
    """A sentence part naming missing, unexpected and wrongly shaped arrays; empty when there are none."""
    missing = [name for name in expected if name not in found]
    extra = [name for name in found if name not in expected]
    shaped = [
        f"{name} is {_times(found[name])} instead of {_times(shape)}"
        for name, shape in expected.items()
        if name in found and tuple(found[name]) != tuple(shape)
    ]
    parts = (("missing", missing), ("not expected", extra), ("of another shape", shaped))
    return "; ".join(f"{title}: {list_names(names, SHOWN)}" for title, names in parts if names)


def _times(shape: tuple[int, ...]) -> str:
    return "x".join(str(side) for side in shape) or "a single number"


@contextmanager
def _opened(path: Path, follow: bool) -> Iterator[safe_open]:
    """The file, its header checked by the library: types, shapes and places must agree and fill the file exactly."""
    try:
        with open_plain(path, follow=follow) as file:
            start = file.read(8)  # the header's length, little-endian
        if len(start) == 8 and struct.unpack("<Q", start)[0] > MAX_HEADER_BYTES:
            raise _refusal(path, "its header claims to be longer than 16 MiB")
        opened = safe_open(path, framework="np")
    except OSError as error:
        raise FormatError(f"{path.name} cannot be read: {error.strerror or error}. Check the path.") from error
    except SafetensorError as error:
        raise _refusal(path, str(error)) from error
    with opened as file:
        yield file


def _entries(file: safe_open) -> dict[str, tuple[str, tuple[int, ...]]]:
    """As :func:`header`, in the order in which the arrays lie in the file."""
    slices = {name: file.get_slice(name) for name in file.offset_keys()}
    return {name: (each.get_dtype(), tuple(each.get_shape())) for name, each in slices.items()}


def _refusal(path: Path, what: str) -> UnsafeFileError:
    return UnsafeFileError(
        f"{path.name} was refused: {what}. Only complete .safetensors files are accepted; "
        "save the weights again with safetensors, or copy the file again."
    )
