"""Uploads that no job will read: old ones that nothing waiting or running names."""

from __future__ import annotations

from pathlib import Path

from core.data import uploads
from core.errors import LandslideLensError
from core.jobs.analysis_folder import AnalysisFolder, list_jobs
from dashboard.jobs import progress


def sweep(checkpoints: Path, older_than_s: float = uploads.STALE_S) -> None:
    """Remove them; ``older_than_s``: nothing younger."""
    in_use = {folder for job in list_jobs(checkpoints) for folder in _folders(job, checkpoints)}
    uploads.sweep(checkpoints, older_than_s, in_use=in_use)


def _folders(job: object, checkpoints: Path) -> set[Path | None]:
    """The uploads that an unfinished job reads."""
    if not isinstance(job, AnalysisFolder) or not progress.is_active(job):
        return set()
    try:
        options = job.options()
    except LandslideLensError:
        return set()  # a damaged folder: it will not run either
    several = [path for name in ("files", "members") for path in options.get(name) or ()]
    paths = [path for path in (options.get("source"), *several) if path]
    return {uploads.folder_of(Path(path), checkpoints) for path in paths}
