"""Columns that were measured after a dataset file was written, kept in a table beside it.

``X.clouds.parquet`` beside ``X.h5`` holds ``id`` and the shares of cloud and shadow that a network sees in each patch;
whoever opens the dataset finds them among its columns. The file itself does not change: removing the table undoes it.
A table of another state of the dataset is left alone.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from core.errors import DataError, FormatError
from core.io.json_text import parse_json
from core.io.plain_file import is_there

CLOUD_SHARE, SHADOW_SHARE = "csmask_cloud", "csmask_shadow"
COLUMNS = (CLOUD_SHARE, SHADOW_SHARE)
_META = b"landslide_lens"


def path_of(dataset: Path) -> Path:
    """Where the table of the dataset file ``dataset`` lies."""
    return dataset.with_name(f"{dataset.stem}.clouds.parquet")


def keep(dataset: Path, table: Any, card: dict[str, Any]) -> None:
    """Write the table (a pandas one: id and ``COLUMNS``) beside the dataset, replacing the one before.

    card: plain values, ``dataset_hash`` (the dataset's ``card_hash``) among them.
    """
    from core.io.parquet_file import save_table

    save_table(path_of(dataset), table, {_META: json.dumps(card).encode()})


def card_of(dataset: Path) -> dict[str, Any] | None:
    """How the table was made, or None without one. Raises DataError for a damaged one."""
    from core.io.parquet_file import table_note

    path = path_of(dataset)
    if not is_there(path):
        return None
    try:
        card = parse_json(table_note(path, _META) or b"")
        return card if isinstance(card["dataset_hash"], str) else None
    except (OSError, FormatError, DataError, KeyError, TypeError, ValueError) as error:
        raise _damaged(path, error) from error


def columns_beside(dataset: Path, card_hash: str, ids: Sequence[str]) -> dict[str, np.ndarray]:
    """Name -> (N,) float64 of the table beside the dataset; none without one, or with one of another state.

    Raises DataError for a damaged one.
    """
    from core.io.parquet_file import load_table

    card, path = card_of(dataset), path_of(dataset)
    if card is None or card["dataset_hash"] != card_hash:
        return {}
    try:
        table = load_table(path)
        if table["id"].astype(str).tolist() != list(ids):
            raise ValueError("its ids are not the dataset's")
        found = {name: table[name].to_numpy(np.float64) for name in COLUMNS}
        if any(((values < 0) | (values > 1)).any() for values in found.values()):
            raise ValueError("a share lies outside of 0 to 1")
    except (OSError, FormatError, DataError, KeyError, TypeError, ValueError) as error:
        raise _damaged(path, error) from error
    for values in found.values():
        values.flags.writeable = False
    return found


def _damaged(path: Path, error: Exception) -> DataError:
    return DataError(f"{path.name} is damaged ({error}). Remove it, and measure clouds again if they are needed.")
