"""Imports of patch folders, which go on while pages are reloaded: one thread each, looked at from any tab.

Comes in: a format, a folder on this machine, options. Goes out: an :class:`Import` whose fields say how far it is and
what it found. The thread calls ``core`` and no Streamlit; the registry lives in Streamlit's resource cache because
module variables do not outlive a hot reload.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import streamlit as st

from core.errors import DataError, LandslideLensError

FORMAT_WORDS = {
    "zindi": "Zindi: Train.csv and one .npy (64, 64, 12) a patch",
    "folders": "Folders of images or .npy, a folder a class or a labels CSV",
}


@dataclass
class Import:
    """One import. ``report`` when it is done, ``error`` (a sentence for people) when it could not be."""

    source: Path
    out: Path
    done: int = 0
    total: int = 0
    report: Any = None
    error: str = ""
    thread: threading.Thread | None = field(default=None, repr=False)

    @property
    def running(self) -> bool:
        """Whether it is still under way."""
        return self.thread is not None and self.thread.is_alive()

    @property
    def share(self) -> float:
        """0 to 1 of the files."""
        return min(self.done / self.total, 1.0) if self.total else 0.0


@st.cache_resource(show_spinner=False)
def registry(checkpoints: str) -> dict[str, Import]:
    """The newest import of this checkpoints folder, under "newest"; shared by all tabs."""
    return {}


def start(checkpoints: Path, format_name: str, source: Path, out: Path, options: dict) -> Import:
    """Begin an import. Raises DataError when one is under way or the folder is not there."""
    known = registry(str(checkpoints))
    if "newest" in known and known["newest"].running:
        raise DataError(f"An import into {known['newest'].out.name} is under way. Wait until it has ended.")
    if not source.exists():
        raise DataError(f"There is no folder {source} on this machine. Write the full path of the folder.")
    task = Import(source, out)
    task.thread = threading.Thread(target=_work, args=(task, format_name, options), daemon=True)
    known["newest"] = task
    task.thread.start()
    return task


def newest(checkpoints: Path) -> Import | None:
    """The newest import, running or done; None where there was none since the server began."""
    return registry(str(checkpoints)).get("newest")


def forget(checkpoints: Path) -> None:
    """Clear away an import that has ended."""
    task = newest(checkpoints)
    if task is not None and not task.running:
        registry(str(checkpoints)).pop("newest", None)


def _work(task: Import, format_name: str, options: dict) -> None:
    from core.data.readers import ReaderOptions, ingest

    try:
        steps = ingest(format_name, task.source, task.out, ReaderOptions(**options))
        while True:
            progress = next(steps)
            task.done, task.total = progress.done, progress.total
    except StopIteration as end:
        task.report = end.value
    except LandslideLensError as error:
        task.error = str(error)
    except OSError as error:
        task.error = f"{error.filename or task.source} cannot be read: {error.strerror or error}."
    except Exception as error:  # a thread has nobody to show a traceback to
        task.error = f"A fault in the program stopped the import ({type(error).__name__}: {error})."
