import gc
import subprocess
import sys
import time

import psutil
import pytest

from core.jobs import processes
from core.jobs.processes import ProcessId


@pytest.fixture
def sleeper(tmp_path):
    """A process that started a child of its own, as a worker with loaders does."""
    code = (
        "import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']); "
        "print('up', flush=True); time.sleep(60)"
    )
    worker = processes.spawn(["-c", code], tmp_path / "log.txt")
    deadline = time.monotonic() + 20
    while "up" not in (tmp_path / "log.txt").read_text() and time.monotonic() < deadline:
        time.sleep(0.02)
    yield worker
    processes.end(worker, patience_s=5)


@pytest.mark.fault(6)
def test_a_running_process_is_alive_and_its_whole_group_can_be_ended(sleeper):
    import psutil

    assert processes.is_alive(sleeper)
    children = psutil.Process(sleeper.pid).children()
    assert len(children) == 1
    processes.end(sleeper, patience_s=5)
    assert not processes.is_alive(sleeper)
    assert not children[0].is_running() or children[0].status() == psutil.STATUS_ZOMBIE


@pytest.mark.fault(5)
def test_a_reused_pid_is_not_taken_for_the_worker_and_the_stranger_is_left_alone():
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as stranger:
        worker = ProcessId(stranger.pid, time.time() - 3600)  # our worker had this pid an hour ago
        assert not processes.is_alive(worker)
        processes.end(worker, patience_s=0.2)
        assert stranger.poll() is None
        stranger.kill()


def test_a_finished_child_is_not_alive(tmp_path):
    worker = processes.spawn(["-c", "pass"], tmp_path / "log.txt")
    deadline = time.monotonic() + 20
    while processes.is_alive(worker) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not processes.is_alive(worker)


def test_a_process_that_is_left_alone_is_collected_when_it_ends():
    """Seen in CI: what was started and forgotten is a warning, and a zombie while the dashboard runs."""
    worker = processes.spawn(["-c", "pass"], None)
    gc.collect()
    deadline = time.monotonic() + 30
    while psutil.pid_exists(worker.pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not psutil.pid_exists(worker.pid)


@pytest.mark.fault(28)
def test_children_do_not_see_secrets(monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    seen = processes.child_environment()
    assert "AWS_SECRET_ACCESS_KEY" not in seen
    assert seen["OMP_NUM_THREADS"] == "1"


def test_children_spin_for_a_moment_and_then_sleep_unless_the_user_decides(monkeypatch):
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    seen = processes.child_environment()
    assert seen["OMP_WAIT_POLICY"] == "PASSIVE" and int(seen["GOMP_SPINCOUNT"]) < 10_000  # libgomp's own: 300 000
    monkeypatch.setenv("GOMP_SPINCOUNT", "7")
    assert processes.child_environment()["GOMP_SPINCOUNT"] == "7"
    monkeypatch.delenv("GOMP_SPINCOUNT")
    monkeypatch.setenv("OMP_WAIT_POLICY", "ACTIVE")
    seen = processes.child_environment()
    assert seen["OMP_WAIT_POLICY"] == "ACTIVE" and "GOMP_SPINCOUNT" not in seen
