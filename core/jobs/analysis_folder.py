"""What was asked of a finished run, as a job: a folder in the run's, with its state, its events and its log.

Comes in: a run, the name of a study and its options. Goes out: ``studies/<study>-<digest>/`` in the run folder, the
same for the same question. What the study finds is kept in the run folder itself (``core.runs.study_files``); it knows
nothing of what studies do.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.errors import RunError
from core.io.safe_paths import inside, slug
from core.runs.job_folder import JobFolder, now
from core.runs.plain_files import plain, read_json
from core.runs.store import RunFolder, list_runs, open_run

ASKED = "study.json"


@dataclass(frozen=True)
class StudyFolder(JobFolder):
    """One study of one run on disk."""

    @property
    def run(self) -> RunFolder:
        """The run that is asked."""
        return RunFolder(self.path.parents[1])

    @property
    def checkpoints(self) -> Path:
        """The folder that the run lives in."""
        return self.path.parents[2]

    @property
    def name(self) -> str:
        """What commands call it: ``RUN/STUDY-DIGEST``."""
        return f"{self.run.name}/{self.path.name}"

    def asked(self) -> dict:
        """``study`` (its name in ``core.analyses.registry``) and ``options``."""
        return read_json(self.path / ASKED)


def study_of(run: RunFolder, study: str, options: Mapping[str, Any] | None = None) -> StudyFolder:
    """The folder that this question has; whether it was ever asked is not looked at."""
    digest = hashlib.sha256(json.dumps(_asked(study, options), sort_keys=True).encode()).hexdigest()[:8]
    return StudyFolder(run.path / "studies" / slug(f"{study}-{digest}"))


def create_study(run: RunFolder, study: str, options: Mapping[str, Any] | None = None) -> StudyFolder:
    """The folder of this question, state ``queued``; how an earlier answer to it ended is forgotten."""
    folder = study_of(run, study, options)
    folder.write_json(ASKED, _asked(study, options))
    folder.write_json("status.json", {"state": "queued", "created": now(), "progress": 0.0, "stage": "waiting"})
    return folder


def list_studies(run: RunFolder, study: str | None = None) -> list[StudyFolder]:
    """The studies of a run (of this name, where one is given), the one that was asked for last first.

    A folder that cannot be read is passed over.
    """
    found = []
    for path in (run.path / "studies").glob(f"*/{ASKED}"):
        one = StudyFolder(path.parent)
        try:
            asked, created = one.asked(), one.status().get("created", "")
        except RunError:
            continue
        if study is None or asked["study"] == study:
            found.append((created, one.path.name, one))
    return [one for *_, one in sorted(found, key=lambda row: row[:2], reverse=True)]


def folder_of(checkpoints: Path, name: str) -> RunFolder | StudyFolder:
    """The folder that a job of this name has; whether it is there is not looked at."""
    run, _, study = name.partition("/")
    path = Path(checkpoints) / run
    return StudyFolder(path / "studies" / study) if study else RunFolder(path)


def list_jobs(checkpoints: Path) -> list[RunFolder | StudyFolder]:
    """Every run, newest first, each followed by its studies."""
    return [one for run in list_runs(checkpoints) for one in (run, *list_studies(run))]


def open_job(checkpoints: Path, name: str) -> RunFolder | StudyFolder:
    """The run, or ``RUN/STUDY``, of that name.

    Raises RunError naming what there is, and UnsafeFileError for a name that leads out of the checkpoints folder.
    """
    run_name, _, study = str(name).partition("/")
    run = open_run(checkpoints, run_name)
    if not study:
        return run
    path = inside(run.path / "studies", study)
    if not (path / ASKED).is_file() or path.parent != (run.path / "studies").resolve():
        known = ", ".join(one.path.name for one in list_studies(run)[:5]) or "none yet"
        raise RunError(f"Run '{run.name}' has no study '{path.name}'. Newest studies: {known}.")
    return StudyFolder(run.path / "studies" / path.name)


def _asked(study: str, options: Mapping[str, Any] | None) -> dict:
    return plain({"study": study, "options": dict(options or {})})
