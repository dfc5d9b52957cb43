"""What a table says of patches beside their labels: places, splits, dates, and what may serve as groups.

Everything stays a column of the dataset as it is written, but for places and splits, which the dataset keeps itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from core.data.readers.base import Aside, some
from core.data.readers.pairs import SPLITS
from core.data.readers.tables.coordinates import place_columns, read_places
from core.data.readers.tables.dates import read_dates
from core.data.readers.tables.numbers import as_number, is_empty
from core.data.readers.tables.text import UNNAMED, key_of
from core.errors import Asks
from core.text import counted

DATE_COLUMNS = ("date", "eventdate", "acquired", "acquisitiondate", "acquisition", "datetime", "landslidedate")
GROUP_COLUMNS = (
    "group", "groups", "groupid", "scene", "sceneid", "sourceimage", "event", "eventid", "eventname", "site", "region",
    "area", "country", "inventory", "cluster", "rowblock", "subset",
)  # fmt: skip
SPLIT_COLUMNS = ("split", "subset", "partition", "set")


@dataclass(frozen=True)
class Facts:
    """Of each patch: lonlat in degrees or None, split or None. used: columns that these were made of."""

    lonlat: tuple[tuple[float, float] | None, ...]
    split: tuple[str | None, ...]
    used: frozenset[str]


def facts_of(
    name: str, columns: Sequence[str], rows: Sequence[Mapping[str, str]], aside: Aside, tell_groups: bool = True
) -> Facts:
    """Of the patches whose ``rows`` ({} where a patch has none) of the table ``name`` have these ``columns``.

    Warns of what could not be understood, and, unless groups are named already, of columns that may be groups.
    """
    lonlat, used = _places(name, columns, rows, aside)
    split, said = _split(columns, rows)
    used |= said
    for column in columns:
        cells = [row.get(column, "") for row in rows]
        if key_of(column) in DATE_COLUMNS:
            for note in read_dates(cells).notes:
                aside.warn(f"{name}, column '{column}': {note}")
        if column.startswith(UNNAMED) and _is_index(cells):
            used |= {column}
    if tell_groups:
        _tell_groups(name, [column for column in columns if column not in used], rows, aside)
    return Facts(lonlat, split, frozenset(used))


def _places(
    name: str, columns: Sequence[str], rows: Sequence[Mapping[str, str]], aside: Aside
) -> tuple[tuple[tuple[float, float] | None, ...], set[str]]:
    nothing = (None,) * len(rows)
    found = place_columns(columns) or place_columns(columns, x_and_y=True)
    if found is None:
        return nothing, set()
    lon, lat = ([row.get(column, "") for row in rows] for column in found)
    by_letter = place_columns(columns) is None
    if by_letter and not _are_degrees(lon, lat):
        return nothing, set()  # x and y of pixels or of a projection are what they are called
    places = read_places(lon, lat, found)
    where = f"{name}: "
    if places.projected:
        aside.warn(f"{where}{places.projected} Until then the patches have no place.")
        return nothing, set()
    known = np.isfinite(places.lonlat).all(axis=1)
    if not known.any() and all(is_empty(a) and is_empty(b) for a, b in zip(lon, lat, strict=True)):
        return nothing, set()
    for note in places.notes:
        aside.warn(where + note)
    if by_letter:
        aside.warn(f"{where}'{found[0]}' and '{found[1]}' were taken for longitude and latitude in degrees.")
    wrong = [reason for reason, row in zip(places.reasons, rows, strict=True) if reason and row]
    if wrong:
        aside.warn(f"{where}{counted(len(wrong), 'patch has', 'patches have')} no place; the first reason: {wrong[0]}")
    return tuple((float(a), float(b)) if ok else None for (a, b), ok in zip(places.lonlat, known, strict=True)), {
        *found
    }


def _are_degrees(lon: Sequence[str], lat: Sequence[str]) -> bool:
    """Whether columns x and y hold degrees: fractions in range, and more than the unit square."""
    told = [(as_number(a), as_number(b)) for a, b in zip(lon, lat, strict=True) if not is_empty(a) and not is_empty(b)]
    pairs = [(a, b) for a, b in told if a is not None and b is not None]
    if not pairs or len(pairs) < len(told) or any(abs(a) > 180 or abs(b) > 90 for a, b in pairs):
        return False
    has_fractions = sum(a != int(a) and b != int(b) for a, b in pairs) > len(pairs) / 2
    return has_fractions and any(not 0 <= value <= 1 for pair in pairs for value in pair)


def _split(columns: Sequence[str], rows: Sequence[Mapping[str, str]]) -> tuple[tuple[str | None, ...], set[str]]:
    for column in columns:
        cells = [row.get(column, "").lower() for row in rows]
        if key_of(column) in SPLIT_COLUMNS and any(cells) and all(cell in SPLITS or is_empty(cell) for cell in cells):
            return tuple(SPLITS.get(cell, "") for cell in cells), {column}
    return (None,) * len(rows), set()


def _is_index(cells: Sequence[str]) -> bool:
    """Whether cells are whole numbers, each once: a row's number in another table, as pandas writes it."""
    return all(cell.isdigit() for cell in cells if cell) and len(set(cells)) == len(cells)


def _tell_groups(name: str, columns: Sequence[str], rows: Sequence[Mapping[str, str]], aside: Aside) -> None:
    likely = []
    for column in columns:
        values = {value for row in rows if not is_empty(value := row.get(column, ""))}
        if key_of(column) in GROUP_COLUMNS + DATE_COLUMNS and 2 <= len(values) <= len(rows) / 2:
            likely.append(column)
    if likely:
        named = some([f"'{column}'" for column in likely])
        aside.warn(
            f"{name}: patches share values of {named}. --group-column NAME keeps such patches in one fold, or "
            "folds.group_by=NAME when training.",
            Asks("group_column", tuple(likely), likely[0]),
        )
