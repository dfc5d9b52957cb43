"""A job that asks about a run, a dataset file or a checkpoints folder: its own small folder beside what it asks about.

It holds what was asked (``job.json``), status, events, log and the plain values that the analysis returned
(``result.json``). What an analysis finds out lies elsewhere (``target.results``), so that writing progress never makes
a result look changed. The same question has the same folder.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.errors import RunError
from core.io.atomic import remove
from core.io.plain_file import folders, is_plain
from core.io.safe_paths import inside, slug
from core.runs.job_folder import JobFolder, now
from core.runs.plain_files import read_json, to_json_value
from core.runs.store import RunFolder, datasets_path, list_runs, open_run
from core.runs.targets import CheckpointsTarget, DatasetTarget, Target

JOB, RESULT = "job.json", "result.json"
DATASETS = "datasets"  # stands where a run's name does in the name of a job about a dataset file


@dataclass(frozen=True)
class AnalysisFolder(JobFolder):
    """One analysis of one target on disk: ``RUN/jobs/NAME-DIGEST`` or ``datasets/.jobs/NAME-DIGEST``."""

    checkpoints: Path

    @property
    def name(self) -> str:
        """What commands call it: ``RUN/NAME-DIGEST``, or ``datasets/NAME-DIGEST``."""
        owner = self.path.parents[1]
        return f"{DATASETS if owner == datasets_path(self.checkpoints) else owner.name}/{self.path.name}"

    def job(self) -> dict:
        """What was asked: ``analysis`` (its name), ``target`` (kind, path) and ``options``."""
        asked = read_json(self.path / JOB)
        if "analysis" not in asked:
            raise RunError(f"{self.path.name}/{JOB} is damaged: it names no analysis. Ask again.")
        return asked

    def analysis(self) -> str:
        """The name of the analysis."""
        return str(self.job()["analysis"])

    def options(self) -> dict:
        """The options it was asked with."""
        return dict(self.job()["options"])

    def target(self) -> Target:
        """What is asked about."""
        asked = self.job()["target"]
        if asked["kind"] == "run":
            return RunFolder(self.path.parents[1])
        if asked["kind"] == "dataset":
            return DatasetTarget(self.checkpoints / asked["path"], self.checkpoints)
        return CheckpointsTarget(self.checkpoints)

    def dataset_path(self) -> Path | None:
        """The dataset file it has to do with, where it has one."""
        target = self.target()
        if isinstance(target, RunFolder):
            return target.dataset_path()
        if isinstance(target, DatasetTarget):
            return target.path
        given = self.options().get("dataset")
        return Path(given) if given else None

    def result(self) -> dict:
        """The plain values that the analysis returned. Raises RunError before it has succeeded."""
        return read_json(self.path / RESULT)


def folder_for(target: Target, analysis: str, options: Mapping[str, Any] | None = None) -> AnalysisFolder:
    """The folder that this question has; whether it was ever asked is not looked at."""
    asked = _asked(target, analysis, options)
    digest = hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()[:8]
    return AnalysisFolder(target.jobs_path / slug(f"{analysis}-{digest}"), target.checkpoints)


def create(target: Target, analysis: str, options: Mapping[str, Any] | None = None) -> AnalysisFolder:
    """The folder of this question, state ``queued``; how an earlier answer to it ended is forgotten."""
    folder = folder_for(target, analysis, options)
    remove(folder.path / RESULT)
    folder.write_json(JOB, _asked(target, analysis, options))
    folder.write_json("status.json", {"state": "queued", "created": now(), "progress": 0.0})
    return folder


def list_for(target: Target, analysis: str | None = None) -> list[AnalysisFolder]:
    """The jobs that ask this of this target, the newest first; a folder that cannot be read is passed over."""
    wanted = to_json_value(_target(target))
    return [
        folder
        for folder in _in(target.jobs_path, target.checkpoints)
        if folder.job()["target"] == wanted and analysis in (None, folder.analysis())
    ]


def list_jobs(checkpoints: Path) -> list[RunFolder | AnalysisFolder]:
    """Every run, newest first, each followed by its analyses; then those of datasets."""
    checkpoints = Path(checkpoints)
    found: list[RunFolder | AnalysisFolder] = []
    for run in list_runs(checkpoints):
        found += [run, *_in(run.jobs_path, checkpoints)]
    return [*found, *jobs_of_datasets(checkpoints)]


def jobs_of_datasets(checkpoints: Path) -> list[AnalysisFolder]:
    """The jobs that ask about dataset files or about the folder as a whole, newest first."""
    return _in(datasets_path(checkpoints) / ".jobs", Path(checkpoints))


def open_job(checkpoints: Path, name: str) -> RunFolder | AnalysisFolder:
    """The run, or the analysis, of that name (``RUN``, ``RUN/NAME-DIGEST``, ``datasets/NAME-DIGEST``).

    Raises RunError naming what there is, and UnsafeFileError for a name that leads out of the checkpoints folder.
    """
    owner, _, job = str(name).partition("/")
    if not job:
        return open_run(checkpoints, owner)
    place = (datasets_path(checkpoints) / ".jobs") if owner == DATASETS else open_run(checkpoints, owner).jobs_path
    path = inside(place, job)
    if path.parent != place.resolve() or not is_plain(path / JOB):
        known = ", ".join(one.path.name for one in _in(place, Path(checkpoints))[:5]) or "none yet"
        raise RunError(f"'{owner}' has no job '{path.name}'. Newest jobs: {known}.")
    return AnalysisFolder(place / path.name, Path(checkpoints))


def folder_of(checkpoints: Path, name: str) -> RunFolder | AnalysisFolder:
    """The folder that a job of this name has; whether it is there is not looked at."""
    owner, _, job = name.partition("/")
    if not job:
        return RunFolder(Path(checkpoints) / owner)
    place = (
        datasets_path(checkpoints) / ".jobs" if owner == DATASETS else RunFolder(Path(checkpoints) / owner).jobs_path
    )
    return AnalysisFolder(place / job, Path(checkpoints))


def of_path(path: Path) -> RunFolder | AnalysisFolder | None:
    """The job in this folder, or None where there is none."""
    if is_plain(path / "config.json"):
        return RunFolder(path)
    if not is_plain(path / JOB):
        return None
    owner = path.parents[1]
    return AnalysisFolder(path, owner.parent)


def _in(place: Path, checkpoints: Path) -> list[AnalysisFolder]:
    return [folder for _, folder in sorted(_dated(place, checkpoints), key=lambda row: row[0], reverse=True)]


def _dated(place: Path, checkpoints: Path) -> Iterator[tuple[tuple[str, str], AnalysisFolder]]:
    for path in folders(place):
        folder = AnalysisFolder(path, checkpoints)
        try:
            created, job = str(folder.status().get("created", "")), folder.job()
            _ = job["analysis"], job["target"]["kind"], dict(job["options"])
        except (RunError, AttributeError, KeyError, TypeError, ValueError):
            continue  # a folder that cannot say what it is must not take the others' list along
        yield (created, folder.path.name), folder


def _target(target: Target) -> dict[str, Any]:
    """What is written down of a target: no path that a copy of the checkpoints folder would make untrue."""
    if isinstance(target, RunFolder):
        return {"kind": "run"}
    if isinstance(target, DatasetTarget):
        return {"kind": "dataset", "path": target.place}
    return {"kind": "checkpoints"}


def _asked(target: Target, analysis: str, options: Mapping[str, Any] | None) -> dict:
    return to_json_value({"analysis": analysis, "target": _target(target), "options": dict(options or {})})
