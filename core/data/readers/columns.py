"""A table of numbers without pictures: each row is a patch, each column of numbers a band of a single pixel.

The challenge's band statistics are such a table, and so is what any other program measured of patches. One column holds
ids, one labels (it may be missing, for a table to predict); groups, splits and places are found as in any table. Text
stays beside the patches. What is empty is missing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.data.bands import Band
from core.data.readers.base import Aside, Collection, Item, ReaderOptions, file_stamp, some
from core.data.readers.folders import ID_COLUMNS, LABEL_COLUMNS, OTHER_LABEL_COLUMNS
from core.data.readers.tables import NO_LABELS, Table, is_empty, label_rule, read_table, typed_column
from core.data.readers.tables.facts import facts_of
from core.data.store.missing import to_single
from core.errors import Asks, ConfigError, FormatError, LabelError

SUFFIXES = (".csv", ".tsv")
MOST_COLUMNS = 512  # of numbers: the bands that a kept network may have
FACTS = {"columns": True}


@dataclass(frozen=True)
class Row:
    """The numbers of one row, as a patch of one pixel. values: (C,) float32, nan where a cell is empty."""

    file: str
    values: np.ndarray
    mark: str

    def shape(self) -> tuple[tuple[int, int, int], bool]:
        """See :class:`core.data.readers.base.Patch`."""
        return (len(self.values), 1, 1), False

    def read(self) -> np.ndarray:
        """See :class:`core.data.readers.base.Patch`."""
        return self.values[:, None, None]  # (C, 1, 1)

    def stamp(self) -> str:
        """See :class:`core.data.readers.base.Patch`."""
        return self.mark


def recognises(source: Path) -> bool:
    """Whether ``source`` is a table by its name."""
    return source.is_file() and source.suffix.lower() in SUFFIXES


def collect(source: Path, options: ReaderOptions, aside: Aside) -> Collection:
    """The rows with their labels. Raises FormatError and LabelError in the words of the table."""
    return _collect(source, options, aside, labelled=True)


def collect_unlabelled(source: Path, options: ReaderOptions, aside: Aside) -> Collection:
    """The rows without labels."""
    return _collect(source, options, aside, labelled=False)


def _collect(source: Path, options: ReaderOptions, aside: Aside, labelled: bool) -> Collection:
    if options.masks or options.tile or options.resize:
        raise ConfigError("A table of columns has no pictures: leave out --masks, --tile and --resize.")
    table = read_table(source, aside)
    id_column = table.column(options.id_column, ID_COLUMNS, "ids", "--id-column")
    label = _label_column(table, options)
    rule = NO_LABELS
    if labelled and label is not None:
        rule = label_rule(table.cells(label), options.positive, aside, label)
    group = None if options.group_column is None else table.column(options.group_column, (), "groups", "--group-column")
    facts = facts_of(source.name, table.columns, table.rows, aside, tell_groups=group is None)
    kept = [name for name in table.columns if name not in {id_column, label, group, *facts.used}]
    names, values = _numbers(source, table, kept, options.bands)
    text = [name for name in kept if name not in names and typed_column(table.cells(name)).dtype.kind == "U"]
    ids = table.cells(id_column)
    repeated = {name for name, n in Counter(ids).items() if n > 1}
    items, mark = [], file_stamp(source)
    for place, (row, line) in enumerate(zip(table.rows, table.lines, strict=True)):
        file = f"{source.name}, line {line}"
        if row[id_column] in repeated or is_empty(row[id_column]):
            aside.reject(file, f"Its id '{row[id_column]}' is empty or occurs more than once.", is_row=True)
            continue
        try:
            found = rule.label(row[label]) if labelled and label is not None else -1
        except LabelError as error:
            aside.reject(file, error, is_row=True)
            continue
        items.append(
            Item(
                ids[place], Row(file, values[place], f"{mark} {place}"), found,
                group=None if group is None else row[group] or None, split=facts.split[place],
                lonlat=facts.lonlat[place], columns={name: row[name] for name in text},
            )
        )  # fmt: skip
    if labelled and label is None:
        aside.warn(
            f"{source.name} has no column of labels ({' or '.join((*LABEL_COLUMNS, *OTHER_LABEL_COLUMNS))}): its rows "
            "can be predicted, not learnt from.", Asks("label_column", table.columns),
        )  # fmt: skip
    return Collection(
        f"table of columns: {source.name}", items, rule.classes, conflicting_ids=tuple(sorted(repeated)),
        bands=tuple(Band(name, name.replace("_", " ")) for name in names), nodata=None, facts=FACTS,
    )  # fmt: skip


def _label_column(table: Table, options: ReaderOptions) -> str | None:
    if options.label_column is not None:
        return table.column(options.label_column, (), "labels", "--label-column")
    found = [name for usual in (*LABEL_COLUMNS, *OTHER_LABEL_COLUMNS) for name in table.find(usual)]
    return found[0] if found else None


def _numbers(
    source: Path, table: Table, columns: Sequence[str], wanted: Sequence[str] | None
) -> tuple[list[str], np.ndarray]:
    """Names of the columns of numbers, those ``wanted`` if any are named, and their values (n, C) float32."""
    if unknown := [name for name in wanted or () if name not in columns]:
        raise FormatError(
            f"{source.name} has no column {some(unknown)} of numbers. Its columns: {some(list(columns), 20)}."
        )
    typed = {name: typed_column(table.cells(name)) for name in wanted or columns}
    names = [name for name, values in typed.items() if values.dtype.kind in "if"]
    if lost := [name for name in wanted or () if name not in names]:
        raise FormatError(
            f"The columns {some(lost)} of {source.name} hold text, not numbers. Leave them out of --bands."
        )
    if not names or len(names) > MOST_COLUMNS:
        raise FormatError(
            f"{source.name} has {len(names)} columns of numbers; a dataset of columns has 1 to {MOST_COLUMNS}. Name "
            "those to keep with --bands, or give a folder of pictures."
        )
    with to_single():
        return names, np.stack([typed[name].astype(np.float32) for name in names], axis=1)
