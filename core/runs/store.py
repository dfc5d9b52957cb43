"""The run folder: what each file is called, how it is written and read back.

A folder explains itself: JSON for text, parquet for tables, safetensors for arrays, nothing pickled. ``core.runs`` is
the only code that knows file names under the checkpoints folder; what an analysis keeps in its own folder, it names.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd

from core.config import RunConfig
from core.data.store import open_dataset
from core.errors import DataError, RunError
from core.io.plain_file import is_there, strangers
from core.io.safe_paths import inside, slug
from core.runs.explanation_files import ExplanationFiles
from core.runs.fold_files import FoldFiles
from core.runs.job_folder import FINAL_STATES, STATES, JobFolder, now
from core.runs.plain_files import folder_in, read_text, write_table
from core.runs.results import FROM_DISK, Files, ResultFolder
from core.text import list_names, one_line

__all__ = [
    "DEFAULT_CHECKPOINTS",
    "FINAL_STATES",
    "STATES",
    "RunFolder",
    "begin_run",
    "create_run",
    "datasets_path",
    "list_runs",
    "now",
    "open_run",
    "specification",
    "strangers_in",
]

DEFAULT_CHECKPOINTS = Path(__file__).resolve().parents[2] / "checkpoints"


# ------------------------------------------------------------------------------------------------ one folder


@dataclass(frozen=True)
class RunFolder(JobFolder, FoldFiles, ExplanationFiles):
    """One run on disk. Reading methods raise RunError, in plain words, for what is not there yet."""

    path: Path
    files: Files = field(default=FROM_DISK, compare=False, repr=False)

    @property
    def name(self) -> str:
        """The folder's name, which is what commands and links call the run."""
        return self.path.name

    @property
    def checkpoints(self) -> Path:
        """The folder that it lives in."""
        return self.path.parent

    @property
    def jobs_path(self) -> Path:
        """Where the jobs that ask about it have their folders: beside its results, never among them."""
        return folder_in(self.path, "jobs")

    def results(self, analysis: str) -> ResultFolder:
        """What an analysis (``core.analyses``) has found out about it."""
        return ResultFolder(folder_in(self.path, "analyses", slug(analysis)), self.files)

    def config(self) -> RunConfig:
        """The complete specification."""
        return RunConfig.from_json(self._text("config.json"))

    def provenance(self) -> dict:
        """Code version, library versions, device, dataset (path, name, hash), seeds."""
        return self.files.json(self.path / "provenance.json")

    def summary(self) -> dict:
        """The run's numbers (see ``core.flow.scoring.summarise``)."""
        return self.files.json(self.path / "summary.json")

    def job(self) -> dict:
        """What was asked for beside the configuration: ``dataset`` (absolute path) and ``spec``.

        A run that an experiment has trained also names that: ``experiment`` and ``row``.
        """
        asked = self.files.json(self.path / "job.json")
        if "dataset" not in asked:
            raise RunError(f"{self.name}/job.json is damaged: it names no dataset. Restore it, or train again.")
        return asked

    def dataset_path(self) -> Path:
        """The dataset file it was trained on: where it lay then, or its copy in a checkpoints folder that was copied.

        Where both are there, a copy beside the run with the content that it was trained on comes before a file outside
        the checkpoints folder.
        """
        path, here = Path(self.job()["dataset"]), self.path.parent
        copies = [one for one in (datasets_path(here) / path.name, here / path.name) if os.path.isfile(one)]
        if not os.path.isfile(path):
            return copies[0] if copies else path
        if path in copies or path.resolve().is_relative_to(here.resolve()):
            return path
        return next((one for one in copies if self._was_trained_on(one)), path)

    def _was_trained_on(self, dataset: Path) -> bool:
        """Whether a dataset file has the content that the run recorded when it began."""
        try:
            return open_dataset(dataset).content_hash == self.provenance()["dataset"]["content_hash"]
        except (RunError, DataError, OSError, KeyError, TypeError):
            return False

    def folds(self) -> dict:
        """The ids of each fold."""
        return self.files.json(self.path / "folds.json")

    def _text(self, name: str) -> str:
        path = self.path / name
        if not is_there(path):
            raise RunError(f"'{self.name}' is not a run: it has no {name}.")
        return read_text(path)

    def require_finished(self) -> None:
        """Raises RunError unless the run has succeeded."""
        if (state := self.status()["state"]) != "succeeded":
            raise RunError(f"Run '{self.name}' has not finished ({state}). Resume it, or choose another.")

    def oof(self) -> pd.DataFrame:
        """Out-of-fold scores: id, label, fold, group, and score_, prob_, pred_ of each head."""
        return self.files.table(self.path / "oof.parquet")

    def write_oof(self, table: pd.DataFrame) -> None:
        """See :meth:`oof`."""
        write_table(self.path / "oof.parquet", table)

    def fold_of(self, patch_id: str) -> int:
        """The fold whose network has not seen this patch. Raises RunError for one that the run has not judged."""
        oof = self.oof()
        mine = oof.loc[oof["id"].astype(str) == patch_id, "fold"]
        if mine.empty or int(mine.iloc[0]) < 0:
            raise RunError(f"Run '{self.name}' has no score for a patch named '{patch_id}'. Choose one of its own.")
        return int(mine.iloc[0])

    def rules(self) -> dict:
        """By head: Platt scaling and thresholds by fold, and the deployed threshold."""
        return self.files.json(self.path / "rules.json")


