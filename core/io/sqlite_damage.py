"""What SQLite raises for a damaged file, told from a file that cannot be used just now."""

from __future__ import annotations

import sqlite3

# The second where its message quotes bytes of the file that are no text.
DAMAGED = (sqlite3.DatabaseError, UnicodeDecodeError)


def error_name(error: Exception) -> str:
    """What SQLite calls it ("SQLITE_BUSY"); empty where Python raised it: a text in the file is none."""
    return getattr(error, "sqlite_errorname", None) or ""


def is_damage(error: BaseException) -> bool:
    """Whether the file is damaged, rather than locked, read-only or full."""
    if isinstance(error, sqlite3.OperationalError):
        return not error_name(error)
    return isinstance(error, DAMAGED)
