"""Inventories of landslides that happened, as points: NASA's COOLR and the USGS compilation, read from their CSVs.

An :class:`Inventory` has one row per event in our own words and units, and the rows that were set aside with line and
reason. ``core.data.inventories.join`` brings events and patches together.

Columns are recognised by name, whatever their case: NASA's Global Landslide Catalog export (``event_date``,
``landslide_size``, ``location_accuracy``, ...), the short names of the COOLR points (``ev_date``, ``ls_size``,
``loc_acc``), the USGS compilation (``Date``, ``Confidence``, ``Inventory``, ``Lat_N``, ``Lon_W``), EM-DAT, ITALICA, and
any other table that has coordinates in degrees or points as WKT. What cannot be understood for certain is left out and
told of: the order of day and month, columns that look swapped, metres of a projection.

Kirschbaum et al. (2010), Juang et al. (2019), Mirus et al. (2020).
"""

from __future__ import annotations

import codecs
import csv
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd

from core.data.inventories.columns import columns_of
from core.data.readers.base import shown
from core.data.readers.tables.coordinates import read_places
from core.data.readers.tables.dates import read_dates
from core.data.readers.tables.text import encoding_of, separator_of
from core.errors import FormatError

MAX_BYTES = 1 << 30
MAX_TEXT = 200  # characters kept of a cell
MAX_CELL = 1 << 20  # characters of a cell that are read at all
NO_VALUE = ("", "nan", "na", "n/a", "none", "null", "<null>", "unknown", "not known", "-9999", "-9999.0")
MONTH_FIRST = ("coolr", "usgs")  # agencies that write months before days
SIZES = ("small", "medium", "large", "very_large", "catastrophic")  # of NASA's catalogue, in their order
COLUMNS = (
    "event_id", "inventory", "longitude", "latitude", "date", "date_precision", "size", "elevation_m", "confidence",
    "accuracy_km", "category", "trigger", "fatalities", "title",
)  # fmt: skip
_POINT = re.compile(r"POINT\s*Z?\s*\(\s*([-+\d.eE]+)\s+([-+\d.eE]+)[^)]*\)", re.IGNORECASE)
_KILOMETRES = re.compile(r"([0-9]+(?:[.,][0-9]+)?)\s*(km|m)\b")


@dataclass(frozen=True, eq=False)
class Inventory:
    """What a CSV says of landslides.

    Attributes:
        name: of the file.
        kind: "coolr", "usgs" or "other".
        events: one row an event, columns ``COLUMNS``: longitude and latitude in degrees, date as ISO text ("" where
            unknown) with its precision ("day", "month", "year"), size in ``SIZES`` or as written, elevation_m in
            metres, confidence as the inventory's number, accuracy_km as the radius that the place is known to.
        aside: rows that cannot be used: line, reason.
        notes: sentences about what was understood in part.
    """

    name: str
    kind: str
    events: pd.DataFrame
    aside: pd.DataFrame
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.events)


def read_inventory(path: Path, name: str | None = None) -> Inventory:
    """The events of a CSV in UTF-8 (a BOM is fine), UTF-16 or Windows-1252; comma, semicolon, tab or bar.

    ``name``: what to call it where the file's own name says nothing (an upload). Raises FormatError for a file that
    cannot be read, has no coordinates or no usable row.
    """
    name = shown(name or path.name)
    encoding, notes = _encoding(path, name)
    lines = _rows(path, name, encoding)
    header = next(lines, (0, []))[1]
    columns = columns_of(header, name)
    aside: list[tuple[int, str]] = []
    rows: list[tuple[int, dict[str, str]]] = []
    for line, cells in lines:
        if len(cells) != len(header):
            aside.append((line, f"It has {len(cells)} cells; the header has {len(header)}."))
        else:
            rows.append((line, {field: cells[place].strip() for field, place in columns.items()}))
    kind = _kind(header)
    reasons, said = _place(rows, header, columns, name)
    notes += said
    notes += _date([cells for _, cells in rows], kind)
    kept: dict[str, list] = {column: [] for column in COLUMNS}
    seen: dict[tuple, int] = {}
    for (line, fields), reason in zip(rows, reasons, strict=True):
        event = _event(fields, name)
        reason = reason or _seen_before(event, seen, line)
        if reason:
            aside.append((line, reason))
            continue
        for column in COLUMNS:
            kept[column].append(event[column])
    aside.sort()
    if not kept["event_id"]:
        first = f" The first: line {aside[0][0]}, {aside[0][1]}" if aside else ""
        raise FormatError(f"{name} has no row with usable coordinates, {len(aside)} were set aside.{first}")
    numbers = ("longitude", "latitude", "elevation_m", "confidence", "accuracy_km", "fatalities")
    events = pd.DataFrame(kept).astype({column: np.float64 for column in numbers})
    table = pd.DataFrame(aside, columns=["line", "reason"])
    return Inventory(name, kind, events, table, tuple(notes))


# --------------------------------------------------------------------------------------------------- the file


def _encoding(path: Path, name: str) -> tuple[str, list[str]]:
    try:
        if not path.is_file() or path.stat().st_size > MAX_BYTES:
            raise FormatError(f"{name} is not a CSV file of at most {MAX_BYTES >> 20} MiB.")
        with path.open("rb") as file:
            start = file.read(4)
            if not start:
                raise FormatError(f"{name} is empty. It must have a header and one row an event.")
            if (wide := encoding_of(start + file.read(60))) != "utf-8-sig":
                return wide, []
            file.seek(0)
            decoder = codecs.getincrementaldecoder("utf-8-sig")()
            while chunk := file.read(1 << 20):
                if b"\0" in chunk:
                    raise FormatError(f"{name} holds NUL bytes, so it is not text. Give the CSV itself.")
                decoder.decode(chunk)
            decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return "cp1252", ["The file is not UTF-8; it was read as Windows-1252, so some letters may be wrong."]
    except OSError as error:
        raise FormatError(f"The inventory {name} cannot be opened ({error.strerror}). Check its path.") from error
    return "utf-8-sig", []


