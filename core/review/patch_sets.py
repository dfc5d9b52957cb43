"""Patches that somebody has marked, kept beside the run, so that a link and a saved view hold them.

A set's name is the hash of its ids: the same patches have the same name, and a file that was changed is found out.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Collection, Iterable
from pathlib import Path

from core import access
from core.errors import LandslideLensError, RunError
from core.runs.job_folder import now
from core.runs.results import ResultFolder
from core.runs.store import RunFolder

MOST = 200  # sets of a run; the oldest give way
FILE = "report.json"
_NAME = re.compile(r"[0-9a-f]{16}")


def name_of(ids: Iterable[str]) -> str:
    """What a set of these patches is called: 16 hex digits."""
    return hashlib.sha256(json.dumps(sorted(set(ids))).encode()).hexdigest()[:16]


def keep(run: RunFolder, ids: Collection[str], spare: Collection[str] = ()) -> str:
    """Keep a set of patch ids beside the run; its name.

    Of more than ``MOST`` the oldest are removed, but for those named in ``spare``. Raises OSError where the run's
    folder cannot be written to, RunError where it leads elsewhere.
    """
    access.require("review")
    name, folder = name_of(ids), _folder(run)
    folder.part(name).write_json(FILE, {"made": now(), "ids": sorted(set(ids))})
    if len(there := folder.parts(FILE)) > MOST:
        old = [one for one in sorted(there, key=lambda one: _age(folder, one)) if one not in {name, *spare}]
        for one in old[: len(there) - MOST]:
            shutil.rmtree(folder.part(one).path, ignore_errors=True)
    return name


def read(run: RunFolder, name: str, known: Collection[str]) -> frozenset[str] | None:
    """The ids of a set, None where there is none of that name. known: the ids that it may hold.

    Raises RunError for a file that is damaged, was changed, or names other patches.
    """
    if not _NAME.fullmatch(name):
        return None
    part = _folder(run).part(name)
    if not part.has(FILE):
        return None
    kept = part.json(FILE)
    ids = kept.get("ids") if isinstance(kept, dict) else None
    if not isinstance(ids, list) or not all(isinstance(one, str) for one in ids) or name_of(ids) != name:
        raise RunError(f"The marked patches '{name}' of {run.name} were changed or are damaged. Mark them again.")
    if not set(ids) <= set(known):
        raise RunError(f"The marked patches '{name}' of {run.name} are not those of its dataset. Mark them again.")
    return frozenset(ids)


def file_of(run: RunFolder, name: str) -> Path:
    """The file that :func:`read` reads, there or not."""
    return _folder(run).part(name).path / FILE


def _folder(run: RunFolder) -> ResultFolder:
    return run.results("marked_patches")


def _age(folder: ResultFolder, name: str) -> str:
    """When it was made; one that cannot be read counts as the oldest."""
    try:
        return str(folder.part(name).json(FILE)["made"])
    except (LandslideLensError, KeyError, TypeError):
        return ""
