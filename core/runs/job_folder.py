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

from core.errors import DataError, LandslideLensError, RunError
from core.io.atomic import append_line, write_text
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
        """State, stage, fold, epoch, progress, pid, heartbeat; one of :data:`STATES` as ``state`` at the least."""
        found = read_json(self.path / "status.json")
        if not isinstance(found, dict) or found.get("state") not in STATES:
            raise RunError(
                f"{self.path.name}/status.json is damaged: it names no state ({', '.join(STATES)}). Resume it, which "
                "writes a new one, or delete its folder."
            )
        return found

    def known_status(self) -> dict:
        """As :meth:`status`; a job whose status cannot be read reads as failed, with the reason."""
        try:
            return self.status()
        except LandslideLensError as error:
            return {"state": "failed", "error": str(error), "message": str(error), "damaged": True}

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
        if not self.path.is_dir():
            raise RunError(f"The folder of {self.path.name} is gone. What it held went with it.")
        try:
            current = self.status()
        except RunError:  # there is none yet, or it is damaged: what is known now counts
            current = {}
        write_json(self._own() / "status.json", {**current, **fields, "updated": now()})

    def overwrite_status(self, **fields: Any) -> None:
        """As :meth:`write_status`, in the file that is there: what a full disk still has room for. Not atomic."""
        path = self.path / "status.json"
        if not is_plain(path):
            return
        text = json.dumps(to_json_value({**self.known_status(), **fields, "updated": now()}), allow_nan=False)
        with open_plain(self._own() / path.name, "r+b") as file:
            file.write(text.encode("utf-8"))
            file.truncate()

    def add_event(self, event: str, **fields: Any) -> None:
        """Append one line to ``events.jsonl``."""
        line = json.dumps(to_json_value({"time": now(), "event": event, **fields}), allow_nan=False)
        try:
            append_line(self._own() / "events.jsonl", line)
        except DataError as error:
            raise RunError(str(error)) from error

    def _own(self) -> Path:
        return folder_in(self.path.parent, self.path.name)

    def strangers(self) -> list[str]:
        """What in it is neither a plain file nor a folder, by path: "log.txt is a link". It is not opened."""
        return strangers(self.path)

    def _opened(self, name: str, mode: Literal["rb"] = "rb") -> BinaryIO:
        try:
            return open_plain(self._own() / name, mode)
        except DataError as error:
            raise RunError(str(error)) from error
