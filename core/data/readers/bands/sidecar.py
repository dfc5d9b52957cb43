"""Names of bands in a list beside files that have no room for them: ``bands.txt`` (a line each) or ``bands.json``."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from pathlib import Path, PurePosixPath

NAMES = ("bands", "band_names", "channels", "feature_channels")
MAX_LIST = 64 * 1024  # bytes


def listed_beside(path: Path, file: str) -> tuple[str, ...]:
    """The names listed in the folder of ``path``, or in one above it inside the source; () where there is no list.

    ``file``: the path below the source, which is never left. A list of another form counts as none.
    """
    folder = path.parent
    for _ in range(max(1, len(PurePosixPath(file).parts))):
        for name in NAMES:
            for ending in (".txt", ".json"):
                names = _read(folder / f"{name}{ending}")
                if names:
                    return names
        folder = folder.parent
    return ()


def _read(path: Path) -> tuple[str, ...]:
    if path.is_symlink() or not path.is_file() or path.stat().st_size > MAX_LIST:
        return ()
    return _parsed(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=64)
def _parsed(path: Path, changed: int) -> tuple[str, ...]:
    try:
        text = path.read_text("utf-8")
        if path.suffix == ".json":
            found = json.loads(text)
            found = found.get("bands") if isinstance(found, dict) else found
        else:
            found = [re.sub(r"^\s*\d+\s*[:.)\t ]\s*", "", line).strip() for line in text.splitlines() if line.strip()]
    except (OSError, ValueError):
        return ()
    if not isinstance(found, list) or not all(isinstance(name, str) and name.strip() for name in found):
        return ()
    return tuple(name.strip() for name in found)
