"""FAULTS 3 to 6 and 30 with processes that are really killed: what is queued, runs, waits and is cancelled survives."""

import os
import signal
import sqlite3
import subprocess
import sys
import time

import psutil
import pytest

from core.config import RunConfig
from core.errors import JobError
from core.io.process_id import identify
from core.jobs import claim, processes, queue, queue_db, rows
from core.jobs.processes import ProcessId
from core.runs.store import list_runs
from tests import made_up_analysis
from tests.builders import TINY, make_dataset, make_run, make_tiny

CPU = RunConfig().with_overrides(["device=cpu"])
N = 16


@pytest.fixture(autouse=True)
def nap(monkeypatch):
    monkeypatch.setenv("LANDSLIDE_ANALYSES", made_up_analysis.__name__)


@pytest.fixture
def run(tmp_path):
    """A finished run, and nothing under way beside it when the test ends."""
    yield make_run(tmp_path, make_dataset(tmp_path / "datasets" / "tiny.h5", n=30).path)
    for one in queue.jobs(tmp_path):
        if one.state in queue.ACTIVE:
            queue.cancel(tmp_path, one.name, patience_s=1)


def until(condition, seconds=90):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.05)


def program(code, *arguments):
    """A process of its own session, as a server is."""
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)], cwd=processes.ROOT, stdout=subprocess.PIPE, text=True,
        start_new_session=True, env={**os.environ, "PYTHONPATH": str(processes.ROOT)},
    )  # fmt: skip


SIXTEEN = """
import os, sys
from pathlib import Path
from core.config import RunConfig
from core.jobs import queue, rows
config, told = RunConfig().with_overrides(["device=cpu"]), os.pipe()
for _ in range(16):
    if not os.fork():
        os.close(told[1])
        os.read(told[0], 1)  # all begin when the last is there
        os.write(1, (queue.submit(Path(sys.argv[1]), Path(sys.argv[2]), config).name + "\\n").encode())
        os._exit(0)
os.close(told[1])
codes = [os.waitstatus_to_exitcode(os.wait()[1]) for _ in range(16)]
assert not any(codes), codes
"""


@pytest.mark.fault(3)
def test_sixteen_processes_that_submit_one_specification_make_one_job(run):
    home, busy = run.checkpoints, make_run(run.checkpoints, run.dataset_path(), "running", CPU)
    assert queue.job(home, busy.name).state == "running", "the lane is taken: nothing else is started"
    with rows.transaction(home) as table:
        table.execute("UPDATE jobs SET spec = 'another' WHERE name = ?", (busy.name,))
    with program(SIXTEEN, home, run.dataset_path()) as sixteen:
        said = sixteen.communicate(timeout=120)[0].split()
    assert sixteen.returncode == 0 and len(said) == N and len(set(said)) == 1
    assert len(list_runs(home)) == 3 and queue.job(home, said[0]).place == 1


SERVER = """
import sys, time
from pathlib import Path
from core.jobs import queue
from core.runs.store import open_run
run = open_run(Path(sys.argv[1]), sys.argv[2])
print(queue.submit_analysis(run, "nap", {"seconds": float(sys.argv[3])}).name, flush=True)
time.sleep(600)
"""


def killed_server(run, seconds):
    """The job that a server had begun when it was killed with all its processes."""
    with program(SERVER, run.checkpoints, run.name, seconds) as server:
        name = server.stdout.readline().strip()
        job = next(one for one in rows.list_jobs(run.checkpoints) if one.name == name)
        until(lambda: "Sleeping" in str(job.known_status().get("message")))
        os.killpg(server.pid, signal.SIGKILL)
    return job


@pytest.mark.fault(4)
def test_a_job_goes_on_when_the_server_that_began_it_is_killed(run):
    job = killed_server(run, 600)
    done = job.status()["progress"]
    found = queue.job(run.checkpoints, job.name)  # as the next server sees it
    assert (found.state, found.place) == ("running", 0)
    assert queue.submit_analysis(run, "nap", {"seconds": 600.0}) == job, "asked again it is the same job"
    until(lambda: job.status()["progress"] > done)
    assert [e["event"] for e in job.events()[0]].count("started") == 1
    queue.cancel(run.checkpoints, job.name)
    assert job.status()["state"] == "cancelled", "the next server is its master"


@pytest.mark.fault(5)
def test_a_worker_that_dies_while_no_server_is_there_is_interrupted_and_a_stranger_with_its_pid_left_alone(run):
    job = killed_server(run, 300)
    worker = claim.working(job.path)
    os.killpg(worker.pid, signal.SIGKILL)
    until(lambda: not processes.is_alive(worker))
    with subprocess.Popen(["sleep", "60"], start_new_session=True) as stranger:
        for name in ("worker.json", "status.json"):  # the system has given its pid to somebody else
            text = (job.path / name).read_text().replace(f'"pid": {worker.pid}', f'"pid": {stranger.pid}')
            (job.path / name).write_text(text)
        with rows.transaction(run.checkpoints) as table:
            rows._set_worker(table, job.name, ProcessId(stranger.pid, worker.started))
        assert queue.job(run.checkpoints, job.name).state == "interrupted"
        with pytest.raises(JobError, match="has ended"):
            queue.cancel(run.checkpoints, job.name)
        processes.end(ProcessId(stranger.pid, worker.started), patience_s=0.2)
        assert stranger.poll() is None and processes.is_alive(identify(stranger.pid))
        stranger.kill()


