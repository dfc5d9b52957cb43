"""``queue.sqlite``: one row a job, its order, lane and process; waited for where it is locked, rebuilt where corrupt.

The folders beside it are the truth; what the rows mean is ``core.jobs.queue``'s business.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from core.errors import JobError

SCHEMA_VERSION = 1
LOCK_TIMEOUT_S = 30.0
_SCHEMA = """
CREATE TABLE IF NOT EXISTS jobs (
    name TEXT PRIMARY KEY, spec TEXT NOT NULL, dataset TEXT NOT NULL, lane TEXT NOT NULL, state TEXT NOT NULL,
    pid INTEGER, started REAL, queued REAL NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS one_active_spec ON jobs (spec) WHERE state IN ('queued', 'running');
CREATE UNIQUE INDEX IF NOT EXISTS one_running_per_lane ON jobs (lane) WHERE state = 'running';
"""

Row = tuple[str, str, str, str, str, int, float, float]  # in the order of the schema's columns


@contextmanager
def transaction(path: Path, rows_again: Callable[[], Iterable[Row]]) -> Iterator[sqlite3.Connection]:
    """One exclusive transaction on the file, which is made where it is missing.

    rows_again: the rows of a fresh file when this one is corrupt; that one is kept beside it under another name.
    Raises JobError when it stays locked, cannot be written, or is of a newer version.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        connection = _connect(path)
    except sqlite3.OperationalError as error:
        raise JobError(
            f"The queue {path.name} cannot be used: {error}. Is the checkpoints folder writable, and no other "
            "program holding the file? Try again in a moment."
        ) from error
    except sqlite3.DatabaseError:
        connection = _rebuild(path, rows_again)
    try:
        connection.execute("BEGIN IMMEDIATE")
        yield connection
        connection.execute("COMMIT")
    except BaseException as error:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        if isinstance(error, sqlite3.OperationalError):
            raise JobError(f"The queue {path.name} cannot be used: {error}. Try again in a moment.") from error
        raise
    finally:
        connection.close()


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=LOCK_TIMEOUT_S, isolation_level=None)
    try:
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version > SCHEMA_VERSION:
            raise JobError(
                f"{path.name} was written by a newer Landslide Lens (version {version}, this one knows "
                f"{SCHEMA_VERSION}). Update, or move the file away: it is rebuilt from the run folders."
            )
        if version < SCHEMA_VERSION:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.executescript(_SCHEMA)
            connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        return connection
    except BaseException:
        connection.close()
        raise


def _rebuild(path: Path, rows_again: Callable[[], Iterable[Row]]) -> sqlite3.Connection:
    for suffix in ("", "-wal", "-shm"):
        broken = path.with_name(path.name + suffix)
        if broken.exists():
            broken.replace(path.with_name(f"{path.name}.corrupt-{time.time_ns()}{suffix}"))
    connection = _connect(path)
    for row in rows_again():
        connection.execute("INSERT OR IGNORE INTO jobs VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
    return connection
