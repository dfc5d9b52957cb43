"""What can be asked about beside a run: a dataset file, or a checkpoints folder as a whole.

Each has the three things that an analysis needs of its target: a name, a place for results, a place for its jobs.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

from core.io.safe_paths import slug
from core.runs.plain_files import folder_in
from core.runs.results import FROM_DISK, Files, ResultFolder
from core.runs.store import RunFolder


@dataclass(frozen=True)
class DatasetTarget:
    """A dataset file, wherever it lies; what is found out about it stays in the checkpoints folder."""

    path: Path
    checkpoints: Path
    files: Files = field(default=FROM_DISK, compare=False, repr=False)

    @property
    def name(self) -> str:
        """The file's name without its ending."""
        return self.path.stem

    @property
    def jobs_path(self) -> Path:
        """Where the jobs that ask about it have their folders."""
        return _of_datasets(self.checkpoints, ".jobs")

    @property
    def place(self) -> str:
        """Where the file lies; relative to the checkpoints folder if inside, so that a copy of that stays true."""
        path, root = self.path.resolve(), self.checkpoints.resolve()
        return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)

    def results(self, analysis: str) -> ResultFolder:
        """What an analysis has found out about it."""
        place = hashlib.sha256(self.place.encode()).hexdigest()[:8]
        folder = _of_datasets(self.checkpoints, ".analyses", slug(f"{self.name}-{place}"), slug(analysis))
        return ResultFolder(folder, self.files)


@dataclass(frozen=True)
class CheckpointsTarget:
    """A checkpoints folder: the target of what needs neither a run nor a dataset file that is there already."""

    checkpoints: Path
    files: Files = field(default=FROM_DISK, compare=False, repr=False)

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.checkpoints.name

    @property
    def path(self) -> Path:
        """The folder."""
        return self.checkpoints

    @property
    def jobs_path(self) -> Path:
        """Where its jobs have their folders."""
        return _of_datasets(self.checkpoints, ".jobs")

    def results(self, analysis: str) -> ResultFolder:
        """What an analysis keeps there."""
        return ResultFolder(_of_datasets(self.checkpoints, ".analyses", slug(analysis)), self.files)


def _of_datasets(checkpoints: Path, *parts: str) -> Path:
    return folder_in(Path(checkpoints), "datasets", *parts)


Target = RunFolder | DatasetTarget | CheckpointsTarget
