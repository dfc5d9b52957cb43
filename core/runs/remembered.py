"""What was read of a folder's small files, kept for this process until one of them changes.

For lists of thousands of runs, where opening every file each time would take seconds.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

MOST = 200_000  # entries of a few hundred bytes

_known: dict[tuple[str, str], tuple[tuple, Any]] = {}


def remembered(kind: str, folder: Path, names: Sequence[str], read: Callable[[], Any]) -> Any:
    """What ``read`` gave for this folder, read again when one of the files ``names`` is another one now.

    kind: what is read, a name. The value is shared, not to be changed. What ``read`` raises is not kept.
    """
    place = os.fspath(folder)
    version = tuple(_version(f"{place}/{name}") for name in names)
    found = _known.get((kind, place))
    if found is not None and found[0] == version:
        return found[1]
    value = read()
    if len(_known) >= MOST:
        _known.clear()
    _known[kind, place] = version, value
    return value


def _version(path: str) -> tuple[int, int, int] | None:
    try:
        facts = os.stat(path)
    except OSError:
        return None
    return facts.st_mtime_ns, facts.st_size, facts.st_ino