def _rows(path: Path, name: str, encoding: str) -> Iterator[tuple[int, list[str]]]:
    """(line where the row ends, cells), blank rows left out; a row that is no CSV ends the file with an error."""
    with path.open(encoding=encoding, errors="replace", newline="") as file:
        separator, above = separator_of(file.read(MAX_CELL).removeprefix("\ufeff"))
        file.seek(0)
        for _ in range(above):
            file.readline()
        reader = csv.reader(file, delimiter=separator)
        width = None
        try:
            for cells in reader:
                while len(cells) > (width or 1) and not cells[-1].strip():
                    cells.pop()
                if any(cell.strip() for cell in cells):
                    width = width or len(cells)
                    yield reader.line_num + above, cells
        except csv.Error as error:
            raise FormatError(f"{name} is not a CSV: {error} in line {reader.line_num + above}.") from error


def _kind(header: Sequence[str]) -> str:
    names = {cell.strip().lower() for cell in header}
    if names & {"landslide_size", "ls_size", "landslide_trigger", "ls_trig", "event_import_source"}:
        return "coolr"
    return "usgs" if "confidence" in names and names & {"inventory", "inventoryurl", "usgs_id"} else "other"


# -------------------------------------------------------------------------------------------------- the events


def _place(
    rows: Sequence[tuple[int, dict[str, str]]], header: Sequence[str], columns: dict[str, int], name: str
) -> tuple[tuple[str, ...], list[str]]:
    """Why each row has no place ("" where it has), and what is to be said; the places stand in the rows then.

    Raises FormatError where the columns hold metres of a projection.
    """
    cells = [row for _, row in rows]
    if "geometry" in columns:
        points = [_POINT.search(row["geometry"]) for row in cells]
        lon, lat = ([found[i] if found else "" for found in points] for i in (1, 2))
        names = (header[columns["geometry"]],) * 2
    else:
        lon, lat = ([row[axis] for row in cells] for axis in ("longitude", "latitude"))
        names = (header[columns["longitude"]].strip(), header[columns["latitude"]].strip())
    places = read_places(lon, lat, names)
    if places.projected:
        raise FormatError(f"{name}: {places.projected}")
    for row, (east, north) in zip(cells, places.lonlat.tolist(), strict=True):
        row["longitude"], row["latitude"] = east, north
    return places.reasons, list(places.notes)


def _date(rows: Sequence[dict], kind: str) -> list[str]:
    """What is to be said of the dates, which stand in the rows then, with their precision."""
    texts = ["" if (text := row.get("date", "")[:40]).lower() in NO_VALUE else text for row in rows]
    if not any(texts):
        texts = [_from_parts(row) for row in rows]
    found = read_dates(texts, month_first=True if kind in MONTH_FIRST else None)
    for row, (day, precision) in zip(rows, found.dates, strict=True):
        row["date"], row["date_precision"] = day, precision
    return list(found.notes)


def _from_parts(row: dict[str, str]) -> str:
    """A date whose year, month and day stand in columns of their own."""
    parts = [as_number(row.get(name, "")) for name in ("year", "month", "day")]
    if math.isnan(parts[0]):
        return ""
    known = parts[: next((i for i, part in enumerate(parts) if math.isnan(part) or part == 0), 3)]
    return "-".join(f"{int(part):04d}" if i == 0 else f"{int(part):02d}" for i, part in enumerate(known))


def _event(cells: dict, file: str) -> dict:
    def text(field: str) -> str:
        value = cells.get(field, "")[:MAX_TEXT]
        return "" if value.lower() in NO_VALUE else value

    return {
        "event_id": text("event_id"),
        "inventory": text("inventory") or file,
        "longitude": cells["longitude"],
        "latitude": cells["latitude"],
        "date": cells["date"],
        "date_precision": cells["date_precision"],
        "size": re.sub(r"[\s-]+", "_", text("size").lower()),
        "elevation_m": as_number(text("elevation_m")),
        "confidence": as_number(text("confidence")),
        "accuracy_km": accuracy_km(cells.get("accuracy", "")),
        "category": text("category").lower(),
        "trigger": text("trigger").lower(),
        "fatalities": as_number(text("fatalities")),
        "title": text("title"),
    }


def _seen_before(event: dict, seen: dict[tuple, int], line: int) -> str:
    """Why an event does not count; empty when it does. ``seen``: the line of every event before."""
    key = (event["event_id"], event["inventory"], event["longitude"], event["latitude"], event["date"])
    if event["event_id"] and key in seen:
        return f"The same event stands in line {seen[key]}."
    seen[key] = line
    return ""


def as_number(text: str) -> float:
    """The number of a cell, decimal comma allowed; nan where there is none."""
    try:
        value = float(text.strip().replace(",", "."))
    except ValueError:
        return math.nan
    return value if math.isfinite(value) else math.nan


@lru_cache(maxsize=4096)
def accuracy_km(text: str) -> float:
    """The radius of NASA's ``location_accuracy`` in kilometres: "exact" is 0, "5km" is 5, "unknown" is nan."""
    plain = text.strip().lower().replace("_", " ")
    if plain.startswith("exact") or plain == "known exactly":
        return 0.0
    if found := _KILOMETRES.search(plain):
        return as_number(found[1]) / (1 if found[2] == "km" else 1000)
    return as_number(plain)
