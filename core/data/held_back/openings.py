"""Who judged a held-back part of a dataset when, with which run: a list beside the dataset file that only grows.

``X.h5`` has ``X.openings.jsonl``, one JSON object a line. A test that is looked at again and again is chosen by, and is
then no test any more; the list makes that visible. Nothing here changes or removes a line.
"""

from __future__ import annotations

import getpass
import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from core.data.store.dataset import Dataset
from core.errors import DataError, FormatError
from core.io.atomic import append_line
from core.io.json_text import parse_json
from core.io.plain_file import read_bytes

MOST_BYTES = 16 * 2**20  # of the list: some fifty thousand openings
FIELDS = ("when", "who", "run", "part", "set", "n", "head", "threshold", "f1", "f1_interval", "auc")


def openings_path(dataset: Path | str) -> Path:
    """Where the list of the dataset file ``dataset`` lies."""
    return Path(dataset).with_suffix(".openings.jsonl")


def set_hash(dataset: Dataset, rows: np.ndarray) -> str:
    """What names a set of patches (n,): their ids and labels in any order, so that importing anew changes nothing."""
    known = sorted(zip(dataset.ids[rows].tolist(), dataset.labels[rows].tolist(), strict=True))
    return hashlib.sha256(json.dumps(known).encode()).hexdigest()[:16]


def read_openings(dataset: Path | str, part: str | None = None) -> list[dict[str, Any]]:
    """Every opening, the first one first; of one part if that is asked for.

    Raises DataError when the list is damaged: an opening would be passed over.
    """
    path = openings_path(dataset)
    try:
        lines = read_bytes(path, MOST_BYTES).decode("utf-8").splitlines()
        found = [parse_json(line) for line in lines if line.strip()]
        if not all(isinstance(one, dict) and set(FIELDS) <= set(one) for one in found):
            raise ValueError("a line lacks fields")
    except FileNotFoundError:
        return []
    except (OSError, ValueError, FormatError) as error:
        raise DataError(f"{path.name}, the list of openings, cannot be read ({error}). Restore it.") from error
    return [one for one in found if part is None or one["part"] == part]


def record_opening(dataset: Path | str, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Add an opening to the list and return it. facts: ``FIELDS`` but when and who.

    Raises DataError when it cannot be written; the result must then not be shown.
    """
    when = datetime.now(UTC).isoformat(timespec="seconds")
    entry = {"when": when, "who": _user(), **facts}
    path = openings_path(dataset)
    try:
        append_line(path, json.dumps({name: entry[name] for name in FIELDS}), sync=True)
    except (OSError, DataError) as error:
        raise DataError(
            f"{path.name} cannot be written ({error}), so this opening would leave no trace: the result is "
            "not kept. Make the dataset's folder writable, or copy the dataset to one that is."
        ) from error
    return entry


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        return "unknown"
