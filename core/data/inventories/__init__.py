"""Inventories of landslides that happened, as points: NASA's COOLR and the USGS compilation, read from their CSVs.

An :class:`Inventory` has one row per event in our own words and units, and the rows that were set aside with line and
reason. ``core.data.inventories.join`` brings events and patches together.

Columns are recognised by name, whatever their case: NASA's Global Landslide Catalog export (``event_date``,
``landslide_size``, ``location_accuracy``, ...), the short names of the COOLR points (``ev_date``, ``ls_size``,
``loc_acc``), the USGS compilation (``Date``, ``Confidence``, ``Inventory``, ``Lat_N``, ``Lon_W``), and any other table
that has coordinates in degrees. Kirschbaum et al. (2010), Juang et al. (2019), Mirus et al. (2020).
"""

from __future__ import annotations

import codecs
import csv
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd

from core.data.readers.base import shown, some
from core.errors import FormatError

MAX_BYTES = 1 << 30
MAX_TEXT = 200  # characters kept of a cell
MAX_CELL = 1 << 20  # characters of a cell that are read at all
SEPARATORS = ",;\t|"
NO_VALUE = ("", "nan", "na", "n/a", "none", "null", "<null>", "unknown", "not known", "-9999", "-9999.0")
FIELDS: dict[str, tuple[str, ...]] = {
    "latitude": ("latitude", "lat", "lat_n", "point_y", "y"),
    "longitude": ("longitude", "lon", "long", "lng", "lon_w", "long_w", "point_x", "x"),
    "event_id": ("event_id", "ev_id", "usgs_id", "objectid", "fid", "id"),
    "date": ("event_date", "ev_date", "date", "date_", "date_min", "ls_date"),
    "size": ("landslide_size", "ls_size", "size", "size_class"),
    "elevation_m": ("elevation_m", "elevation", "elev_m", "elev", "elevation_meters"),
    "accuracy": ("location_accuracy", "loc_acc", "loc_accuracy", "accuracy"),
    "confidence": ("confidence", "conf"),
    "category": ("landslide_category", "ls_cat", "ls_type", "landslide_type", "category"),
    "trigger": ("landslide_trigger", "ls_trig", "ls_trigger", "trigger"),
    "fatalities": ("fatality_count", "fatalities"),
    "title": ("event_title", "ev_title", "title"),
    "inventory": ("inventory", "event_import_source", "ev_imp_src", "source_name", "src_name"),
}
SIZES = ("small", "medium", "large", "very_large", "catastrophic")  # of NASA's catalogue, in their order
COLUMNS = (
    "event_id", "inventory", "longitude", "latitude", "date", "date_precision", "size", "elevation_m", "confidence",
    "accuracy_km", "category", "trigger", "fatalities", "title",
)  # fmt: skip
_DAY_FORMATS = (
    "%Y-%m-%d", "%m/%d/%Y", "%Y/%m/%d", "%m/%d/%y", "%d.%m.%Y", "%Y%m%d", "%b %d, %Y", "%B %d, %Y", "%d %b %Y",
    "%d-%b-%Y",
)  # fmt: skip
_MONTH_FORMATS = ("%Y-%m", "%m/%Y", "%B %Y", "%b %Y")
_TIME_OF_DAY = re.compile(r"[T ]\d{1,2}:\d{2}.*$")
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
    places = _places(header, name)
    kept: dict[str, list] = {column: [] for column in COLUMNS}
    aside: list[tuple[int, str]] = []
    seen: dict[tuple, int] = {}
    strange_dates = 0
    for line, cells in lines:
        if len(cells) != len(header):
            aside.append((line, f"It has {len(cells)} cells; the header has {len(header)}."))
            continue
        event = _event({field: cells[place].strip() for field, place in places.items()}, name)
        reason = _why_not(event, seen, line)
        if reason:
            aside.append((line, reason))
            continue
        strange_dates += event.pop("_strange_date")
        for column in COLUMNS:
            kept[column].append(event[column])
    if not kept["event_id"]:
        first = f" The first: line {aside[0][0]}, {aside[0][1]}" if aside else ""
        raise FormatError(f"{name} has no row with usable coordinates, {len(aside)} were set aside.{first}")
    if strange_dates:
        notes.append(f"{strange_dates} dates could not be read and were left empty; the events are used.")
    events = pd.DataFrame(kept).astype({column: np.float64 for column in ("elevation_m", "confidence", "accuracy_km")})
    table = pd.DataFrame(aside, columns=["line", "reason"])
    return Inventory(name, _kind(header), events, table, tuple(notes))


# --------------------------------------------------------------------------------------------------- the file


