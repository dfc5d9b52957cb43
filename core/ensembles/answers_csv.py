"""Somebody's probabilities in a CSV: id and probability, and where there are any, fold and label.

The columns have the usual names of ``core.data.scores_csv``. Nothing doubtful is passed over: an ensemble that is fed
decisions, percent or two answers for one patch would be wrong without anybody seeing it.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from core.data.readers.base import Aside, some
from core.data.readers.tables import Table, as_number, is_empty, read_table
from core.data.readers.tables.text import key_of
from core.data.scores_csv import FOLDS, IDS, LABELS, PROBS
from core.errors import FormatError, LabelError

MOST_FOLDS = 100


def read_answers(path: Path, column: str | None = None) -> pd.DataFrame:
    """A row a patch: id (text), prob (0-1; nan where the cell is empty); fold and label (text) where there are such.

    column: that of the probabilities; none: the usual name, or the only column that can be meant.

    Raises FormatError for what is no such table or answers twice for a patch, LabelError for what is no probability.
    """
    aside = Aside()
    table = read_table(path, aside)
    if aside.rejected:
        first = aside.rejected[0]
        raise FormatError(
            f"{len(aside.rejected)} rows of {path.name} cannot be read, first {first.file}: {first.reason}"
        )
    ids = table.cells(table.column(None, IDS, "ids of the patches"))
    column = _probability_column(table, column)
    found = pd.DataFrame({"id": ids, "prob": _probabilities(table, column)})
    for name, usual in (("fold", FOLDS), ("label", LABELS)):
        if any(table.has(one) for one in usual):
            cells = table.cells(table.column(None, usual, name))
            if not any(map(is_empty, cells)):
                found[name] = cells
    if lines := [line for line, name in zip(table.lines, ids, strict=True) if not name]:
        raise FormatError(f"{path.name} has {len(lines)} rows without an id (first: line {lines[0]}).")
    found = found.drop_duplicates()
    if twice := found.loc[found["id"].duplicated(), "id"].drop_duplicates().tolist():
        raise FormatError(
            f"{path.name} answers more than once, and differently, for {_patches(len(twice))}: {some(twice)}. "
            "Keep one row a patch."
        )
    if "fold" in found and found["fold"].nunique() > MOST_FOLDS:
        raise FormatError(
            f"The folds of {path.name} have {found['fold'].nunique()} different values: these are no folds."
        )
    return found.reset_index(drop=True)


def _probability_column(table: Table, column: str | None) -> str:
    if column is not None:
        return table.column(column, (), "probabilities")
    known = set(map(key_of, (*IDS, *FOLDS, *LABELS)))
    there = [name for name in table.columns if key_of(name) in map(key_of, PROBS) or key_of(name).startswith("prob")]
    there = there or [name for name in table.columns if key_of(name) not in known]
    exact = [name for name in there if key_of(name) in ("prob", "probability")]
    if len(there) != 1 and len(exact) != 1:
        what = (
            "no column of probabilities" if not there else f"several columns that may hold probabilities: {some(there)}"
        )
        raise FormatError(
            f"{table.path.name} has {what}. Its columns: {some(list(table.columns), 20)}. Name the right one after a "
            f"colon: {table.path.name}:COLUMN."
        )
    return (exact or there)[0]


def _probabilities(table: Table, column: str) -> np.ndarray:
    where, cells = f"The column '{column}' of {table.path.name}", table.cells(column)
    numbers = [np.nan if is_empty(cell) else as_number(cell) for cell in cells]
    if (bad := next((place for place, number in enumerate(numbers) if number is None), None)) is not None:
        raise LabelError(
            f"{where} holds '{cells[bad][:40]}' in line {table.lines[bad]}: a number from 0 to 1 is needed."
        )
    found = np.array(numbers, dtype=np.float64)
    known = found[np.isfinite(found)]
    outside = np.flatnonzero((found < 0) | (found > 1) | np.isinf(found))
    if len(outside):
        kind = "percent: divide them by 100" if 0 <= known.min() and known.max() <= 100 else "scores or logits"
        raise LabelError(
            f"{where} goes beyond 0 to 1 in {len(outside)} of {len(found)} rows (first: {cells[outside[0]]} in line "
            f"{table.lines[outside[0]]}; numbers from {known.min():g} to {known.max():g}). They look like {kind}."
        )
    if not len(known):
        raise LabelError(f"{where} is empty.")
    if len(known) > 1 and np.isin(known, (0.0, 1.0)).all():
        raise LabelError(
            f"{where} holds nothing but 0 and 1: labels or decisions. Weights need probabilities; name their column "
            f"after a colon ({table.path.name}:COLUMN), or write them out before they are rounded."
        )
    return found


def _patches(n: int) -> str:
    return "1 patch" if n == 1 else f"{n:,} patches"
