"""Which row of a table speaks of which file, and which rows contradict each other.

A file has one row at most. No file is opened: a path in a table can only ever name one of the files that were found.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from core.data.readers.base import Aside, some
from core.data.readers.tables import Table
from core.errors import LabelError


class FileIndex:
    """Finds a file by a path, a name or a stem, as tables write them."""

    def __init__(self, root: Path, files: Sequence[Path]):
        self._root = root
        self._by_path = {os.path.abspath(path): path for path in files}
        self._by_name: dict[str, list[Path]] = defaultdict(list)
        for path in files:
            for name in {path.name, path.stem}:
                self._by_name[name].append(path)

    def find(self, text: str, table_folder: Path | None = None) -> list[Path]:
        """The files that ``text`` may mean: one by its path, otherwise all of that name or stem."""
        text = text.replace("\\", "/")
        for base in (self._root, table_folder):
            path = self._resolve(base, text)
            if path is not None:
                return [path]
        name = PurePosixPath(text).name
        return self._by_name.get(name) or self._by_name.get(PurePosixPath(text).stem) or []

    def _resolve(self, base: Path | None, text: str) -> Path | None:
        # Names only: a path that leads out of the folder is simply none of its files.
        return self._by_path.get(os.path.abspath(os.path.join(base, text))) if base is not None and text else None


@dataclass(frozen=True)
class Matched:
    """row_of: the row for each file. conflicting: names of files whose rows have different labels.

    mentioned: files that a row names, also where the row was set aside.
    """

    row_of: dict[Path, dict[str, str]]
    conflicting: tuple[str, ...] = ()
    mentioned: frozenset[Path] = frozenset()


def match_rows(
    table: Table,
    id_column: str,
    find: Callable[[str], list[Path]],
    label_of: Callable[[dict[str, str]], Hashable],
    aside: Aside,
) -> Matched:
    """One row a file. Rows without a file, with an unknown label, or that contradict each other are set aside.

    Equal rows for one file are told of once; when their labels differ the file is left out altogether.
    """
    rows: dict[Path, list[tuple[dict[str, str], Hashable]]] = defaultdict(list)
    mentioned = set()
    for row, line in zip(table.rows, table.lines, strict=True):
        name, where = row[id_column], f"{table.path.name}, line {line}"
        files = find(name) if name else []
        if len(files) != 1:
            reason = f"means several files: {some([f.name for f in files])}." if files else "has no file in the source."
            aside.reject(where, f"'{name[:200]}' {reason}")
            continue
        mentioned.add(files[0])
        try:
            label = label_of(row)
        except LabelError as error:
            aside.reject(f"{where}, {name[:200]}", error)
        else:
            rows[files[0]].append((row, label))
    row_of, conflicting = _one_each(rows, id_column, table, aside)
    return Matched(row_of, conflicting, frozenset(mentioned))


def _one_each(
    rows: dict[Path, list[tuple[dict[str, str], Hashable]]], id_column: str, table: Table, aside: Aside
) -> tuple[dict[Path, dict[str, str]], tuple[str, ...]]:
    repeated, conflicting = [], []
    row_of = {}
    for path, found in rows.items():
        name = found[0][0][id_column]
        if len({label for _, label in found}) > 1:
            conflicting.append(path.stem)
            aside.reject(name, f"{table.path.name} lists it with different labels. Correct the table.")
            continue
        if len(found) > 1:
            repeated.append(name)
        row_of[path] = found[0][0]
    if repeated:
        aside.warn(f"{table.path.name} lists {len(repeated)} ids more than once with one label: {some(repeated)}.")
    return row_of, tuple(conflicting)