# What Python runs first in the worker: it hangs where weights of a checkpoint are about to take their place.
SAVING = """
import time
from core.io import atomic

def hang(moment, path):
    if moment == "replace" and path.name.endswith(".safetensors"):
        path.with_name("saving").touch()
        time.sleep(600)

atomic.at_boundary = hang
"""


@pytest.mark.fault(6)
@pytest.mark.parametrize("stage", ["loading", "saving"])
def test_a_job_is_cancelled_within_twenty_seconds_while_it_loads_and_while_it_saves(tmp_path, monkeypatch, stage):
    home = tmp_path / "home"
    if stage == "saving":
        (tmp_path / "sitecustomize.py").write_text(SAVING)
        theirs = {**processes.child_environment(), "PYTHONPATH": f"{tmp_path}:{processes.ROOT}"}
        monkeypatch.setattr(processes, "child_environment", lambda: theirs)
    data = make_tiny(tmp_path / "tiny.h5", n=24, side=16)
    run = queue.submit(home, data, RunConfig().with_overrides([*TINY, "train.epochs=50"]))
    worker = claim.working(run.path)
    if stage == "saving":
        until(lambda: list(run.path.rglob("saving")))
    began = time.monotonic()
    queue.cancel(home, run.name)
    assert time.monotonic() - began < 20
    assert run.status()["state"] == "cancelled" and not processes.is_alive(worker)
    assert not [one for one in psutil.process_iter() if _group(one.pid) == worker.pid], "nobody of its group is left"
    assert queue.active(home) == []
    if stage == "saving":
        (saving,) = run.path.rglob("saving")
        assert not list(saving.parent.glob("*.json")), "a save that was broken off does not exist"


def _group(pid):
    try:
        return os.getpgid(pid) if psutil.Process(pid).status() != psutil.STATUS_ZOMBIE else None
    except (ProcessLookupError, psutil.NoSuchProcess):
        return None


LOCK = """
import sqlite3, sys, time
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN EXCLUSIVE")
print("locked", flush=True)
time.sleep(float(sys.argv[2]))
connection.execute("ROLLBACK")
"""


@pytest.mark.fault(30)
def test_a_locked_queue_is_waited_for_and_one_that_stays_locked_is_told(run, monkeypatch):
    queue.jobs(run.checkpoints)
    with program(LOCK, run.checkpoints / "queue.sqlite", 2.0) as holder:
        assert holder.stdout.readline() == "locked\n"
        began = time.monotonic()
        assert [job.name for job in queue.jobs(run.checkpoints)] == [run.name]
        assert time.monotonic() - began > 1 and holder.wait(10) == 0
    assert queue_db.LOCK_TIMEOUT_S >= 30
    monkeypatch.setattr(queue_db, "LOCK_TIMEOUT_S", 0.2)
    with program(LOCK, run.checkpoints / "queue.sqlite", 600) as holder:
        assert holder.stdout.readline() == "locked\n"
        with pytest.raises(JobError, match="Is another program holding the file"):
            queue.submit(run.checkpoints, run.dataset_path(), CPU)
        os.killpg(holder.pid, signal.SIGKILL)
    assert [job.name for job in queue.jobs(run.checkpoints)] == [run.name], "whoever held it is gone"


WRITER = """
import sys
from pathlib import Path
from core.jobs import rows
with rows.transaction(Path(sys.argv[1])) as table:
    table.execute("DELETE FROM jobs")
    table.execute("INSERT INTO notices VALUES ('half')")
    print("inside", flush=True)
    import time; time.sleep(600)
"""


@pytest.mark.fault(30)
def test_a_process_killed_inside_a_change_of_the_queue_leaves_it_as_it_was(run):
    waiting = make_run(run.checkpoints, run.dataset_path(), "running", CPU)
    assert queue.job(run.checkpoints, waiting.name).place == 0 and len(queue.notices(run.checkpoints)) == 1
    with program(WRITER, run.checkpoints) as writer:
        assert writer.stdout.readline() == "inside\n"
        os.killpg(writer.pid, signal.SIGKILL)
    assert queue.job(run.checkpoints, waiting.name).place == 0 and queue.notices(run.checkpoints) == []


@pytest.mark.fault(30)
def test_a_queue_of_which_a_part_is_missing_is_rebuilt_from_the_folders(run):
    waiting = make_run(run.checkpoints, run.dataset_path(), "running", CPU)
    assert queue.job(run.checkpoints, waiting.name).place == 0
    path = run.checkpoints / "queue.sqlite"
    whole = path.read_bytes()
    for share in (0.0, 0.001, 0.3, 0.9):
        path.write_bytes(whole[: int(share * len(whole))])
        assert queue.job(run.checkpoints, waiting.name).place == 0, share
        queue.notices(run.checkpoints)
    with sqlite3.connect(path) as connection:
        connection.execute("DELETE FROM jobs")
    connection.close()
    assert queue.job(run.checkpoints, waiting.name).place == 0, "whoever runs and has no row gets one"
