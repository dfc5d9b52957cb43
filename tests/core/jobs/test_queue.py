import os
import sqlite3
import threading
import time

import pytest

from core.config import RunConfig
from core.errors import JobError, RunError, UnsafeFileError
from core.jobs import processes, queue, rows
from core.runs.store import RunFolder

CPU = RunConfig().with_overrides(["device=cpu"])


@pytest.fixture
def checkpoints(tmp_path):
    """A checkpoints folder whose CPU lane is held by this very test process, so that nothing is started."""
    with rows.transaction(tmp_path) as table:
        me = processes.identify(os.getpid())
        table.execute(
            "INSERT INTO jobs VALUES ('holder', 'x', 'x', 'cpu', 'running', ?, ?, ?)",
            (me.pid, me.started, time.time()),
        )
    return tmp_path


def hold_as(checkpoints, run, pid, started):
    with rows.transaction(checkpoints) as table:
        table.execute("DELETE FROM jobs WHERE name = 'holder'")
        table.execute(
            "UPDATE jobs SET state = 'running', pid = ?, started = ? WHERE name = ?", (pid, started, run.name)
        )
    run.write_status(state="running")


def other(lr):
    return CPU.with_overrides([f"train.lr={lr}"])


@pytest.mark.fault(3)
def test_the_same_specification_is_one_job_while_it_waits(checkpoints, tiny_dataset):
    first = queue.submit(checkpoints, tiny_dataset, CPU)
    assert queue.submit(checkpoints, tiny_dataset, CPU) == first
    assert queue.submit(checkpoints, tiny_dataset, other(0.01)) != first


@pytest.mark.fault(3)
def test_sixteen_submissions_at_once_make_one_job(checkpoints, tiny_dataset):
    names = []
    threads = [
        threading.Thread(target=lambda: names.append(queue.submit(checkpoints, tiny_dataset, CPU).name))
        for _ in range(16)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(names) == 16 and len(set(names)) == 1


@pytest.mark.fault(3)
def test_waiting_runs_show_their_place(checkpoints, tiny_dataset):
    runs = [queue.submit(checkpoints, tiny_dataset, other(lr)) for lr in (0.1, 0.2, 0.3)]
    assert [queue.job(checkpoints, run.name).place for run in runs] == [1, 2, 3]
    queue.cancel(checkpoints, runs[0].name)
    assert [queue.job(checkpoints, run.name).place for run in runs] == [None, 1, 2]
    assert runs[0].status()["state"] == "cancelled"


def test_what_has_ended_cannot_be_cancelled_and_what_waits_cannot_be_resumed(checkpoints, tiny_dataset):
    run = queue.submit(checkpoints, tiny_dataset, CPU)
    with pytest.raises(JobError, match="queued"):
        queue.resume(checkpoints, run.name)
    queue.cancel(checkpoints, run.name)
    with pytest.raises(JobError, match="nothing to cancel"):
        queue.cancel(checkpoints, run.name)
    assert queue.job(checkpoints, queue.resume(checkpoints, run.name).name).place == 1


def test_a_run_is_not_resumed_beside_its_twin(checkpoints, tiny_dataset):
    run = queue.submit(checkpoints, tiny_dataset, CPU)
    queue.cancel(checkpoints, run.name)
    queue.submit(checkpoints, tiny_dataset, CPU)
    with pytest.raises(JobError, match="same specification"):
        queue.resume(checkpoints, run.name)
    assert run.status()["state"] == "cancelled"


@pytest.mark.fault(5)
def test_a_worker_that_died_is_interrupted_even_when_a_stranger_has_its_pid(checkpoints, tiny_dataset):
    run = queue.submit(checkpoints, tiny_dataset, CPU)
    hold_as(checkpoints, run, os.getpid(), time.time() - 3600)  # this process is the stranger
    assert queue.job(checkpoints, run.name).state == "interrupted"
    assert "resumed" in run.status()["message"]
    assert run.events()[0][-1]["event"] == "interrupted"


def test_a_worker_that_lives_is_left_running(checkpoints, tiny_dataset):
    run = queue.submit(checkpoints, tiny_dataset, CPU)
    hold_as(checkpoints, run, os.getpid(), processes.identify(os.getpid()).started)
    assert queue.job(checkpoints, run.name).state == "running"
    assert queue.job(checkpoints, run.name).place == 0


@pytest.mark.fault(30)
def test_a_corrupt_queue_is_rebuilt_from_the_run_folders(checkpoints, tiny_dataset):
    run = queue.submit(checkpoints, tiny_dataset, CPU)
    hold_as(checkpoints, run, os.getpid(), processes.identify(os.getpid()).started)
    run.write_status(pid=os.getpid(), pid_started=processes.identify(os.getpid()).started)
    waiting = queue.submit(checkpoints, tiny_dataset, other(0.1))
    for suffix in ("-wal", "-shm"):
        (checkpoints / f"queue.sqlite{suffix}").unlink(missing_ok=True)
    (checkpoints / "queue.sqlite").write_bytes(b"this is no database" * 100)
    assert {job.name: job.state for job in queue.jobs(checkpoints)} == {run.name: "running", waiting.name: "queued"}
    assert list(checkpoints.glob("queue.sqlite.corrupt-*"))
    assert queue.submit(checkpoints, tiny_dataset, CPU) == run


@pytest.mark.fault(30)
def test_a_queue_of_a_newer_version_is_left_alone(checkpoints):
    with sqlite3.connect(checkpoints / "queue.sqlite") as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(JobError, match="newer"):
        queue.jobs(checkpoints)


def test_names_from_outside_cannot_leave_the_checkpoints_folder(checkpoints):
    for name in ("../x", "no-such-run", "a\0b"):
        with pytest.raises((RunError, UnsafeFileError)):
            queue.cancel(checkpoints, name)


def test_finished_finds_only_the_same_specification(checkpoints, tiny_dataset):
    run = queue.submit(checkpoints, tiny_dataset, CPU)
    assert queue.finished(checkpoints, tiny_dataset, CPU) is None
    run.write_status(state="succeeded")
    assert queue.finished(checkpoints, tiny_dataset, CPU) == RunFolder(checkpoints / run.name)
    assert queue.finished(checkpoints, tiny_dataset, other(0.5)) is None
