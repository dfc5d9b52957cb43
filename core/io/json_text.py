"""JSON that may have been written by anybody: bounded in length, depth and number of values; numbers are finite."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from core.errors import FormatError
from core.io.plain_file import read_bytes

MAX_BYTES = 32 * 2**20  # ids of a million patches
MAX_VALUES = 2_000_000  # Python needs some 60 bytes for the smallest
MAX_DEPTH = 40  # lists and objects within each other; ours have 8


def load_json(path: Path, most: int = MAX_BYTES, follow: bool = False) -> Any:
    """The JSON in the plain file ``path``. Raises FormatError as :func:`parse_json`.

    And UnsafeFileError and OSError as ``core.io.plain_file.read_bytes``.
    """
    return parse_json(read_bytes(path, most, follow))


def parse_json(data: bytes | str) -> Any:
    """The value that JSON text stands for. Raises FormatError, saying what is wrong, where it is none or too much."""
    raw = data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data
    if len(raw) > MAX_BYTES:
        raise FormatError(f"it is longer than {MAX_BYTES // 2**20} MiB")
    if raw.count(b"[") + raw.count(b"{") + raw.count(b",") > MAX_VALUES:
        raise FormatError(f"it holds more than {MAX_VALUES:,} values")
    try:
        value = json.loads(raw.decode("utf-8-sig"), parse_constant=_refuse)
    except UnicodeDecodeError as error:
        raise FormatError("it is not UTF-8 text") from error
    except RecursionError as error:
        raise _too_deep() from error
    except ValueError as error:  # a whole number of more than 4300 digits is one too
        raise FormatError(f"it is not JSON ({error})") from error
    _check((value,), MAX_DEPTH)
    return value


def _check(values: Iterable[Any], left: int) -> None:
    """Raise FormatError for a number beyond the largest, which reads as infinite, and for more depth than ``left``."""
    for value in values:
        kind = type(value)
        if kind is float:
            if value - value != 0.0:
                raise FormatError("it holds a number that is not finite")
        elif kind is dict or kind is list:
            if not left:
                raise _too_deep()
            _check(value.values() if kind is dict else value, left - 1)


def _too_deep() -> FormatError:
    return FormatError(f"it is nested more than {MAX_DEPTH} deep")


def _refuse(text: str) -> float:
    raise ValueError(f"{text} is no number of JSON")
