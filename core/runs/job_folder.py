"""The part of a folder that every job has: its state, its events, its log.

``status.json`` is replaced whole, ``events.jsonl`` appended to, ``log.txt`` is what the worker prints.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from core.io.atomic import append_line, write_text
from core.runs.plain_files import read_json, to_json_value, write_json

STATES = ("queued", "running", "succeeded", "failed", "cancelled", "interrupted")
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
        """What the worker printed, for people; empty before it started."""
        path = self.path / "log.txt"
        return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""

    def events(self, offset: int = 0, limit: int = 1_000_000) -> tuple[list[dict], int]:
        """Events after byte ``offset`` (at most ``limit`` bytes of them) and the offset to go on from.

        A torn last line waits for its end; a line that is not JSON is passed over.
        """
        path = self.path / "events.jsonl"
        if not path.is_file():
            return [], 0
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            if offset > size:  # the file was replaced by a shorter one
                offset = 0
            file.seek(offset)
            block = file.read(limit)
        end = block.rfind(b"\n") + 1
        events = []
        for line in block[:end].splitlines():
            try:
                event = json.loads(line.decode("utf-8", errors="replace"))
            except ValueError:
                continue
            if isinstance(event, dict):
                events.append(event)
        return events, offset + end

    def newest_events(self, most: int = 200, limit: int = 200_000) -> list[dict]:
        """The last events (at most ``most``, from at most ``limit`` bytes), however long the file has grown."""
        path = self.path / "events.jsonl"
        size = path.stat().st_size if path.is_file() else 0
        return self.events(max(0, size - limit), limit)[0][-most:]

    def write_text(self, name: str, text: str) -> None:
        """Write ``config.json`` or another text file of the folder, atomically."""
        write_text(self.path / name, text)

    def write_json(self, name: str, value: Any) -> None:
        """Write ``provenance.json``, ``summary.json``, ``folds.json`` or another JSON file of it."""
        write_json(self.path / name, value)

    def write_status(self, **fields: Any) -> None:
        """Merge ``fields`` into ``status.json``, atomically."""
        path = self.path / "status.json"
        current = read_json(path) if path.is_file() else {}
        write_json(path, {**current, **fields, "updated": now()})

    def add_event(self, event: str, **fields: Any) -> None:
        """Append one line to ``events.jsonl``."""
        line = json.dumps(to_json_value({"time": now(), "event": event, **fields}), allow_nan=False)
        append_line(self.path / "events.jsonl", line)
