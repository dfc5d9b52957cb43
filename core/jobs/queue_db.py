"""``queue.sqlite``: a row for each job that waits or runs: its order, lane and process.

Waited for where it is locked, rebuilt where it is missing or damaged. The folders beside it are the truth; what the
rows mean is the business of ``core.jobs.rows``.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from core import access
from core.errors import JobError
from core.io.sqlite_damage import error_name, is_damage

SCHEMA_VERSION = 3
LOCK_TIMEOUT_S = 30.0
_SCHEMA = (
    """CREATE TABLE IF NOT EXISTS jobs (
    name TEXT PRIMARY KEY, spec TEXT NOT NULL, dataset TEXT NOT NULL, lane TEXT NOT NULL, state TEXT NOT NULL,
    pid INTEGER, started TEXT, queued REAL NOT NULL
)""",
    "CREATE UNIQUE INDEX IF NOT EXISTS one_active_spec ON jobs (spec) WHERE state IN ('queued', 'running')",
    "CREATE UNIQUE INDEX IF NOT EXISTS one_running_per_lane ON jobs (lane) WHERE state = 'running'",
    "CREATE TABLE IF NOT EXISTS notices (text TEXT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS durations (kind TEXT NOT NULL, work REAL NOT NULL, seconds REAL NOT NULL)",
)
_UNWRITABLE = ("SQLITE_READONLY", "SQLITE_FULL", "SQLITE_CANTOPEN", "SQLITE_IOERR", "SQLITE_PERM", "SQLITE_AUTH")

Row = tuple[str, str, str, str, str, int | None, str | None, float]  # in the order of the schema's columns
RowsAgain = Callable[[], Iterable[Row]]


class UnwritableQueueError(JobError):
    """The queue's file cannot be written: a read-only folder, a full disk."""


@contextmanager
def transaction(path: Path, rows_again: RowsAgain) -> Iterator[sqlite3.Connection]:
    """One exclusive transaction on the file, which is made where it is missing.

    rows_again: the rows of a fresh file, where there is none or this one is damaged; that one is kept beside it under
    another name, and a notice says so. Raises JobError when it stays locked or is of a newer version, and
    UnwritableQueueError when it cannot be written, or this process is to change nothing (``core.access``).
    """
    if access.read_only():
        raise UnwritableQueueError(f"Nothing is changed here: {access.READ_ONLY} is set for this program.")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(path, error.strerror or str(error)) from error
    connection = _ready(path, rows_again)
    try:
        yield connection
        connection.execute("COMMIT")
    except BaseException as error:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        if isinstance(error, sqlite3.OperationalError) and not is_damage(error):
            raise _told(path, error) from error
        if isinstance(error, sqlite3.DatabaseError) and not isinstance(error, sqlite3.IntegrityError):
            raise JobError(f"The queue {path.name} is damaged: {error}. Try again: it is rebuilt then.") from error
        raise
    finally:
        connection.close()


def take_notices(rows: sqlite3.Connection) -> list[str]:
    """What happened to the file, in sentences; each is given once."""
    found = [text for (text,) in rows.execute("SELECT text FROM notices ORDER BY rowid").fetchall()]
    if found:
        rows.execute("DELETE FROM notices")
    return found


def _ready(path: Path, rows_again: RowsAgain) -> sqlite3.Connection:
    """A connection in a transaction, on a file whose every page was looked at and found whole."""
    aside: Path | None = None
    while True:
        connection = None
        try:
            connection = sqlite3.connect(path, timeout=LOCK_TIMEOUT_S, isolation_level=None)
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            if version > SCHEMA_VERSION:
                raise JobError(
                    f"{path.name} was written by a newer Landslide Lens (version {version}, this one knows "
                    f"{SCHEMA_VERSION}). Update, or move the file away: it is rebuilt from the run folders."
                )
            if version < SCHEMA_VERSION:
                connection.execute("PRAGMA journal_mode = DELETE")  # needs no second file to be read, as WAL does
            connection.execute("BEGIN IMMEDIATE")
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            if version < SCHEMA_VERSION:
                what = f"was damaged and is kept as {aside.name}" if aside else "" if version else "was missing"
                _fill(connection, rows_again, what)
            _check(connection)
            return connection
        except BaseException as error:
            if connection is not None:
                connection.close()  # which also rolls back
            if isinstance(error, sqlite3.OperationalError) and not is_damage(error):
                raise _told(path, error) from error
            if not is_damage(error) or aside:
                raise
        aside = _set_aside(path)


def _check(connection: sqlite3.Connection) -> None:
    """Raises DatabaseError for a damaged file; it holds few rows, so that this takes a fraction of a millisecond."""
    said = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if said != "ok":
        raise sqlite3.DatabaseError(said)
    try:
        connection.execute("SELECT name, spec, dataset, lane, state, pid, started, queued FROM jobs").fetchall()
        connection.execute("SELECT text FROM notices").fetchall()
        connection.execute("SELECT kind, work, seconds FROM durations").fetchall()
    except sqlite3.OperationalError as error:
        if error_name(error).startswith(_UNWRITABLE):
            raise
        raise sqlite3.DatabaseError(str(error)) from error


def _fill(connection: sqlite3.Connection, rows_again: RowsAgain, what: str) -> None:
    """A file that was not there, or is of an older version, gets what the folders say.

    what: happened to it; empty for an older version, which is nothing to tell.
    """
    connection.execute("DROP TABLE IF EXISTS jobs")
    for statement in _SCHEMA:
        connection.execute(statement)
    rows = list(rows_again())
    for row in rows:
        connection.execute("INSERT OR IGNORE INTO jobs VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
    if what and (rows or "damaged" in what):
        text = f"The queue's file {what}. It was rebuilt from the folders; jobs that wait or run: {len(rows)}."
        connection.execute("INSERT INTO notices VALUES (?)", (text,))
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


def _set_aside(path: Path) -> Path:
    kept = path.with_name(f"{path.name}.corrupt-{time.time_ns()}")
    for suffix in ("-wal", "-shm", "-journal", ""):
        try:
            os.replace(path.with_name(path.name + suffix), kept.with_name(kept.name + suffix))
        except FileNotFoundError:
            continue
    return kept


def _told(path: Path, error: sqlite3.OperationalError) -> JobError:
    if error_name(error).startswith(_UNWRITABLE):
        return _unwritable(path, str(error))
    return JobError(
        f"The queue {path.name} cannot be used: {error}. Is another program holding the file? Try again in a moment."
    )


def _unwritable(path: Path, why: str) -> UnwritableQueueError:
    full = "full" in why or "No space" in why
    place = path.parent.resolve()
    if full:
        return UnwritableQueueError(f"The disk is full: nothing can be queued in {place}. Free some space there.")
    return UnwritableQueueError(
        f"The checkpoints folder {place} cannot be written ({why}), so nothing can be started, cancelled or resumed in "
        "it. What is there can be looked at; make the folder writable, or name another (--checkpoints)."
    )
