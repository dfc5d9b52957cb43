"""The run folder: what each file is called, how it is written and read back.

Comes in: configurations, tables (pandas), arrays (numpy) and plain dictionaries. Goes out: the same, from a folder
that explains itself: JSON for text, parquet for tables, safetensors for arrays. It knows nothing of what they mean,
and it is the only code that knows file names under the checkpoints folder. Nothing here is pickled.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from core.config import RunConfig
from core.errors import RunError
from core.files import write_text
from core.paths import inside, slug
from core.runs.fold_files import FoldFiles
from core.runs.plain_files import plain, read_json, read_table, write_json, write_table
from core.runs.study_files import StudyFiles

STATES = ("queued", "running", "succeeded", "failed", "cancelled", "interrupted")
FINAL_STATES = frozenset({"succeeded", "failed", "cancelled", "interrupted"})
DEFAULT_CHECKPOINTS = Path(__file__).resolve().parents[2] / "checkpoints"


# ------------------------------------------------------------------------------------------------ one folder


@dataclass(frozen=True)
class RunFolder(FoldFiles, StudyFiles):
    """One run on disk. Reading methods raise RunError, in plain words, for what is not there yet."""

    path: Path

    @property
    def name(self) -> str:
        """The folder's name, which is what commands and links call the run."""
        return self.path.name

    # Text ---------------------------------------------------------------------------------------------------

    def config(self) -> RunConfig:
        """The complete specification."""
        return RunConfig.from_json(self._text("config.json"))

    def provenance(self) -> dict:
        """Code version, library versions, device, dataset (path, name, hash), seeds."""
        return read_json(self.path / "provenance.json")

    def status(self) -> dict:
        """State, stage, fold, epoch, progress, pid, heartbeat; ``{"state": "queued"}`` at the least."""
        return read_json(self.path / "status.json")

    def summary(self) -> dict:
        """The run's numbers (see ``core.pipeline.summarise``)."""
        return read_json(self.path / "summary.json")

    def job(self) -> dict:
        """What was asked for beside the configuration: ``dataset`` (absolute path) and ``spec``."""
        return read_json(self.path / "job.json")

    def dataset_path(self) -> Path:
        """The dataset file it was asked for; in a checkpoints folder that was copied, the copy of it."""
        path = Path(self.job()["dataset"])
        copied = datasets_path(self.path.parent) / path.name
        return copied if copied.is_file() and not path.is_file() else path

    def folds(self) -> dict:
        """The ids of each fold."""
        return read_json(self.path / "folds.json")

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
        """Write ``config.json`` or another text file of the run, atomically."""
        write_text(self.path / name, text)

    def write_json(self, name: str, value: Any) -> None:
        """Write ``provenance.json``, ``summary.json``, ``folds.json`` or another JSON file of the run."""
        write_json(self.path / name, value)

    def write_status(self, **fields: Any) -> None:
        """Merge ``fields`` into ``status.json``, atomically."""
        path = self.path / "status.json"
        current = read_json(path) if path.is_file() else {}
        write_json(path, {**current, **fields, "updated": now()})

    def add_event(self, event: str, **fields: Any) -> None:
        """Append one line to ``events.jsonl``."""
        line = json.dumps(plain({"time": now(), "event": event, **fields}), allow_nan=False)
        with (self.path / "events.jsonl").open("a", encoding="utf-8") as file:
            file.write(line + "\n")

    def _text(self, name: str) -> str:
        path = self.path / name
        if not path.is_file():
            raise RunError(f"'{self.name}' is not a run: it has no {name}.")
        return path.read_text(encoding="utf-8")

    def oof(self) -> pd.DataFrame:
        """Out-of-fold scores: id, label, fold, group, and score_, prob_, pred_ of each head."""
        return read_table(self.path / "oof.parquet")

    def write_oof(self, table: pd.DataFrame) -> None:
        """See :meth:`oof`."""
        write_table(self.path / "oof.parquet", table)

    def rules(self) -> dict:
        """By head: Platt scaling and thresholds by fold, and the deployed threshold."""
        return read_json(self.path / "rules.json")


# ---------------------------------------------------------------------------------------------- many folders


def now() -> str:
    """This moment in UTC, ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def datasets_path(checkpoints: Path) -> Path:
    """The default home of dataset files."""
    return Path(checkpoints) / "datasets"


def create_run(checkpoints: Path, config: RunConfig, dataset: Path, spec: str) -> RunFolder:
    """A new folder ``<UTC start>_<backbone>_<short hash>`` with its configuration and state ``queued``.

    ``spec`` names settings and data together: equal specifications are one job while they wait or run.
    """
    checkpoints = Path(checkpoints)
    stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    for _ in range(100):
        name = slug(f"{stamp}_{config.model.backbone}_{config.hash()[:4]}{secrets.token_hex(2)}")
        path = checkpoints / name
        try:
            path.mkdir(parents=True)
        except FileExistsError:
            continue
        run = RunFolder(path)
        run.write_text("config.json", config.to_json())
        run.write_json("job.json", {"dataset": str(Path(dataset).resolve()), "spec": spec})
        run.write_status(state="queued", created=now(), progress=0.0, stage="waiting")
        return run
    raise RunError(f"No free name for a run in {checkpoints.name}. Try again.")


def open_run(checkpoints: Path, name: str) -> RunFolder:
    """The run of that name.

    Raises RunError naming the newest runs when it is not there, and UnsafeFileError for a name that leads out of the
    checkpoints folder (names also come from URLs).
    """
    checkpoints = Path(checkpoints)
    path = inside(checkpoints, name)
    if not (path / "config.json").is_file():
        known = ", ".join(run.name for run in list_runs(checkpoints)[:5]) or "none yet"
        raise RunError(f"There is no run '{Path(name).name}' in {checkpoints.name}. Newest runs: {known}.")
    return RunFolder(path)


def list_runs(checkpoints: Path) -> list[RunFolder]:
    """Every run in the checkpoints folder, newest first."""
    return sorted(_run_folders(Path(checkpoints)), key=lambda run: run.name, reverse=True)


def _run_folders(checkpoints: Path) -> Iterator[RunFolder]:
    if not checkpoints.is_dir():
        return
    for path in checkpoints.iterdir():
        if not path.is_symlink() and (path / "config.json").is_file() and (path / "status.json").is_file():
            yield RunFolder(path)
