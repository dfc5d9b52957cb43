"""JSON, parquet tables and safetensors arrays of a run folder: written whole or not at all, read with plain errors."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from core.errors import DataError, RunError
from core.io.atomic import make_folder, replacing, write_text
from core.io.safetensors_file import load_arrays


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
    """The JSON in ``path``. Raises RunError when it is missing or damaged."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise RunError(f"{path.parent.name} has no {path.name}. The run did not get that far.") from error
    except (ValueError, OSError) as error:
        raise RunError(f"{path.parent.name}/{path.name} cannot be read: {error}. Restore it, or run again.") from error


def write_table(path: Path, table: pd.DataFrame) -> None:
    """Write a table as parquet, atomically."""
    make_folder(path.parent)
    with replacing(path) as partial:
        table.to_parquet(partial, index=False, engine="pyarrow")


def read_table(path: Path) -> pd.DataFrame:
    """The table in ``path``. Raises RunError when it is missing or damaged."""
    if not path.is_file():
        raise RunError(f"{path.parent.name} has no {path.name}. The run did not get that far.")
    try:
        return pd.read_parquet(path, engine="pyarrow")
    except (ValueError, OSError) as error:
        raise RunError(f"{path.parent.name}/{path.name} is damaged: {error}. Run it again, or restore it.") from error


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """The arrays in ``path``, by name. Raises RunError when it is missing or damaged."""
    if not path.is_file():
        raise RunError(f"{path.parent.name} has no {path.name}. The run did not get that far.")
    try:
        return load_arrays(path)
    except DataError as error:
        raise RunError(f"{path.parent.name}/{path.name} is damaged: {error} Run it again, or restore it.") from error
