"""Named arrays in one safetensors file: written whole or not at all, and read only after the header was checked.

Comes in: a mapping of names to numpy arrays. Goes out: the same arrays. Equal content gives equal bytes, since neither
times nor metadata are written. It knows nothing of what the arrays mean, loads no torch and never unpickles.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from core.errors import FormatError, UnsafeFileError
from core.io.atomic import replacing, sha256

MAX_HEADER_BYTES = 16 * 2**20  # 16 MiB; the largest timm network's header has about 0.3 MB
_LENGTH_BYTES = 8  # safetensors: header length as a little-endian unsigned 64-bit number
_ITEM_BYTES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U8": 1, "BOOL": 1}
_ITEM_BYTES |= {"U16": 2, "U32": 4, "U64": 8}
_SHOWN = 8  # names listed in an error before "and n more"


def save_arrays(path: Path, arrays: Mapping[str, np.ndarray]) -> str:
    """Writes ``arrays`` to ``path`` (.safetensors) and returns the sha256 of the file as hex digits.

    The file appears complete or not at all: it is written beside ``path``, flushed and renamed. Raises OSError as the
    file system gives it, leaving what was there before.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with replacing(path) as partial:
            partial.touch()
            mode = partial.stat().st_mode  # safetensors makes files that only their owner may read
            save_file({name: np.asarray(array, order="C") for name, array in arrays.items()}, partial)
            partial.chmod(mode)
            return sha256(partial)
    except SafetensorError as error:  # what the file system said comes wrapped
        raise OSError(str(error)) from error


def header(path: Path) -> dict[str, tuple[str, tuple[int, ...]]]:
    """Name -> (safetensors dtype, shape) of every array in the file; nothing but the header is read.

    Raises UnsafeFileError when the file is no safetensors file, or when what its header claims cannot be true: a
    length beyond 16 MiB or the file, shapes and offsets that disagree, arrays that reach beyond the file's end.
    """
    entries = _raw_header(path)
    entries.pop("__metadata__", None)
    return {name: (entry["dtype"], tuple(entry["shape"])) for name, entry in entries.items()}


def metadata(path: Path) -> dict[str, str]:
    """The free text entries of a safetensors header (other programs write them; we do not)."""
    found = _raw_header(path).get("__metadata__", {})
    return {str(key): str(value) for key, value in found.items()} if isinstance(found, dict) else {}


def load_arrays(path: Path, expected: Mapping[str, tuple[int, ...]] | None = None) -> dict[str, np.ndarray]:
    """Every array of the file; with ``expected`` (name -> shape) exactly those, or FormatError listing what differs.

    Raises UnsafeFileError as :func:`header` does, before any array is read.
    """
    found = header(path)
    if expected is not None:
        shapes = {name: shape for name, (_, shape) in found.items()}
        complaint = differences(shapes, expected)
        if complaint:
            raise FormatError(f"{path.name} does not hold the arrays that are needed here: {complaint}.")
    return load_file(path)


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
    return "; ".join(f"{title}: {shorten(names)}" for title, names in parts if names)


def shorten(names: list[str]) -> str:
    """The first names, and how many more there are."""
    rest = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + rest


def _times(shape: tuple[int, ...]) -> str:
    return "x".join(str(side) for side in shape) or "a single number"


def _raw_header(path: Path) -> dict:
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            start = file.read(_LENGTH_BYTES)
            length = struct.unpack("<Q", start)[0] if len(start) == _LENGTH_BYTES else -1
            if not 2 <= length <= min(MAX_HEADER_BYTES, size - _LENGTH_BYTES):
                raise _refusal(path, f"its header claims {length} bytes in a file of {size}")
            text = file.read(length)
    except OSError as error:
        raise FormatError(f"{path.name} cannot be read: {error.strerror or error}. Check the path.") from error
    try:
        entries = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _refusal(path, "its header is not JSON") from error
    if not isinstance(entries, dict):
        raise _refusal(path, "its header is not a table of arrays")
    _check_entries(path, entries, size - _LENGTH_BYTES - length)
    return entries


def _check_entries(path: Path, entries: dict, data_bytes: int) -> None:
    for name, entry in entries.items():
        if name == "__metadata__":
            continue
        try:
            shape, (begin, end) = [int(side) for side in entry["shape"]], entry["data_offsets"]
            item = _ITEM_BYTES[entry["dtype"]]
        except (KeyError, TypeError, ValueError) as error:
            raise _refusal(path, f"its entry '{name}' has no known type, shape and place") from error
        if min(shape, default=0) < 0 or not 0 <= begin <= end <= data_bytes or math.prod(shape) * item != end - begin:
            raise _refusal(path, f"its entry '{name}' claims a shape or a place that the file does not have")


def _refusal(path: Path, what: str) -> UnsafeFileError:
    return UnsafeFileError(
        f"{path.name} was refused: {what}. Only complete .safetensors files are accepted; "
        "save the weights again with safetensors, or copy the file again."
    )
