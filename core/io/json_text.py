"""JSON that may have been written by anybody: bounded in length, depth and number of values; numbers are finite."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any

import numpy as np

from core.errors import FormatError
from core.io.plain_file import read_bytes

MAX_BYTES = 32 * 2**20  # ids of a million patches
MAX_VALUES = 2_000_000  # Python needs some 60 bytes for the smallest
MAX_DEPTH = 40  # lists and objects within each other; ours have 8
_TEXTS = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_DEEPER = np.zeros(256, np.int64)
_DEEPER[[ord("["), ord("{")]], _DEEPER[[ord("]"), ord("}")]] = 1, -1


def load_json(path: Path, most: int = MAX_BYTES, follow: bool = False) -> Any:
    """The JSON in the plain file ``path``. Raises FormatError as :func:`parse_json`.

    And UnsafeFileError and OSError as ``core.io.plain_file.read_bytes``.
    """
    return parse_json(read_bytes(path, most, follow))


def parse_json(data: bytes | str) -> Any:
    """The value that JSON text stands for. Raises FormatError, saying what is wrong, where it is none or too much."""
    raw = data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data
    _check_size(raw)
    try:
        return json.loads(raw.decode("utf-8-sig"), parse_constant=_refuse, parse_float=_finite)
    except UnicodeDecodeError as error:
        raise FormatError("it is not UTF-8 text") from error
    except RecursionError as error:
        raise FormatError(f"it is nested more than {MAX_DEPTH} deep") from error
    except ValueError as error:  # a whole number of more than 4300 digits is one too
        raise FormatError(f"it is not JSON ({error})") from error


def _check_size(raw: bytes) -> None:
    if len(raw) > MAX_BYTES:
        raise FormatError(f"it is longer than {MAX_BYTES // 2**20} MiB")
    opening = raw.count(b"[") + raw.count(b"{")
    if opening + raw.count(b",") > MAX_VALUES:
        raise FormatError(f"it holds more than {MAX_VALUES:,} values")
    if opening > MAX_DEPTH:
        steps = _DEEPER[np.frombuffer(_TEXTS.sub(b"", raw), np.uint8)]
        if len(steps) and int(np.cumsum(steps).max()) > MAX_DEPTH:
            raise FormatError(f"it is nested more than {MAX_DEPTH} deep")


def _refuse(text: str) -> float:
    raise ValueError(f"{text} is no number of JSON")


def _finite(text: str) -> float:
    value = float(text)
    return value if math.isfinite(value) else _refuse(text)
