"""Names and places on disk that come from outside: made safe before anything is opened.

Any text (a run's name, an upload's name, a path from a CSV) becomes a file name of allowed characters, or a path proved
to lie inside a root.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from pathlib import Path

from core.errors import UnsafeFileError

MAX_SLUG = 80  # characters; leaves room for suffixes within the 255 bytes that file systems allow
MAX_COMPONENT = 255  # bytes of one path component
_RESERVED = {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(10))}
_NOT_ALLOWED = re.compile(r"[^A-Za-z0-9._-]+")


def slug(name: str) -> str:
    """A file name of ASCII letters, digits, ``.``, ``_`` and ``-`` for any text; the same text gives the same name.

    Accents are dropped. Where letters of other alphabets were lost or the text was too long, a short hash keeps
    different names apart, so a look-alike never takes another's place. ``slug(slug(x)) == slug(x)``.
    """
    plain = "".join(c for c in unicodedata.normalize("NFKD", name) if not unicodedata.combining(c))
    kept = _NOT_ALLOWED.sub("-", plain)
    kept = re.sub(r"\.{2,}", ".", kept).strip("-. ")
    lost_letters = any(not c.isascii() and c.isalnum() for c in plain)
    if not kept or lost_letters or len(kept) > MAX_SLUG:
        digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:8]
        kept = f"{kept[: MAX_SLUG - 9].strip('-. ') or 'unnamed'}-{digest}"
    return f"_{kept}" if kept.split(".")[0].lower() in _RESERVED else kept


def inside(root: Path | str, path: Path | str) -> Path:
    """``path`` (relative to ``root``, or absolute) resolved, links followed, and proved to lie inside ``root``.

    Raises UnsafeFileError for a path that leaves the root, is a link that leads to itself, holds a NUL or has a
    component longer than 255 bytes. The path need not exist.
    """
    text = str(path)
    if "\0" in text or any(len(part.encode("utf-8", "surrogatepass")) > MAX_COMPONENT for part in Path(text).parts):
        raise UnsafeFileError(f"The path {_shown(text)} cannot be a file's name. Use a short name without NUL.")
    base = Path(root).resolve()
    try:
        resolved = (base / path).resolve()
    except (RuntimeError, OSError) as error:  # RuntimeError: a circle of links, before Python 3.13
        raise UnsafeFileError(f"The path {_shown(text)} is a link that leads nowhere. Put the file there.") from error
    if not resolved.is_relative_to(base):
        raise UnsafeFileError(f"The path {_shown(text)} leads out of {base}. Only files inside that folder are used.")
    return resolved


def _shown(text: str) -> str:
    return repr(text if len(text) <= 100 else text[:97] + "...")
