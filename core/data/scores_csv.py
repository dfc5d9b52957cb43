"""Probabilities from a CSV, evaluated without a run, a network or an image.

One row per patch: id, label, probability; fold and group optionally. Patches that are listed twice with different
labels are all set aside.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from core.data.readers.base import Aside, some
from core.data.readers.tables import (
    UNNAMED,
    LabelRule,
    Table,
    as_number,
    is_empty,
    label_rule,
    read_table,
    refuse_lost_class,
)
from core.data.readers.tables.text import key_of
from core.errors import FoldError, FormatError, LabelError
from core.text import counted

IDS = ("id", "patch", "patch_id", "image", "image_id", "name", "file", "filename", "path", UNNAMED)
LABELS = ("label", "target", "truth", "y_true", "y", "class")
FOLDS = ("fold", "fold_id")
GROUPS = ("group", "scene", "event", "site")
PROBS = ("probability", "prob", "prob_landslide", "p", "y_prob", "score", "prediction")
MOST_OUTSIDE = 0.05  # share of numbers beyond 0 to 1 that are slips; more say that the column holds something else
DRAWN = 5  # folds that are drawn where the table has none


@dataclass(frozen=True)
class Columns:
    """Names of the columns; none: the usual names are looked for, and fold and group may be missing."""

    id: str | None = None
    label: str | None = None
    prob: str | None = None
    fold: str | None = None
    group: str | None = None


@dataclass(frozen=True)
class Named(Columns):
    """The columns that were found: those that must be there have names."""

    id: str = ""
    label: str = ""
    prob: str = ""


@dataclass(frozen=True)
class ScoreTable:
    """Patches with probabilities.

    table: id, label (0/1), fold (from 0, as numbered in the file), group ("" where unknown), prob (0-1). columns: what
    was read from where. drawn: whether the folds were drawn here because the table has none. aside: what (file, line)
    and why, a row each.
    """

    name: str
    table: pd.DataFrame
    class_names: tuple[str, str]
    columns: Columns
    drawn: bool
    aside: pd.DataFrame
    notes: tuple[str, ...]


def read_scores(path: Path, columns: Columns | None = None, positive: str | None = None, seed: int = 0) -> ScoreTable:
    """Judge-ready probabilities from a CSV.

    positive: the label that means the positive class, where labels are names. seed: of the folds, drawn (whole groups
    together) where there is no fold column.

    Raises FormatError for what is no such table, LabelError when no labelled patch is left.
    """
    aside = Aside()
    found = read_table(path, aside)
    named = _columns(found, columns or Columns())
    rule = label_rule(found.cells(named.label), positive, aside, named.label)
    _refuse_other_numbers(found, named.prob)
    rows = []
    for line, row in zip(found.lines, found.rows, strict=True):
        values, reason = _row(row, named, rule)
        if reason:
            aside.reject(f"{path.name}, line {line}", reason)
        else:
            rows.append(values)
    refuse_lost_class(map(rule.label, found.cells(named.label)), (row["label"] for row in rows), rule.classes, aside)
    table = _once(pd.DataFrame(rows, columns=["id", "label", "fold", "group", "prob"]), aside)
    if table.empty:
        first = aside.rejected[0].reason if aside.rejected else "there are no rows"
        raise LabelError(f"{path.name} has no patch that can be scored: {first}")
    if (table["group"] == "").any():
        table["group"] = ""  # some without: groups cannot be kept together
    folds, drawn = _folds(table, named, seed, aside)
    return ScoreTable(
        name=path.stem,
        table=table.assign(fold=folds),
        class_names=rule.classes,
        columns=named,
        drawn=drawn,
        aside=pd.DataFrame([(r.file, r.reason) for r in aside.rejected], columns=["what", "why"]),
        notes=tuple(aside.warnings),
    )


def column_names(path: Path) -> tuple[str, ...]:
    """What the CSV's columns are called. Raises FormatError for what is no table."""
    return read_table(path, Aside()).columns


