"""The part of a folder that every job has: its state, its events, its log.

``status.json`` is replaced whole, ``events.jsonl`` appended to, ``log.txt`` is what the worker prints.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, Literal

from core.errors import DataError, RunError
from core.io.atomic import write_text
from core.io.json_text import parse_json
from core.io.plain_file import is_plain, is_there, open_plain, strangers
from core.runs.plain_files import folder_in, read_json, to_json_value, write_json

STATES = ("queued", "running", "succeeded", "failed", "cancelled", "interrupted")
LOG_BYTES = 2 * 2**20  # of a log that are shown
FINAL_STATES = frozenset({"succeeded", "failed", "cancelled", "interrupted"})


def now() -> str:
    """This moment in UTC, ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


@dataclass(frozen=True)
class JobFolder:
    """A folder whose work goes on in a process of its own. Reading methods raise RunError for what is not there."""

    path: Path

    def status(self) -> dict:
        """State, stage, fold, epoch, progress, pid, heartbeat; ``{"state": "queued"}`` at the least."""
        return read_json(self.path / "status.json")

    def log(self) -> str:
        """What the worker printed, for people, the last 2 MiB of it; empty before it started."""
        path = self.path / "log.txt"
        if not is_there(path):
            return ""
        with self._opened("log.txt") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - LOG_BYTES))
            return file.read(LOG_BYTES).decode("utf-8", errors="replace")

    def events(self, offset: int = 0, limit: int = 1_000_000) -> tuple[list[dict], int]:
        """Events after byte ``offset`` (at most ``limit`` bytes of them) and the offset to go on from.

        A torn last line waits for its end; a line that is not JSON is passed over.
        """
        if not is_there(self.path / "events.jsonl"):
            return [], 0
        with self._opened("events.jsonl") as file:
            size = file.seek(0, os.SEEK_END)
            if offset > size:  # the file was replaced by a shorter one
                offset = 0
            file.seek(offset)
            block = file.read(limit)
        end = block.rfind(b"\n") + 1
        events = []
        for line in block[:end].splitlines():
            try:
                event = parse_json(line.decode("utf-8", errors="replace"))
            except DataError:
                continue
            if isinstance(event, dict):
                events.append(event)
        return events, offset + end

    def newest_events(self, most: int = 200, limit: int = 200_000) -> list[dict]:
        """The last events (at most ``most``, from at most ``limit`` bytes), however long the file has grown."""
        path = self.path / "events.jsonl"
        size = path.lstat().st_size if is_plain(path) else 0
        return self.events(max(0, size - limit), limit)[0][-most:]

    def write_text(self, name: str, text: str) -> None:
        """Write ``config.json`` or another text file of the folder, atomically."""
        write_text(self._own() / name, text)

    def write_json(self, name: str, value: Any) -> None:
        """Write ``provenance.json``, ``summary.json``, ``folds.json`` or another JSON file of it."""
        write_json(self._own() / name, value)

    def write_status(self, **fields: Any) -> None:
        """Merge ``fields`` into ``status.json``, atomically."""
        path = self.path / "status.json"
        current = read_json(path) if is_there(path) else {}
        write_json(self._own() / path.name, {**current, **fields, "updated": now()})

    def add_event(self, event: str, **fields: Any) -> None:
        """Append one line to ``events.jsonl``."""
        line = json.dumps(to_json_value({"time": now(), "event": event, **fields}), allow_nan=False)
        with self._opened("events.jsonl", "ab") as file:
            file.write(line.encode() + b"\n")

    def _own(self) -> Path:
        return folder_in(self.path.parent, self.path.name)

    def strangers(self) -> list[str]:
        """What in it is neither a plain file nor a folder, by path: "log.txt is a link". It is not opened."""
        return strangers(self.path)

    def _opened(self, name: str, mode: Literal["rb", "ab"] = "rb") -> BinaryIO:
        try:
            return open_plain(self._own() / name, mode)
        except DataError as error:
            raise RunError(str(error)) from error
