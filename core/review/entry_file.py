"""``judgements.sqlite``: entries in the order in which they came, added and never changed.

Several people add at once; a locked, read-only or damaged file is told of in plain words and left as it is. The file
keeps a rollback journal, not a write-ahead log: that needs memory which all writers share, and two reviewers may sit at
two machines with one disk; and a copy of the one file holds everything. What an entry means is the business of
``core.review.judgements``.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from core.errors import DataError, FormatError
from core.io.atomic import replacing
from core.io.plain_file import check_plain, is_there, open_plain
from core.io.sqlite_damage import DAMAGED, error_name, is_damage
from core.review.entry import Entry

APPLICATION_ID, SCHEMA_VERSION = 0x4C4C4A31, 1  # "LLJ1"
LOCK_TIMEOUT_S = 30.0
CHANGE_COUNTER = slice(24, 28)  # bytes of a SQLite file's header (sqlite.org/fileformat.html, 1.3.7)
_SCHEMA = (
    """CREATE TABLE entries (number INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL UNIQUE, at TEXT NOT NULL,
 by TEXT NOT NULL, kind TEXT NOT NULL, subject TEXT NOT NULL, verdict TEXT NOT NULL, note TEXT NOT NULL,
 tags TEXT NOT NULL, box TEXT, lonlat TEXT, undoes TEXT NOT NULL)""",
    "CREATE TRIGGER no_change BEFORE UPDATE ON entries BEGIN SELECT RAISE(ABORT, 'entries are never changed'); END",
    "CREATE TRIGGER no_removal BEFORE DELETE ON entries BEGIN SELECT RAISE(ABORT, 'entries are never removed'); END",
)
_COLUMNS = "key, at, by, kind, subject, verdict, note, tags, box, lonlat, undoes"
_UNWRITABLE = ("SQLITE_READONLY", "SQLITE_FULL", "SQLITE_CANTOPEN", "SQLITE_IOERR", "SQLITE_PERM", "SQLITE_AUTH")


@contextmanager
def adding(path: Path) -> Iterator[sqlite3.Connection]:
    """One exclusive transaction on the file, which is made where it is missing: kept whole, or not at all.

    Raises DataError when it is locked, cannot be written or is damaged, FormatError when it is another kind of file.
    """
    with _told(path):
        if not is_there(path):
            _make(path)
        _refuse_strangers(path)
        connection = _connect(path)
        try:
            connection.execute("BEGIN IMMEDIATE")
            _check(connection, path)
            yield connection
            connection.execute("COMMIT")
        finally:
            connection.close()  # which rolls back what was not kept


def entries(path: Path) -> list[Entry]:
    """All entries in the order in which they came; none where there is no file. Raises as :func:`adding`."""
    with _told(path):
        if not is_there(path):
            return []
        _refuse_strangers(path)
        connection = _connect(path)
        try:
            connection.execute("BEGIN")
            _check(connection, path)
            return rows_of(connection)
        finally:
            connection.close()


def changes_of(path: Path) -> tuple[int, int]:
    """SQLite's count of the file's changes, and its size; (0, 0) where there is no such file."""
    try:
        with open_plain(path) as file:
            head = file.read(CHANGE_COUNTER.stop)
            return int.from_bytes(head[CHANGE_COUNTER], "big"), file.seek(0, 2)
    except (OSError, DataError):
        return (0, 0)


def rows_of(connection: sqlite3.Connection, by: str | None = None) -> list[Entry]:
    """The entries that a transaction sees, of one person or all, in the order in which they came."""
    where, values = ("", ()) if by is None else ("WHERE by = ?", (by,))
    try:
        found = connection.execute(f"SELECT {_COLUMNS} FROM entries {where} ORDER BY number", values)
        return [_entry(row) for row in found]
    except (TypeError, ValueError) as error:
        raise sqlite3.DatabaseError(f"an entry cannot be read ({error})") from error


def last_moment(connection: sqlite3.Connection, by: str) -> str:
    """The latest time of this person's entries; "" before the first."""
    return connection.execute("SELECT MAX(at) FROM entries WHERE by = ?", (by,)).fetchone()[0] or ""


