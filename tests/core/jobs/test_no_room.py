"""A disk without room, and a checkpoints folder that cannot be written: what is told, and what still works."""

import contextlib
import errno
import os
import shutil
import subprocess

import pytest

from core.config import RunConfig
from core.errors import JobError
from core.io.free_space import is_full, need_room
from core.jobs import queue, rows
from core.jobs.analysis_folder import create
from core.workers import job_worker
from tests import made_up_analysis
from tests.builders import make_dataset, make_run
from tests.command_line import core, core_json

CPU = RunConfig().with_overrides(["device=cpu"])
ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small file system needs root")


@contextlib.contextmanager
def mounted(folder, *options):
    folder.mkdir(exist_ok=True)
    done = subprocess.run(["mount", *options, str(folder)], capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"nothing can be mounted here: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=False)


@pytest.fixture(autouse=True)
def nap(monkeypatch):
    monkeypatch.setenv("LANDSLIDE_ANALYSES", made_up_analysis.__name__)


def filled(folder):
    """Fill the disk to its last byte."""
    with open(folder / "ballast", "wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(b"\0" * 4096)


@pytest.mark.fault(7)
@ROOT
def test_a_job_on_a_full_disk_fails_saying_so_and_the_list_works(tmp_path):
    with mounted(tmp_path / "disk", "-t", "tmpfs", "-o", "size=80m", "tmpfs") as disk:
        run = make_run(disk, make_dataset(disk / "datasets" / "tiny.h5", n=12).path)
        with rows.transaction(disk) as table:
            job = create(run, "nap", {"seconds": 0.0, "dreams": ["sheep"]})
            rows.add(table, job, job.name)
        job.write_status(state="running", message="Starting.")
        filled(disk)
        assert job_worker.main(job) == 1
        status = job.status()
        assert status["state"] == "failed" and "disk" in status["error"] and "full" in status["error"]
        listed = {one["name"]: one["state"] for one in core_json("jobs", "list", "--checkpoints", disk)["jobs"]}
        assert listed == {run.name: "succeeded", job.name: "failed"}
        with pytest.raises(JobError, match="full"):
            queue.submit(disk, run.dataset_path(), CPU)
        (disk / "ballast").unlink()
        assert queue.jobs(disk)[0].state == "succeeded"
        assert not list(disk.rglob("*.partial")), "what could not be written is not left behind"


@pytest.mark.fault(7)
def test_room_is_looked_for_before_a_job_begins(tmp_path, monkeypatch):
    run = make_run(tmp_path, make_dataset(tmp_path / "datasets" / "tiny.h5", n=12).path)
    free = shutil.disk_usage(tmp_path)._replace(free=5 * 2**20)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: free)
    for begin in (
        lambda: queue.submit(tmp_path, run.dataset_path(), CPU),
        lambda: queue.submit_analysis(run, "nap", {"seconds": 0.0}),
        lambda: need_room(tmp_path / "not" / "there"),
    ):
        with pytest.raises(JobError, match="5 MiB are free.*50 MiB"):
            begin()
    assert len(queue.jobs(tmp_path)) == 1, "nothing was queued"


@pytest.mark.fault(7)
def test_an_error_is_told_as_a_full_disk_through_whatever_wrapped_it():
    try:
        try:
            raise OSError(errno.ENOSPC, "No space left on device")
        except OSError as error:
            raise JobError("It could not be written.") from error
    except JobError as error:
        assert is_full(error)
    assert not is_full(OSError(errno.EACCES, "Permission denied")) and not is_full(None)


@pytest.mark.fault(30)
@ROOT
def test_a_read_only_folder_is_looked_at_and_nothing_is_begun_in_it(tmp_path):
    home = tmp_path / "home"
    run = make_run(home, make_dataset(home / "datasets" / "tiny.h5", n=12).path)
    waiting = make_run(home, run.dataset_path(), "queued", CPU)
    with mounted(tmp_path / "ro", "--bind", "-o", "ro", str(home)) as folder:
        listed = {one["name"]: one["state"] for one in core_json("jobs", "list", "--checkpoints", folder)["jobs"]}
        assert listed == {run.name: "succeeded", waiting.name: "queued"}
        core("jobs", "show", run.name, "--checkpoints", folder)
        for command in (
            ("train", run.dataset_path(), "--set=device=cpu"),
            ("jobs", "cancel", waiting.name),
            ("jobs", "retry", run.name),
            ("heads", run.name),
        ):
            answer = core(*command, "--checkpoints", folder, check=False)
            assert answer.returncode == 1 and "cannot be written" in answer.stderr, (command, answer)
            assert "Traceback" not in answer.stderr
        assert queue.active(folder) and queue.notices(folder) == []
