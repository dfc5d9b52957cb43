"""The columns of a dataset's patches: its own, and those of the inventories joined to it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

import numpy as np

from core.data.inventories.join import COLUMNS, read_join
from core.data.store.dataset import Dataset


def all_columns(dataset: Dataset) -> dict[str, np.ndarray]:
    """Name -> (N,) numbers or text; where both have a name, the dataset's own column is meant.

    Raises DataError where the joined events are damaged, or of another state of the dataset.
    """
    join = read_join(dataset)
    if join is None:
        return dict(dataset.columns)
    return {name: _plain(join.table[name].to_numpy()) for name in COLUMNS} | dataset.columns


def columns_for(dataset: Dataset, names: Iterable[str]) -> dict[str, np.ndarray]:
    """The columns among which ``names`` are looked for; joined events are read where the dataset lacks one of them."""
    return dict(dataset.columns) if set(names) <= set(dataset.columns) else all_columns(dataset)


def joined_facts(dataset: Dataset, names: Iterable[str]) -> dict[str, Any] | None:
    """How the joined columns among ``names`` were made, with a digest of their values; None where there are none."""
    used = [name for name in dict.fromkeys(names) if name not in dataset.columns]
    join = read_join(dataset) if used else None
    if join is None:
        return None
    digest = hashlib.sha256()
    for name in used:
        digest.update(np.ascontiguousarray(_plain(join.table[name].to_numpy())).tobytes())
    return {"columns": used, **join.card, "sha256": digest.hexdigest()}


def _plain(values: np.ndarray) -> np.ndarray:
    return values.astype(str) if values.dtype.kind == "O" else values
