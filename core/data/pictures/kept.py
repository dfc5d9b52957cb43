"""``pictures.sqlite``: encoded pictures by key, bounded in size; what is lost is drawn again.

Several processes read and write at once. A picture comes back only as it was put in (its digest is kept beside it), a
damaged file is begun anew, and one that cannot be used (read-only, locked, a full disk, a link) is done without: a
picture that is not kept costs some milliseconds, and nothing else. When there are too many the oldest go.
"""

from __future__ import annotations

import hashlib
import shutil
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from core import access
from core.errors import DataError
from core.io.plain_file import check_plain, folder_in, is_there
from core.io.sqlite_damage import DAMAGED, is_damage

APPLICATION_ID = 0x4C4C5031  # "LLP1"
MOST_BYTES = 2**30  # of the file: about 150,000 pictures
MOST_PICTURE = 2**20  # bytes of one
LEAST_FREE = 2**30  # bytes that are left to others on the disk
LOCK_TIMEOUT_S = 0.25  # a page does not wait longer for a writer
PAGE_BYTES = 32768  # of the file: several pictures to a page of it
_SCHEMA = "CREATE TABLE pictures (number INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, digest BLOB, picture BLOB)"


T = TypeVar("T")


@dataclass(frozen=True)
class KeptPictures:
    """The pictures kept in ``folder/.thumbnails``.

    folder: trusted, as the checkpoints folder that the user named. wait_s: for another process that is writing.
    """

    folder: Path
    wait_s: float = LOCK_TIMEOUT_S

    @property
    def path(self) -> Path:
        """The file."""
        return self.folder / ".thumbnails" / "pictures.sqlite"

    def get(self, keys: Sequence[bytes]) -> dict[bytes, bytes]:
        """Those that are kept, by key."""

        def read(file: sqlite3.Connection) -> dict[bytes, bytes]:
            marks = ", ".join("?" * len(keys))
            rows = file.execute(
                f"SELECT key, digest, picture FROM pictures WHERE key IN ({marks}) AND typeof(picture) = 'blob' "
                "AND length(picture) <= ?",
                (*keys, MOST_PICTURE),
            )
            return {key: data for key, digest, data in rows if digest == _digest(key, data)}

        return self._use(read, {})

    def known(self, keys: Sequence[bytes]) -> set[bytes]:
        """The keys of those that are kept, without looking at the pictures."""

        def read(file: sqlite3.Connection) -> set[bytes]:
            marks = ", ".join("?" * len(keys))
            return {key for (key,) in file.execute(f"SELECT key FROM pictures WHERE key IN ({marks})", (*keys,))}

        return self._use(read, set())

    def put(self, pictures: Mapping[bytes, bytes]) -> bool:
        """Keep these. Whether they are: nothing is where there is no room, or somebody else is writing for long."""

        def write(file: sqlite3.Connection) -> bool:
            if shutil.disk_usage(self.path.parent).free <= LEAST_FREE:
                return False
            file.execute("BEGIN IMMEDIATE")
            file.executemany(
                "INSERT OR REPLACE INTO pictures (key, digest, picture) VALUES (?, ?, ?)",
                [(key, _digest(key, data), data) for key, data in pictures.items() if len(data) <= MOST_PICTURE],
            )
            _bound(file)
            file.execute("COMMIT")
            return True

        return not access.read_only() and self._use(write, False, make=True)

    def has_room(self) -> bool:
        """Whether more can be kept without giving up others."""
        try:
            return self.path.stat().st_size < 0.9 * MOST_BYTES
        except OSError:
            return True

    # ------------------------------------------------------------------------------------------------- the file

    def _use(self, work: Callable[[sqlite3.Connection], T], otherwise: T, make: bool = False) -> T:
        """What ``work`` gives, or ``otherwise`` where there is no file, or none that can be used."""
        connection = None
        try:
            connection = self._connect(make)
            return otherwise if connection is None else work(connection)
        except DAMAGED as error:
            if is_damage(error):  # otherwise it is locked, read-only or full
                self.path.unlink(missing_ok=True)
            return otherwise
        except (OSError, DataError):
            return otherwise
        finally:
            if connection is not None:
                connection.close()

    def _connect(self, make: bool) -> sqlite3.Connection | None:
        folder_in(self.folder, self.path.parent.name)
        for path in (self.path, self.path.with_name(f"{self.path.name}-journal")):
            if is_there(path):
                check_plain(path)
        if not is_there(self.path):
            if not make:
                return None
            self.path.parent.mkdir(exist_ok=True)
        connection = sqlite3.connect(self.path, timeout=self.wait_s, isolation_level=None)
        try:
            self._prepare(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute("PRAGMA synchronous = OFF")  # what a power cut damages is drawn again
        kind = connection.execute("PRAGMA application_id").fetchone()[0]
        found = [sql for (sql,) in connection.execute("SELECT sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'")]
        if found == [_SCHEMA] and kind == APPLICATION_ID:
            return
        if found or kind:
            raise sqlite3.DatabaseError("it holds something else than pictures")
        connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")
        connection.execute("BEGIN IMMEDIATE")
        if not connection.execute("SELECT 1 FROM sqlite_master").fetchone():  # another process may have made it
            connection.execute(_SCHEMA)
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute("COMMIT")


def _bound(file: sqlite3.Connection) -> None:
    """Let the oldest tenth go where the file is too large; its room is used again."""
    names = ("page_count", "freelist_count", "page_size")
    pages, free, size = (file.execute(f"PRAGMA {name}").fetchone()[0] for name in names)
    if (pages - free) * size > MOST_BYTES:
        first, last = file.execute("SELECT MIN(number), MAX(number) FROM pictures").fetchone()
        file.execute("DELETE FROM pictures WHERE number <= ?", (first + (last - first) // 10,))


def _digest(key: bytes, data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=8, key=key).digest()
