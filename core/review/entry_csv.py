"""A review as CSV: written so that a spreadsheet runs none of it, read back as it was, and a bad file refused whole."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

from core.errors import DataError, FormatError
from core.io.csv_injection import guarded, unguarded
from core.review.entry import UNDO, Entry, checked
from core.text import one_line

COLUMNS = (
    "key", "at", "by", "kind", "subject", "verdict", "note", "tags", "west", "south", "east", "north", "lon", "lat",
    "undoes",
)  # fmt: skip
NEEDED = ("subject", "verdict", "by")
BOX, LONLAT = ("west", "south", "east", "north"), ("lon", "lat")
MOST_TOLD = 3  # rows that are wrong, named in a message
MOST_CHARACTERS = 64 * 2**20


def to_csv(entries: Iterable[Entry]) -> str:
    """One row an entry, with the columns ``COLUMNS``; tags with semicolons between them."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")  # so that a lone \r in a name is quoted too
    writer.writerow(COLUMNS)
    for e in entries:
        box, lonlat = e.box or ("",) * 4, e.lonlat or ("",) * 2
        said = map(guarded, (e.key, e.at, e.by, e.kind, e.subject, e.verdict, e.note, "; ".join(e.tags)))
        writer.writerow([*said, *box, *lonlat, e.undoes])
    return out.getvalue()


def from_csv(text: str, name: str) -> list[tuple[int, Entry]]:
    """The line and the entry of each row.

    Rows with neither a verdict nor a key are not judged yet, and passed over. Rows without a key get one from what they
    say, and those without a time the present one; so a row is known again when it is imported twice. Raises
    FormatError naming the first rows that are wrong.
    """
    rows = [(line, row) for line, row in _rows(text, name) if row["verdict"].strip() or row.get("key", "").strip()]
    now = datetime.now(UTC).isoformat(timespec="microseconds")
    read, wrong = [], []
    for line, row in rows:
        try:
            read.append((line, _entry(row, now)))
        except DataError as error:
            wrong.append(f"Line {line}: {error}")
    if wrong:
        raise _refused(name, wrong)
    return read


def must_fit(read: Sequence[tuple[int, Entry]], there: Sequence[Entry], name: str) -> list[Entry]:
    """Those that are new beside the entries that are there.

    Raises FormatError for one that says something else than the entry of the same key, and for an undo of nothing.
    """
    known = {entry.key: entry for entry in there}
    new, wrong = [], []
    for line, entry in read:
        if (other := known.get(entry.key)) is None:
            known[entry.key] = entry
            new.append((line, entry))
        elif not _same(entry, other):
            wrong.append(f"Line {line}: an entry with this key is here already and says something else.")
    for line, entry in new:
        if entry.verdict == UNDO and not _undoes(entry, known.get(entry.undoes)):
            wrong.append(f"Line {line}: it takes back an entry of {entry.by} that is neither here nor in the file.")
    if wrong:
        raise _refused(name, wrong)
    return [entry for _, entry in new]


def _rows(text: str, name: str) -> list[tuple[int, dict[str, str]]]:
    if len(text) > MOST_CHARACTERS:
        raise FormatError(f"{name} is larger than {MOST_CHARACTERS // 2**20} MiB, which is the most for a review.")
    reader = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True)
    try:
        header = [cell.strip() for cell in next(reader, [])]
        if missing := [column for column in NEEDED if column not in header]:
            raise FormatError(
                f"{name} has no column {', '.join(missing)}. A review has the columns {', '.join(NEEDED)} and "
                f"may have {', '.join(column for column in COLUMNS if column not in NEEDED)}."
            )
        if len(set(header)) < len(header):
            raise FormatError(f"{name} has two columns of one name. Give each its own.")
        rows = []
        for cells in reader:
            if any(cell.strip() for cell in cells):
                if len(cells) != len(header):
                    raise _refused(name, [f"Line {reader.line_num}: {len(cells)} cells for {len(header)} columns."])
                rows.append((reader.line_num, dict(zip(header, cells, strict=True))))
        return rows
    except csv.Error as error:
        raise _refused(name, [f"Line {reader.line_num}: {error}."]) from error


def _entry(row: dict[str, str], now: str) -> Entry:
    said = {column: unguarded(row.get(column, "")) for column in COLUMNS}
    exact = ("subject", "verdict") if said["key"] else ()  # of a group, a verdict may end with a patch's name
    said |= {column: said[column].strip() for column in COLUMNS if column not in exact}
    canonical = "\x1f".join(said[column] for column in COLUMNS if column != "key")
    place = {key: values for key, names in (("box", BOX), ("lonlat", LONLAT)) if (values := _numbers(said, names))}
    return checked(
        key=said["key"] or hashlib.sha256(canonical.encode("utf-8", "replace")).hexdigest()[:32],
        at=said["at"] or now,
        by=said["by"],
        kind=said["kind"] or "patch",
        subject=said["subject"],
        verdict=said["verdict"],
        note=said["note"],
        tags=[tag.strip() for tag in said["tags"].split(";") if tag.strip()],
        place=place,
        undoes=said["undoes"],
    )


def _numbers(said: dict[str, str], names: Sequence[str]) -> list[str] | None:
    values = [said[name] for name in names]
    if not any(values):
        return None
    if not all(values):
        raise DataError(f"A place needs all of {', '.join(names)}.")
    return values


def _same(entry: Entry, other: Entry) -> bool:
    """Whether they say the same; the time of a row that came without one is when it was first read."""
    return {**entry.to_dict(), "at": ""} == {**other.to_dict(), "at": ""}


def _undoes(undo: Entry, target: Entry | None) -> bool:
    return target is not None and target.verdict != UNDO and target.by == undo.by


def _refused(name: str, wrong: Sequence[str]) -> FormatError:
    more = f" {len(wrong) - MOST_TOLD:,} more rows are wrong." if len(wrong) > MOST_TOLD else ""
    return FormatError(f"{name} was not imported. {' '.join(one_line(w, 300) for w in wrong[:MOST_TOLD])}{more}")


def sheet(rows: Iterable[Mapping[str, object]]) -> str:
    """A table to fill in by hand and import: subject, verdict, by and note, the last three empty, then the facts given.

    rows: ``subject`` and any further facts, the same ones in each.
    """
    rows = list(rows)
    facts = [name for name in (rows[0] if rows else ()) if name != "subject"]
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")  # so that a lone \r in a name is quoted too
    writer.writerow(["subject", "verdict", "by", "note", *facts])
    for row in rows:
        values = [row["subject"], "", "", "", *(row[name] for name in facts)]
        writer.writerow([guarded(value) if isinstance(value, str) else value for value in values])
    return out.getvalue()