def _columns(table: Table, asked: Columns) -> Named:
    prob = asked.prob
    if prob is None:
        there = [
            name for name in table.columns if key_of(name) in map(key_of, PROBS) or key_of(name).startswith("prob")
        ]
        if not there:
            raise FormatError(
                f"{table.path.name} has no column of probabilities ({', '.join(PROBS[:3])}, ...). "
                f"Its columns: {some(list(table.columns), 20)}. Choose the one that holds them."
            )
        prob = there[0]
    optional = {}
    for name, wanted, usual in (("fold", asked.fold, FOLDS), ("group", asked.group, GROUPS)):
        known = wanted is not None or any(table.has(other) for other in usual)
        optional[name] = table.column(wanted, usual, name) if known else None
    return Named(
        id=table.column(asked.id, IDS, "ids of the patches"),
        label=table.column(asked.label, LABELS, "labels"),
        prob=table.column(prob, (), "probabilities"),
        **optional,
    )


def _refuse_other_numbers(table: Table, column: str) -> None:
    """Raise LabelError where a column of probabilities holds percent or logits: some of those lie in 0 to 1 too."""
    numbers = [number for text in table.cells(column) if (number := as_number(text)) is not None]
    outside = [number for number in numbers if not 0 <= number <= 1]
    if len(outside) > MOST_OUTSIDE * len(numbers):
        kind = "percent: divide them by 100" if 0 <= min(numbers) and max(numbers) <= 100 else "scores or logits"
        raise LabelError(
            f"The column '{column}' of {table.path.name} holds no probability from 0 to 1 in {len(outside)} of "
            f"{len(numbers)} rows; its numbers go from {min(numbers):g} to {max(numbers):g}. They look like {kind}."
        )


def _row(row: dict[str, str], columns: Named, rule: LabelRule) -> tuple[dict, str]:
    """The values of a row, and why it cannot be used, or ""."""
    text = row[columns.prob]
    prob = as_number(text)
    if prob is None or not 0 <= prob <= 1:
        return {}, f"'{text[:40]}' is no probability: a number from 0 to 1 is needed."
    if not row[columns.id]:
        return {}, "It has no id."
    try:
        label = rule.label(row[columns.label])
    except LabelError as error:
        return {}, str(error)
    if label < 0:
        return {}, "It has no label."
    fold = row[columns.fold] if columns.fold else ""
    if columns.fold and is_empty(fold):
        return {}, "It is in no fold."
    group = row[columns.group] if columns.group else ""
    return {"id": row[columns.id], "label": label, "fold": fold, "group": group, "prob": prob}, ""


def _once(table: pd.DataFrame, aside: Aside) -> pd.DataFrame:
    """Each patch once; one with several labels not at all."""
    twice = table[table.duplicated("id", keep=False)]
    bad = [name for name, rows in twice.groupby("id", sort=False) if rows["label"].nunique() > 1]
    for name in bad:
        aside.reject(name, "It is there several times with different labels: which one is right cannot be told.")
    if bad:
        told = counted(len(bad), "patch with contradictory labels was", "patches with contradictory labels were")
        aside.warn(f"{told} set aside: {some(bad)}.")
    table = table[~table["id"].isin(set(bad))]
    again = table["id"].duplicated()
    for name in table.loc[again, "id"]:
        aside.reject(name, "It is there again: its first row counts.")
    return table[~again].reset_index(drop=True)


def _folds(table: pd.DataFrame, columns: Columns, seed: int, aside: Aside) -> tuple[np.ndarray, bool]:
    if columns.fold:
        names = sorted(table["fold"].unique(), key=_by_number)
        if len(names) > 100:
            raise FormatError(f"The column '{columns.fold}' has {len(names)} values: these are no folds.")
        numbers = [as_number(name) for name in names]
        whole = all(number is not None and 0 <= number <= 100 and number == int(number) for number in numbers)
        # Gaps stay: 0 and 2 are that.
        codes = {name: int(numbers[k] or 0) if whole else k for k, name in enumerate(names)}
        return table["fold"].map(codes).to_numpy(np.int64), False
    from core.data.folds import make_folds

    groups = None if (table["group"] == "").all() else table["group"].to_numpy()
    for n_splits in range(DRAWN, 1, -1):
        try:
            return make_folds(table["label"].to_numpy(), groups, n_splits, seed).fold_of.astype(np.int64), True
        except FoldError:
            continue
    aside.warn(
        "Folds cannot be drawn from these patches, so a threshold is evaluated on the patches that it was chosen on."
    )
    return np.zeros(len(table), np.int64), True


def _by_number(text: str) -> tuple[float, str]:
    number = as_number(text)
    return (math.inf if number is None else number, text)