# ---------------------------------------------------------------------------------------------- many folders


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
        return begin_run(path, config, dataset, spec)
    raise RunError(f"No free name for a run in {checkpoints.name}. Try again.")


def begin_run(path: Path, config: RunConfig, dataset: Path, spec: str) -> RunFolder:
    """The run in ``path`` (a folder that is made where there is none), its configuration written, queued."""
    path.mkdir(parents=True, exist_ok=True)
    run = RunFolder(path)
    run.write_text("config.json", config.to_json())
    run.write_json("job.json", {"dataset": str(Path(dataset).resolve()), "spec": spec})
    run.write_status(state="queued", created=now(), progress=0.0, stage="waiting")
    return run


def specification(dataset: Path, config: RunConfig) -> str:
    """Settings and data in one name: the same patches under another path are the same specification."""
    return f"{config.hash()}:{open_dataset(dataset).content_hash}"


def open_run(checkpoints: Path, name: str) -> RunFolder:
    """The run of that name.

    Raises RunError naming the newest runs when it is not there, and UnsafeFileError for a name that leads out of the
    checkpoints folder (names also come from URLs).
    """
    checkpoints = Path(checkpoints)
    path = inside(checkpoints, name)
    if not is_there(path / "config.json"):
        known = ", ".join(run.name for run in list_runs(checkpoints)[:5]) or "none yet"
        raise RunError(f"There is no run '{Path(name).name}' in {checkpoints.name}. Newest runs: {known}.")
    return RunFolder(path)


def list_runs(checkpoints: Path) -> list[RunFolder]:
    """Every run in the checkpoints folder, newest first."""
    return sorted(_run_folders(Path(checkpoints)), key=lambda run: run.name, reverse=True)


def strangers_in(checkpoints: Path) -> list[str]:
    """A sentence for each run, and the datasets folder, that holds links, pipes or devices, or is a link itself."""
    checkpoints, notes = Path(checkpoints), []
    for path in _entries(checkpoints):
        is_run = path.is_symlink() or is_there(path / "config.json")
        found = strangers(path) if is_run or path == datasets_path(checkpoints) else []
        if found:
            what = f"Run {path.name}" if is_run else "The folder of datasets"
            notes.append(one_line(f"{what}: {list_names(found)}. Only plain files are read; put the files themselves."))
    return sorted(notes)


def _entries(checkpoints: Path) -> list[Path]:
    try:
        return [path for path in checkpoints.iterdir() if path.is_dir()]
    except OSError:
        return []


def _run_folders(checkpoints: Path) -> Iterator[RunFolder]:
    if not checkpoints.is_dir():
        return
    with os.scandir(checkpoints) as entries:
        for entry in entries:  # of thousands: no object is made for what is no run
            if not entry.is_symlink() and entry.is_dir() and _has(entry.path, "config.json", "status.json"):
                yield RunFolder(checkpoints / entry.name)


def _has(folder: str, *names: str) -> bool:
    return all(os.path.lexists(f"{folder}/{name}") for name in names)