def insert(connection: sqlite3.Connection, new: Iterable[Entry]) -> None:
    """Add entries at the end."""
    connection.executemany(f"INSERT INTO entries ({_COLUMNS}) VALUES ({', '.join('?' * 11)})", map(_row, new))


def _row(entry: Entry) -> tuple:
    place = [None if part is None else json.dumps(part) for part in (entry.box, entry.lonlat)]
    tags = json.dumps(entry.tags, ensure_ascii=False)
    said = (entry.key, entry.at, entry.by, entry.kind, entry.subject, entry.verdict, entry.note)
    return (*said, tags, *place, entry.undoes)


def _entry(row: tuple) -> Entry:
    key, at, by, kind, subject, verdict, note, tags, box, lonlat, undoes = row
    place: list[Any] = [None if part is None else tuple(map(float, json.loads(part))) for part in (box, lonlat)]
    return Entry(key, at, by, kind, subject, verdict, note, tuple(json.loads(tags)), place[0], place[1], undoes)


def _make(path: Path) -> None:
    """A new file, which appears complete: an empty one of that name is always a damaged one."""
    if not path.parent.is_dir():
        raise DataError(f"The folder {path.parent} is not there, so no judgement can be kept in it. Check the path.")
    with replacing(path, over=False) as new:  # another reviewer may just have begun one
        connection = sqlite3.connect(new, isolation_level=None)
        try:
            connection.execute("BEGIN")
            for statement in _SCHEMA:
                connection.execute(statement)
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
            connection.execute("COMMIT")
        finally:
            connection.close()


def _connect(path: Path) -> sqlite3.Connection:
    """To read and write, so that what a killed writer left is put right; to read alone where writing is not allowed."""
    connection = sqlite3.connect(
        f"{path.resolve().as_uri()}?mode=rw", uri=True, timeout=LOCK_TIMEOUT_S, isolation_level=None
    )
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.execute("PRAGMA synchronous = EXTRA")  # what is kept survives a power cut
    return connection


def _refuse_strangers(path: Path) -> None:
    """Links, pipes and what is no file of ours, before SQLite opens it."""
    check_plain(path)
    if path.stat().st_size == 0:
        raise sqlite3.DatabaseError("it is empty")
    if is_there(journal := path.with_name(f"{path.name}-journal")):
        check_plain(journal)


def _check(connection: sqlite3.Connection, path: Path) -> None:
    """Raises FormatError for another kind of file, DatabaseError for a damaged one."""
    kind, version = (connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version"))
    if kind != APPLICATION_ID:
        raise FormatError(f"{path.name} holds no judgements. Move it away; then judging begins a new one.")
    if version > SCHEMA_VERSION:
        raise FormatError(
            f"{path.name} was written by a newer Landslide Lens (version {version}, this one knows {SCHEMA_VERSION}). "
            "Update to go on with it."
        )
    found = connection.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'")
    if sorted(sql for (sql,) in found) != sorted(_SCHEMA):
        raise sqlite3.DatabaseError("its tables are not those of judgements")
    if (said := connection.execute("PRAGMA quick_check(1)").fetchone()[0]) != "ok":
        raise sqlite3.DatabaseError(said)


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """What goes wrong with the file, in plain words."""
    try:
        yield
    except DAMAGED as error:
        raise DataError(_sentence(path, error)) from error
    except OSError as error:
        raise DataError(_unwritable(path, error.strerror or str(error))) from error


def _sentence(path: Path, error: sqlite3.DatabaseError | UnicodeDecodeError) -> str:
    if is_damage(error):
        return (
            f"{path.name} is damaged ({error}). Nothing in it was changed. Put back a copy of it, or move it away and "
            "import the last exported CSV."
        )
    name = error_name(error)
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return f"{path.name} is in use by somebody else just now. Nothing was kept. Try again in a moment."
    if "full" in str(error):
        return f"The disk is full: nothing was kept in {path.name}. Free some space there."
    if name.startswith(_UNWRITABLE):
        return _unwritable(path, str(error))
    return f"{path.name} cannot be used: {error}. Nothing was changed."


def _unwritable(path: Path, why: str) -> str:
    return (
        f"{path.name} cannot be opened or written in {path.parent} ({why}). Nothing was kept. "
        "Make the folder writable, or copy what is judged to one that is."
    )
