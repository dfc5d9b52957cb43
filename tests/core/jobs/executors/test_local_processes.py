"""Parts in several processes of this machine: done at once, lost, refused, cancelled, and with the numbers of one."""

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from core.jobs.executors import local_processes
from core.jobs.executors.chosen import started
from core.jobs.executors.local_processes import LocalProcesses
from core.jobs.executors.settings import JobsConfig
from core.parts import Done, ThisProcess
from tests.core.jobs.executors.conftest import ROOT, own_environment
from tests.core.jobs.executors.made_parts import lines_of, part
from tests.core.jobs.executors.whole_jobs import again, check_parts_of_two_folds, made, working

PROCESSES = JobsConfig(executor="processes")
WAIT_S = 240  # a busy machine starts processes slowly


@pytest.fixture(scope="module")
def two_cores():
    """Of a machine without a GPU, whatever this one has."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(local_processes, "usable_cores", lambda: 2)
        patch.setattr(local_processes, "on_gpu", lambda: False)
        yield


@pytest.fixture(scope="module")
def told(two_cores, tmp_path_factory):
    """As in test_ray_cluster: all cases one after the other, in the processes that the first of them has started."""
    folder, lines = tmp_path_factory.mktemp("parts"), {}
    with started(PROCESSES) as executor:
        for case in ("sums", "lost_once", "cut_once", "lost_always", "refused", "faulty"):
            executor.settings = PROCESSES
            lines[case] = list(lines_of(executor, case, str(folder)))
    done = {case: {line["part"]: line for line in found if "value" in line} for case, found in lines.items()}
    return lines, done, folder


def test_parts_are_done_two_at_once_and_the_last_one_has_both_cores(told):
    lines, done, _ = told
    found = [done["sums"][i]["value"] for i in range(3)]
    assert [one["sum"] for one in found] == [10, 11, 12]
    assert [one["torch_threads"] for one in found] == [1, 1, 2]
    assert len({one["pid"] for one in found}) == 2 and os.getpid() not in {one["pid"] for one in found}
    assert [line["message"] for line in lines["sums"] if line.get("event") == "half"] == ["Half way."] * 3


def test_a_process_does_the_parts_of_one_stage_after_those_of_another(told):
    _, done, _ = told
    before = {line["value"]["pid"] for line in done["sums"].values()}
    assert done["lost_once"][1]["value"]["pid"] in before


def test_a_part_whose_process_is_killed_goes_on_from_what_it_has_kept(told):
    lines, done, folder = told
    assert done["lost_once"][0]["value"] == 6
    (retried,) = [line for line in lines["lost_once"] if line.get("event") == "retried"]
    assert "was lost on" in retried["message"] and "by force, as it does when memory runs out" in retried["message"]
    steps, pids = zip(*(line.split() for line in (folder / "steps").read_text().splitlines()), strict=True)
    assert steps == tuple("012345") and len(set(pids)) == 2, "each step once, by two processes"


def test_a_line_that_a_killed_process_did_not_finish_is_passed_over(told):
    lines, done, _ = told
    assert done["cut_once"][0]["value"] == 7
    assert [line["event"] for line in lines["cut_once"] if line["part"] == 0 and line.get("event") == "retried"]


def test_a_part_that_is_lost_again_and_again_is_given_up_and_the_others_are_not(told):
    found = told[1]["lost_always"]
    assert found[0]["error"][0] == "JobError" and "was lost 2 times" in found[0]["error"][1]
    assert found[1]["value"]["sum"] == 2


def test_an_error_for_the_user_comes_back_as_it_was_raised(told):
    found = told[1]["refused"]
    assert found[0]["error"] == ["DataError", "These data cannot be used. Choose others."]
    assert found[1]["value"]["sum"] == 2


def test_a_fault_of_the_program_is_raised_with_its_words(told):
    assert "ZeroDivisionError: of the program" in told[0]["faulty"][-1]["raised"][1]


def test_a_process_that_has_ended_while_nobody_asked_is_replaced(two_cores):
    parts = [part("add", a=i, b=1) for i in range(2)]
    with started(PROCESSES) as executor:
        first = {said.value["pid"] for _, said in executor.map(parts) if isinstance(said, Done)}
        for pid in first:
            os.kill(pid, signal.SIGKILL)
        again = [said.value for _, said in executor.map(parts) if isinstance(said, Done)]
    assert {value["sum"] for value in again} == {1, 2} and not first & {value["pid"] for value in again}


def test_steps_that_are_closed_leave_no_part_running_and_a_left_executor_no_process(two_cores, tmp_path):
    with started(PROCESSES) as executor:
        told = executor.map([part("waits", folder=str(tmp_path)), part("add", a=1, b=1)])
        pids, ended = {}, 0
        for i, said in told:
            ended += isinstance(said, Done)
            if not isinstance(said, Done) and said.event == "part":
                pids[i] = said.fields["pid"]
            if ended and len(pids) == 2:
                break
        told.close()
        assert not psutil.pid_exists(pids[0]) and psutil.pid_exists(pids[1]), "the other one has nothing to do"
    assert not psutil.pid_exists(pids[1])


@pytest.mark.parametrize("cores, gpu", [(1, False), (8, True)])
def test_one_core_or_a_gpu_leave_the_parts_to_this_process(monkeypatch, cores, gpu):
    monkeypatch.setattr(local_processes, "usable_cores", lambda: cores)
    monkeypatch.setattr(local_processes, "on_gpu", lambda: gpu)
    executor = LocalProcesses(PROCESSES)
    found = [said.value["pid"] for _, said in executor.map([part("add", a=i, b=1) for i in range(2)])
             if isinstance(said, Done)]  # fmt: skip
    assert executor.slots == 1 and found == [os.getpid()] * 2


@pytest.mark.parametrize("said, slots", [({}, 8), ({"cpus": 3}, 2), ({"most": 3}, 3), ({"cpus": 9}, 1)])
def test_as_many_parts_at_once_as_there_are_cores_for(monkeypatch, said, slots):
    monkeypatch.setattr(local_processes, "usable_cores", lambda: 8)
    monkeypatch.setattr(local_processes, "on_gpu", lambda: False)
    assert LocalProcesses(JobsConfig(executor="processes", **said)).slots == slots


def test_without_a_word_the_job_does_its_parts_itself():
    with started(JobsConfig()) as executor:
        assert isinstance(executor, ThisProcess)


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGKILL])
def test_a_job_that_is_cancelled_or_killed_leaves_no_part_running(tmp_path, sign):
    command = [sys.executable, "-m", "tests.core.jobs.executors.made_parts", "two_wait", str(tmp_path)]
    job = subprocess.Popen([*command, "executor=processes"], cwd=ROOT, env=own_environment(), stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + WAIT_S
        while not (tmp_path / "waits").exists() or not (tmp_path / "waits").read_text():
            assert time.monotonic() < deadline and job.poll() is None, "it did not come to that"
            time.sleep(0.1)
        children = {child.pid for child in psutil.Process(job.pid).children()} | {int((tmp_path / "waits").read_text())}
        job.send_signal(sign)
        job.wait(timeout=WAIT_S)
        deadline = time.monotonic() + 20
        while left := [pid for pid in children if psutil.pid_exists(pid)]:
            assert time.monotonic() < deadline, left
            time.sleep(0.1)
    finally:
        job.kill()
        job.wait()


@pytest.mark.slow
@pytest.mark.skipif(local_processes.usable_cores() < 2, reason="two processes need two cores")
def test_a_run_whose_folds_are_trained_by_two_processes_holds_the_very_numbers_of_one(trained_run, tmp_path):
    """One of the two is killed on the way. The one process has as many threads as each of the two."""
    homes = {name: tmp_path / name for name in ("one", "two")}
    runs, threads = {}, max(1, local_processes.usable_cores() // 2)
    for name, home in homes.items():
        home.mkdir()
        runs[name] = again(trained_run, home)
    one = working(runs["one"], ["executor=local"], OMP_NUM_THREADS=str(threads))
    assert one.wait(timeout=540) == 0, runs["one"].log()
    two, killed = working(runs["two"], ["executor=processes"]), 0
    while two.poll() is None:
        parts = [event["pid"] for event in runs["two"].events()[0] if event.get("event") == "part"]
        if parts and not killed:
            killed = parts[0]
            os.kill(killed, signal.SIGKILL)
        time.sleep(0.1)
    assert two.returncode == 0, runs["two"].log()
    check_parts_of_two_folds(runs["two"])
    expected, found = made(runs["one"]), made(runs["two"])
    assert "fold_1/model.safetensors" in found and found.keys() <= expected.keys()
    assert [name for name in found if expected[name] != found[name]] == []
