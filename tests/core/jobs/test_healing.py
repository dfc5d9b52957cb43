"""A queue whose file is lost or damaged, folders that cannot say how they stand, a clock that is set, a full disk."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time

import psutil
import pytest

from core.config import RunConfig
from core.errors import JobError, LandslideLensError
from core.io import atomic
from core.io.process_id import heartbeat
from core.jobs import claim, processes, queue, rows
from core.jobs.processes import ProcessId
from core.runs.job_folder import FINAL_STATES
from core.runs.store import RunFolder, list_runs
from tests import made_up_analysis
from tests.builders import make_dataset, make_run
from tests.command_line import core, core_error, core_json
from tests.core.jobs.queue_harms import HARMS, an_older_version, damage_a_page

CPU = RunConfig().with_overrides(["device=cpu"])
SLOW = {"seconds": 300.0}


def other(lr):
    return CPU.with_overrides([f"train.lr={lr}"])


@pytest.fixture(autouse=True)
def nap(monkeypatch):
    monkeypatch.setenv("LANDSLIDE_ANALYSES", made_up_analysis.__name__)


@pytest.fixture
def dataset(tmp_path):
    return make_dataset(tmp_path / "datasets" / "tiny.h5", n=30).path


@pytest.fixture
def run(tmp_path, dataset):
    """A finished run, and nothing under way in its folder when the test ends."""
    yield make_run(tmp_path, dataset)
    for one in queue.jobs(tmp_path):
        if one.state in queue.ACTIVE:
            queue.cancel(tmp_path, one.name, patience_s=1)


def running(checkpoints, dataset):
    """A run whose worker is a process that only sleeps, and one that waits behind it."""
    run = make_run(checkpoints, dataset, "running", CPU)
    with rows.transaction(checkpoints) as table:
        rows.drop(table, run.name)
        rows.add(table, run, run.job()["spec"])
        table.execute("UPDATE jobs SET state = 'running' WHERE name = ?", (run.name,))
        rows._set_worker(table, run.name, claim.working(run.path))
    return run, queue.submit(checkpoints, dataset, other(0.1))


def until(condition, seconds=60):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.05)


@pytest.mark.fault(30)
@pytest.mark.parametrize("harm", HARMS)
def test_a_lost_or_damaged_queue_is_rebuilt_and_nothing_runs_twice(tmp_path, dataset, harm):
    run, waiting = running(tmp_path, dataset)
    worker = claim.working(run.path)
    harm(tmp_path)
    states = {job.name: (job.state, job.place) for job in queue.jobs(tmp_path)}
    assert states == {run.name: ("running", 0), waiting.name: ("queued", 1)}
    assert claim.working(run.path) == worker and claim.working(waiting.path) is None, "one at a time in a lane"
    assert queue.submit(tmp_path, dataset, CPU) == run and queue.submit(tmp_path, dataset, other(0.1)) == waiting
    assert len(list_runs(tmp_path)) == 2
    told = queue.notices(tmp_path)
    if harm is an_older_version:
        assert told == [], "an update is nothing to worry about"
    else:
        assert len(told) == 1 and "rebuilt" in told[0] and "2" in told[0] and queue.notices(tmp_path) == []
    queue.cancel(tmp_path, waiting.name)
    queue.cancel(tmp_path, run.name, patience_s=5)
    assert not processes.is_alive(worker) and run.status()["state"] == "cancelled"


def test_the_commands_tell_once_that_the_queue_was_rebuilt(tmp_path, dataset):
    run, waiting = running(tmp_path, dataset)
    damage_a_page(tmp_path)
    first = core("jobs", "list", "--checkpoints", tmp_path, "--json")
    assert "Note: " in first.stderr and "damaged" in first.stderr and len(json.loads(first.stdout)["jobs"]) == 2
    assert core("jobs", "list", "--checkpoints", tmp_path).stderr == ""
    for one in (waiting, run):
        queue.cancel(tmp_path, one.name, patience_s=5)


@pytest.mark.fault(37)
@pytest.mark.parametrize("named", ["jobs list", "jobs show x", "jobs cancel x", "jobs resume x", "jobs retry x"])
def test_a_mistyped_checkpoints_folder_is_not_made(tmp_path, named):
    answer = core(*named.split(), "--checkpoints", tmp_path / "typo", check=False)
    assert answer.returncode == (0 if named == "jobs list" else 1)
    assert "typo" in answer.stdout + answer.stderr and not list(tmp_path.iterdir())


BAD = {
    "an empty object": b"{}",
    "a list": b"[]",
    "no utf-8": b"\xff\xfe{",
    "cut short": b'{"state": "run',
    "an unknown state": b'{"state": "asleep"}',
    "a state that is no text": b'{"state": ["running"]}',
    "empty": b"",
}


@pytest.mark.fault(30)
def test_a_damaged_folder_never_stands_in_the_way_of_others(tmp_path, dataset):
    bad, good = make_run(tmp_path, dataset), make_run(tmp_path, dataset)
    worker, waiting = running(tmp_path, dataset)
    for name in ("status.json", "job.json", "config.json"):
        whole = {one: (one.path / name).read_bytes() for one in (bad, waiting)}
        for why, content in BAD.items():
            for one in whole:
                (one.path / name).write_bytes(content)
            listed = {job.name: job.state for job in queue.jobs(tmp_path)}
            assert {one.name for one in (bad, good, worker, waiting)} <= listed.keys(), (name, why)
            assert listed[good.name] == "succeeded" and listed[worker.name] == "running", (name, why)
            assert listed[bad.name] == ("failed" if name == "status.json" else "succeeded"), (name, why)
            assert queue.job(tmp_path, bad.name).state == listed[bad.name], (name, why)
            assert queue.finished(tmp_path, dataset, CPU) is None
        third = queue.submit(tmp_path, dataset, other(0.3))
        queue.cancel(tmp_path, third.name)
        assert queue.resume(tmp_path, third.name) == third
        queue.cancel(tmp_path, third.name)
        for one, content in whole.items():
            (one.path / name).write_bytes(content)
    assert queue.job(tmp_path, waiting.name).place == 1, "mended, it has its place"
    for one in (waiting, worker):
        queue.cancel(tmp_path, one.name, patience_s=5)


def test_a_damaged_status_of_a_killed_run_does_not_keep_it_from_being_resumed(tmp_path, dataset):
    run, waiting = running(tmp_path, dataset)
    interrupted = make_run(tmp_path, dataset, "interrupted", other(0.5))
    (interrupted.path / "status.json").write_bytes(b"[]")
    assert "damaged" in core_json("jobs", "show", interrupted.name, "--checkpoints", tmp_path)["error"]
    assert queue.resume(tmp_path, interrupted.name).status()["state"] == "queued"
    for one in (interrupted, waiting, run):
        queue.cancel(tmp_path, one.name, patience_s=5)


@pytest.mark.fault(31)
def test_a_clock_that_is_set_changes_nothing_for_a_live_worker(tmp_path, dataset, monkeypatch):
    run, waiting = running(tmp_path, dataset)
    real, boot = time.time, psutil.boot_time()
    for step in (-86400.0, 3.0):
        monkeypatch.setattr(time, "time", lambda step=step: real() + step)
        monkeypatch.setattr(psutil, "boot_time", lambda step=step: boot + step)  # as the kernel tells it then
        assert queue.job(tmp_path, run.name).state == "running"
        with pytest.raises(JobError, match="running"):
            queue.resume(tmp_path, run.name)
        late = queue.submit(tmp_path, dataset, other(0.2 if step < 0 else 0.3))
        assert queue.job(tmp_path, late.name).place == 2, "whoever comes later stands behind"
        queue.cancel(tmp_path, late.name)
    for one in (waiting, run):
        queue.cancel(tmp_path, one.name, patience_s=5)


@pytest.mark.fault(5)
def test_another_boot_or_another_start_is_another_process():
    me = processes.identify(os.getpid())
    boot, _, ticks = me.started.partition(":")
    assert processes.is_alive(me)
    assert not processes.is_alive(ProcessId(me.pid, f"{boot}:{int(ticks) + 1}"))
    assert not processes.is_alive(ProcessId(me.pid, f"0badb007:{ticks}"))
    processes.end(ProcessId(0, "x"), patience_s=0.1)  # a crafted pid of 0 is this process's own group
    processes.end(ProcessId(1, me.started), patience_s=0.1)


def test_a_worker_that_gives_no_sign_is_named(tmp_path, dataset):
    run, waiting = running(tmp_path, dataset)
    assert queue.job(tmp_path, run.name).warning == ""
    run.write_status(heartbeat=heartbeat() - 3600)
    job = queue.job(tmp_path, run.name)
    assert job.state == "running" and 3600 <= job.silent_s < 3700 and "hangs" in job.warning
    assert "hangs" in core("jobs", "list", "--checkpoints", tmp_path).stdout
    run.write_status(heartbeat=None)
    assert queue.job(tmp_path, run.name).silent_s is None
    for one in (waiting, run):
        queue.cancel(tmp_path, one.name, patience_s=5)


def test_a_run_copied_while_it_ran_is_interrupted_where_it_is_copied_to(tmp_path, dataset):
    run, waiting = running(tmp_path, dataset)
    shutil.copytree(run.path, tmp_path / "elsewhere" / run.name)
    copy = RunFolder(tmp_path / "elsewhere" / run.name)
    (copy.path / claim.CLAIM).unlink(missing_ok=True)
    copy.write_status(pid_started="0badb007:1")
    assert queue.job(copy.checkpoints, copy.name).state == "interrupted"
    for one in (waiting, run):
        queue.cancel(tmp_path, one.name, patience_s=5)


def test_only_one_process_works_in_a_folder(tmp_path, dataset):
    run, waiting = running(tmp_path, dataset)
    done = subprocess.run(
        [sys.executable, "-m", "core.workers.job_worker", str(run.path)], cwd=processes.ROOT, capture_output=True,
        text=True, env=processes.child_environment(),
    )  # fmt: skip
    assert done.returncode == 3 and "works on" in done.stderr
    assert run.status()["state"] == "running"
    with rows.transaction(tmp_path) as table:  # as if a second server had started a worker that is gone again
        rows._set_worker(table, run.name, ProcessId(2**22 + 1, "0badb007:1"))
    assert queue.job(tmp_path, run.name).state == "running", "the one that was there first is found"
    worker = claim.working(run.path)
    for one in (waiting, run):
        queue.cancel(tmp_path, one.name, patience_s=5)
    assert not processes.is_alive(worker)


SERVER = """
import sys
from pathlib import Path
from core.jobs import queue
from core.runs.store import RunFolder
from core.config import RunConfig
checkpoints, dataset = Path(sys.argv[1]), Path(sys.argv[2])
for i in range(12):
    config = RunConfig().with_overrides(["device=cpu", f"train.lr={0.01 * (i % 4 + 1)}"])
    print(queue.submit(checkpoints, dataset, config).name)
    queue.jobs(checkpoints)
