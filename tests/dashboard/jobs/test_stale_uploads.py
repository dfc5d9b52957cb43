"""Old uploads go, those of jobs that wait or run stay, of whatever run or dataset."""

from __future__ import annotations

import io
import os
import time

import pytest

from core.data import uploads
from core.jobs.analysis_folder import create
from core.runs.targets import CheckpointsTarget
from dashboard.jobs import stale_uploads


@pytest.mark.parametrize("option", ["source", "files"])
def test_an_old_upload_stays_while_its_job_waits(studio, option):
    run = studio.add_run(studio.add_dataset())
    kept = {}
    for target in (run, CheckpointsTarget(studio.checkpoints)):
        folder = uploads.keep([uploads.Upload("a.npy", io.BytesIO(b"1"), (".npy",))], studio.checkpoints)
        os.utime(folder, (time.time() - 2 * uploads.STALE_S,) * 2)
        (path,) = uploads.files_in(folder)
        kept[folder] = create(target, "new_patches", {option: str(path) if option == "source" else [str(path)]})
    stale_uploads.sweep(studio.checkpoints)
    assert all(folder.is_dir() for folder in kept)
    for job in kept.values():
        job.write_status(state="cancelled")
    stale_uploads.sweep(studio.checkpoints)
    assert not any(folder.is_dir() for folder in kept)
