"""The rows of all runs, read once: a file beside the runs holds what was found of each, until one of its files changes.

The run folders are the truth: the file is a cache that may be deleted, damaged or older than this program. A folder
that is copied here from another machine is new to it and read when it is seen.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from core import access
from core.config import RunConfig
from core.errors import LandslideLensError
from core.io import atomic
from core.io.json_text import load_json
from core.io.plain_file import is_there
from core.runs.plain_files import to_json_value
from core.runs.registry.entry import FILES, Entry, read
from core.runs.store import RunFolder, list_runs

FILE = ".runs-index.json"
FORMAT = 1  # of the rows; settings are kept against the defaults, so that these belong to it too
MOST_BYTES = 30 * 2**20

Version = tuple[tuple[int, int, int], ...]
_held: dict[str, tuple[tuple[int, int, int] | None, dict[str, tuple[Version, Entry]]]] = {}


def entries(checkpoints: Path, runs: Iterable[RunFolder] | None = None) -> list[Entry]:
    """A row for each run, newest first. runs: which; none means every run of the folder."""
    checkpoints = Path(checkpoints)
    known = _known(checkpoints)
    found: dict[str, tuple[Version, Entry]] = {}
    fresh = 0
    for run in list_runs(checkpoints) if runs is None else runs:
        version = _version(os.fspath(run.path))
        kept = known.get(run.name)
        if kept is None or kept[0] != version:
            kept, fresh = (version, read(RunFolder(run.path))), fresh + 1
        found[run.name] = kept
    gone = runs is None and len(known) > len(found)
    if fresh or gone:
        _keep(checkpoints, found if runs is None else known | found)
    return [entry for _, entry in found.values()]


def _known(checkpoints: Path) -> dict[str, tuple[Version, Entry]]:
    """What was found before, by name of the run: of this process, or of the file where another has written it since."""
    stamp = _stamp(os.fspath(checkpoints / FILE))
    held = _held.get(os.fspath(checkpoints))
    if held is not None and held[0] == stamp:
        return held[1]
    found = _read(checkpoints / FILE)
    _held[os.fspath(checkpoints)] = stamp, found
    return found


def _read(path: Path) -> dict[str, tuple[Version, Entry]]:
    if not is_there(path):
        return {}
    try:
        value = load_json(path, MOST_BYTES)
        if value["format"] != _format():
            return {}
        return {
            row["name"]: (tuple(tuple(part) for part in version), Entry.from_dict(row))
            for version, row in value["runs"]
        }
    except (LandslideLensError, OSError, KeyError, TypeError, ValueError):
        return {}


@cache
def _format() -> str:
    return f"{FORMAT}-{RunConfig().hash()[:16]}"


def _keep(checkpoints: Path, found: dict[str, tuple[Version, Entry]]) -> None:
    """Held by this process in any case; written where the folder can be written to."""
    rows: list[Any] = [[version, entry.to_dict()] for version, entry in found.values()]
    path = checkpoints / FILE
    try:
        if not access.read_only():
            atomic.write_text(
                path, json.dumps({"format": _format(), "runs": to_json_value(rows)}, separators=(",", ":"))
            )
    except (LandslideLensError, OSError):
        pass
    _held[os.fspath(checkpoints)] = _stamp(os.fspath(path)), dict(found)


def _version(folder: str) -> Version:
    return tuple(_stamp(f"{folder}/{name}") or (0, 0, 0) for name in FILES)


def _stamp(path: str) -> tuple[int, int, int] | None:
    try:
        facts = os.stat(path)
    except OSError:
        return None
    return facts.st_mtime_ns, facts.st_size, facts.st_ino