"""


@pytest.mark.fault(3)
def test_two_servers_on_one_folder_queue_and_start_each_job_once(tmp_path, dataset):
    run, waiting = running(tmp_path, dataset)
    command = [sys.executable, "-c", SERVER, str(tmp_path), str(dataset)]
    servers = [
        subprocess.Popen(command, cwd=processes.ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    said = [server.communicate(timeout=120) for server in servers]
    assert all(server.returncode == 0 for server in servers), said
    names = {name for out, _ in said for name in out.split()}
    assert len(names) == 4 and len(list_runs(tmp_path)) == 6
    states = [job.state for job in queue.jobs(tmp_path)]
    assert states.count("running") == 1 and states.count("queued") == 5
    for job in queue.jobs(tmp_path):
        if job.state == "queued":
            queue.cancel(tmp_path, job.name)
    queue.cancel(tmp_path, run.name, patience_s=5)


def test_a_run_deleted_while_an_analysis_of_it_runs_ends_that_and_the_queue_goes_on(run):
    checkpoints = run.checkpoints
    job = queue.submit_analysis(run, "nap", SLOW)
    until(lambda: "Sleeping" in str(job.known_status().get("message")))
    worker = claim.working(job.path)
    other_run = make_run(checkpoints, run.dataset_path())
    waiting = queue.submit_analysis(other_run, "nap", {"seconds": 0.0})
    assert waiting.status()["state"] == "queued"
    until(lambda: shutil.rmtree(run.path, ignore_errors=True) or not run.path.exists())  # its worker still writes
    until(lambda: not processes.is_alive(worker))
    until(lambda: waiting.status()["state"] in FINAL_STATES)
    assert waiting.status()["state"] == "succeeded", waiting.log()
    assert not run.path.exists(), "nothing comes back of what was deleted"
    assert [one.name for one in queue.jobs(checkpoints)] == [other_run.name, waiting.name]


def test_a_deleted_run_that_waits_is_passed_over(tmp_path, dataset):
    run, waiting = running(tmp_path, dataset)
    last = queue.submit(tmp_path, dataset, other(0.2))
    shutil.rmtree(waiting.path)
    assert queue.job(tmp_path, last.name).place is not None
    queue.cancel(tmp_path, last.name)
    queue.cancel(tmp_path, run.name, patience_s=5)
    assert {job.name: job.state for job in queue.jobs(tmp_path)} == {run.name: "cancelled", last.name: "cancelled"}


def test_a_folder_that_is_deleted_under_a_writer_does_not_come_back(tmp_path, monkeypatch):
    monkeypatch.setattr(atomic, "_rooted", [])
    folder = tmp_path / "run"
    folder.mkdir()
    atomic.work_in(folder)
    atomic.write_text(folder / "fold_0" / "x.json", "{}")
    shutil.rmtree(folder)
    for path in (folder / "x.json", folder / "fold_0" / "heads" / "x.json"):
        with pytest.raises(FileNotFoundError, match="deleted"):
            atomic.write_text(path, "{}")
    assert not folder.exists()
    atomic.write_text(tmp_path / "other" / "x.json", "{}")


@pytest.mark.fault(37)
def test_partial_files_of_dead_writers_are_swept_and_those_of_live_ones_stay(tmp_path):
    code = (
        "import os, sys, signal; from pathlib import Path; from core.io import atomic\n"
        "with atomic.replacing(Path(sys.argv[1])) as partial:\n"
        "    partial.write_text('half'); os.kill(os.getpid(), signal.SIGKILL)"
    )
    (tmp_path / "fold_0").mkdir()
    command = [sys.executable, "-c", code, str(tmp_path / "fold_0" / "a.json")]
    assert subprocess.run(command, cwd=processes.ROOT).returncode == -signal.SIGKILL
    (left,) = (tmp_path / "fold_0").iterdir()
    elsewhere = left.with_name(left.name.replace(".json.", ".json.0", 1))  # of another machine on the same storage
    elsewhere.write_text("theirs")
    with atomic.replacing(tmp_path / "b.json") as mine:
        mine.write_text("half")
        atomic.sweep(tmp_path)
        assert not left.exists() and elsewhere.exists() and mine.exists()


@pytest.mark.fault(31)
def test_a_torn_line_does_not_take_the_next_event_along(tmp_path):
    run = RunFolder(tmp_path)
    run.add_event("started")
    with (tmp_path / "events.jsonl").open("ab") as file:
        file.write(b'{"time": "2026')
    run.add_event("resumed")
    run.add_event("epoch", epoch=1)
    assert [event["event"] for event in run.events()[0]] == ["started", "resumed", "epoch"]


def test_threads_that_list_and_submit_at_once_do_not_meet(tmp_path, dataset):
    run, waiting = running(tmp_path, dataset)
    failed = []

    def look():
        try:
            for _ in range(5):
                queue.jobs(tmp_path)
                queue.active(tmp_path)
        except LandslideLensError as error:
            failed.append(error)

    threads = [threading.Thread(target=look) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    for one in (waiting, run):
        queue.cancel(tmp_path, one.name, patience_s=5)


def test_a_refusal_names_the_folder(tmp_path):
    assert "typo" in core_error("jobs", "show", "x", "--checkpoints", tmp_path / "typo")
