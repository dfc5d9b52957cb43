"""JSON, parquet tables and safetensors arrays of a run folder: written whole or not at all, read with plain errors.

A run folder may be a stranger's: what is read is a plain file (``core.io.plain_file``), bounded in size, and holds what
such a file holds (``core.runs.contents``); everything else is a RunError of one sentence.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from core.errors import DataError, RunError
from core.io import plain_file
from core.io.atomic import write_text
from core.io.json_text import load_json
from core.io.parquet_file import load_table, save_table
from core.io.safetensors_file import load_arrays
from core.runs.contents import check_json
from core.runs.table_contents import check_arrays, check_table

MAX_TEXT = 2**20  # bytes of a settings file

write_table = save_table


def write_json(path: Path, value: Any) -> None:
    """Write plain values as JSON, atomically; nan and infinity become null, numpy numbers become numbers."""
    write_text(path, json.dumps(to_json_value(value), indent=2, allow_nan=False) + "\n")


def to_json_value(value: Any) -> Any:
    """``value`` with everything JSON can hold: dicts, lists, text, finite numbers, booleans, null."""
    match value:
        case dict():
            return {str(key): to_json_value(item) for key, item in value.items()}
        case list() | tuple() | set() | frozenset():
            return [to_json_value(item) for item in value]
        case np.ndarray():
            return to_json_value(value.tolist())
        case np.generic():
            return to_json_value(value.item())
        case float():
            return value if math.isfinite(value) else None
        case Path():
            return str(value)
        case _:
            return value


def read_json(path: Path) -> Any:
    """The JSON in ``path``. Raises RunError when it is missing, damaged or not what such a file holds."""
    with _told(path):
        return check_json(path, load_json(path))


def read_text(path: Path) -> str:
    """The UTF-8 text in ``path``, at most 1 MiB. Raises RunError when it is missing or damaged."""
    with _told(path):
        return plain_file.read_bytes(path, MAX_TEXT).decode("utf-8")


def read_table(path: Path) -> pd.DataFrame:
    """The table in ``path``. Raises RunError when it is missing, damaged or not what such a file holds."""
    with _told(path):
        return check_table(path, load_table(path))


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """The arrays in ``path``, by name. Raises RunError when it is missing, damaged or not what such a file holds."""
    with _told(path):
        if not plain_file.is_there(path):
            raise FileNotFoundError(path)
        return dict(check_arrays(path, load_arrays(path)))


def folder_in(root: Path, *parts: str) -> Path:
    """As ``core.io.plain_file.folder_in``, with RunError for a link."""
    try:
        return plain_file.folder_in(root, *parts)
    except DataError as error:
        raise RunError(str(error)) from error


@contextmanager
def _told(path: Path) -> Iterator[None]:
    name = f"{path.parent.name}/{path.name}"
    try:
        yield
    except FileNotFoundError as error:
        raise RunError(f"{path.parent.name} has no {path.name}. The run did not get that far.") from error
    except DataError as error:
        text = str(error)  # of what is no plain file, the sentence is whole
        told = text if text.startswith(name) else f"{name} is damaged: {text.rstrip('.')}. Restore it, or run again."
        raise RunError(told) from error
    except UnicodeDecodeError as error:
        raise RunError(f"{name} is damaged: it is not UTF-8 text. Restore it, or run again.") from error
    except OSError as error:
        raise RunError(f"{name} cannot be read: {error.strerror or error}. Restore it, or run again.") from error