def _encoding(path: Path, name: str) -> tuple[str, list[str]]:
    try:
        if not path.is_file() or path.stat().st_size > MAX_BYTES:
            raise FormatError(f"{name} is not a CSV file of at most {MAX_BYTES >> 20} MiB.")
        with path.open("rb") as file:
            start = file.read(4)
            if not start:
                raise FormatError(f"{name} is empty. It must have a header and one row an event.")
            if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
                return "utf-16", []
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
        first = next((line for line in file if line.strip()), "")
        separator = max(SEPARATORS, key=first[:MAX_CELL].count)
        file.seek(0)
        reader = csv.reader(file, delimiter=separator)
        try:
            for cells in reader:
                while len(cells) > 1 and not cells[-1].strip() and reader.line_num == 1:
                    cells.pop()
                if any(cell.strip() for cell in cells):
                    yield reader.line_num, cells
        except csv.Error as error:
            raise FormatError(f"{name} is not a CSV: {error} in line {reader.line_num}.") from error


def _places(header: Sequence[str], name: str) -> dict[str, int]:
    """Index of the column of each field that is there. Raises FormatError without coordinates."""
    there = {cell.strip().lower(): place for place, cell in reversed(list(enumerate(header)))}
    places = {}
    for field, names in FIELDS.items():
        place = next((there[known] for known in names if known in there), None)
        if place is not None:
            places[field] = place
    if not {"latitude", "longitude"} <= set(places):
        columns = some([cell.strip() for cell in header], 12)
        raise FormatError(
            f"{name} has no columns of latitude and longitude in degrees, so its events have no place. "
            f"Its columns: {columns}. Accepted names: {', '.join(FIELDS['latitude'][:3])}; "
            f"{', '.join(FIELDS['longitude'][:3])}."
        )
    return places


def _kind(header: Sequence[str]) -> str:
    names = {cell.strip().lower() for cell in header}
    if names & {"landslide_size", "ls_size", "landslide_trigger", "ls_trig", "event_import_source"}:
        return "coolr"
    return "usgs" if "confidence" in names and names & {"inventory", "inventoryurl", "usgs_id"} else "other"


# -------------------------------------------------------------------------------------------------- the events


def _event(cells: dict[str, str], file: str) -> dict:
    def text(field: str) -> str:
        value = cells.get(field, "")[:MAX_TEXT]
        return "" if value.lower() in NO_VALUE else value

    day, precision = parse_date(cells.get("date", "")[:40])
    return {
        "event_id": text("event_id"),
        "inventory": text("inventory") or file,
        "longitude": as_number(cells.get("longitude", "")),
        "latitude": as_number(cells.get("latitude", "")),
        "date": day,
        "date_precision": precision,
        "size": re.sub(r"[\s-]+", "_", text("size").lower()),
        "elevation_m": as_number(text("elevation_m")),
        "confidence": as_number(text("confidence")),
        "accuracy_km": accuracy_km(cells.get("accuracy", "")),
        "category": text("category").lower(),
        "trigger": text("trigger").lower(),
        "fatalities": as_number(text("fatalities")),
        "title": text("title"),
        "_strange_date": bool(text("date")) and not day,
    }


def _why_not(event: dict, seen: dict[tuple, int], line: int) -> str:
    """Why an event cannot be used; empty when it can. ``seen``: the line of every event before."""
    longitude, latitude = event["longitude"], event["latitude"]
    if math.isnan(longitude) or math.isnan(latitude):
        return "It has no coordinates in degrees."
    if abs(latitude) > 90 or abs(longitude) > 180:
        return f"Latitude {latitude:g} and longitude {longitude:g} are no place in degrees."
    if longitude == 0 and latitude == 0:
        return "Its coordinates are 0, 0, which stands for an unknown place."
    key = (event["event_id"], event["inventory"], longitude, latitude, event["date"])
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
    plain = text.strip().lower()
    if plain.startswith("exact") or plain == "known exactly":
        return 0.0
    if found := _KILOMETRES.search(plain):
        return as_number(found[1]) / (1 if found[2] == "km" else 1000)
    return as_number(plain)


@lru_cache(maxsize=65536)
def parse_date(text: str) -> tuple[str, str]:
    """(ISO date, precision "day", "month" or "year") of what inventories write; ("", "") where it cannot be read.

    Month before day, as both agencies write. Times are dropped. A number beyond ten digits is milliseconds since 1970.
    """
    plain = text.strip()
    if re.fullmatch(r"-?\d{11,14}", plain):
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=int(plain))
        return moment.date().isoformat(), "day"
    if re.fullmatch(r"(1[5-9]|20)\d{2}(\.0)?", plain):
        return f"{plain[:4]}-01-01", "year"
    plain = _TIME_OF_DAY.sub("", plain)
    for formats, precision in ((_DAY_FORMATS, "day"), (_MONTH_FORMATS, "month")):
        for form in formats:
            try:
                found = datetime.strptime(plain, form).date()  # noqa: DTZ007
            except ValueError:
                continue
            return (found.isoformat(), precision) if found >= date(1500, 1, 1) else ("", "")
    return "", ""
