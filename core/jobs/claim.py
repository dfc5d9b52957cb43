"""Who works in a job's folder: one process at a time, written down in ``worker.json`` beside its status.

The queue's rows can be lost and ``status.json`` can be damaged; this is what keeps a second worker out all the same.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.errors import LandslideLensError
from core.jobs.processes import ProcessId, is_alive
from core.runs.plain_files import read_json, write_json

try:
    import fcntl
except ImportError:  # no such locks on this system: two workers that start within a millisecond are not told apart
    fcntl = None  # type: ignore[assignment]  # a module, or nothing

CLAIM = "worker.json"


def claim(folder: Path, process: ProcessId) -> bool:
    """Write down that ``process`` works in ``folder``; False, and nothing is written, while another one does."""
    with _locked(folder):
        found = working(folder)
        if found is not None and found != process:
            return False
        write_json(folder / CLAIM, {"pid": process.pid, "started": process.started})
        return True


def release(folder: Path) -> None:
    """The process that works in ``folder`` is about to write how it ended."""
    (folder / CLAIM).unlink(missing_ok=True)


def working(folder: Path) -> ProcessId | None:
    """The process that works in ``folder`` now, by what it wrote down; None where none does, or it has ended."""
    for name, of_pid, of_start in ((CLAIM, "pid", "started"), ("status.json", "pid", "pid_started")):
        try:
            said = read_json(folder / name)
            if said.get("state", "running") != "running":
                continue
            process = ProcessId(int(said[of_pid]), str(said[of_start]))
        except (LandslideLensError, AttributeError, KeyError, TypeError, ValueError, OSError):
            continue
        if is_alive(process):
            return process
    return None


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """One process at a time; a file system without such locks goes without."""
    if fcntl is None:
        yield
        return
    place = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(place, fcntl.LOCK_EX)
        except OSError:
            pass
        yield
    finally:
        os.close(place)
