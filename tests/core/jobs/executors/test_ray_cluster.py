"""Parts on a real cluster of two nodes: done, lost, refused, cancelled, and who may join it."""

import json
import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from tests.core.jobs.executors.conftest import ROOT, ended, needs_ray, own_environment, started

pytestmark = needs_ray
PROGRAM = (sys.executable, "-m", "tests.core.jobs.executors.made_parts")
WAIT_S = 240  # a busy machine starts processes slowly


def tried(case, folder, *said, **environment):
    """What the parts of a case told, line by line."""
    done = subprocess.run(
        [*PROGRAM, case, str(folder), *said], cwd=ROOT, capture_output=True, text=True,
        env=own_environment() | environment, timeout=WAIT_S,
    )  # fmt: skip
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")], done.stderr


@pytest.fixture
def begun():
    """Begins a case in a process of its own, which is gone, its pipe closed, when the test has ended."""
    jobs = []

    def begin(case, folder, *said):
        command = [*PROGRAM, case, str(folder), *said]
        jobs.append(subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, env=own_environment()))
        return jobs[-1]

    yield begin
    for job in jobs:
        job.kill()
        job.wait()
        job.stdout.close()


def until(true, seconds=WAIT_S):
    deadline = time.monotonic() + seconds
    while not (found := true()):
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.1)
    return found


def pid_in(path):
    return until(lambda: path.exists() and path.read_text() and int(path.read_text()))


CASES = ("sums", "lost_once", "lost_always", "refused", "faulty", "missing", "too_large")


@pytest.fixture(scope="module")
def told(nodes, tmp_path_factory):
    """What was told of each case, its values and errors by part, the log, and the folder that its parts wrote into."""
    folder = tmp_path_factory.mktemp("parts")
    lines, log = tried(",".join(CASES), folder, *nodes.settings, "cpus=2")
    of_case = {case: [line for line in lines if line["case"] == case] for case in CASES}
    done = {case: {line["part"]: line for line in found if "value" in line} for case, found in of_case.items()}
    return of_case, done, log, folder


def test_parts_are_done_at_once_in_processes_of_the_cluster_with_the_threads_asked_for(told):
    lines, done, _, _ = told
    found = [done["sums"][i]["value"] for i in range(3)]
    assert [one["sum"] for one in found] == [10, 11, 12] and {one["threads"] for one in found} == {"2"}
    assert len({one["pid"] for one in found}) > 1 and os.getpid() not in {one["pid"] for one in found}
    assert [line["message"] for line in lines["sums"] if line.get("event") == "half"] == ["Half way."] * 3


@pytest.mark.fault(29)
def test_a_part_whose_worker_is_killed_goes_on_elsewhere_from_what_it_has_kept(told):
    lines, done, _, folder = told
    assert done["lost_once"][0]["value"] == 6
    (retried,) = [line for line in lines["lost_once"] if line.get("event") == "retried"]
    assert "was lost on" in retried["message"] and "its process ended" in retried["message"]
    steps, pids = zip(*(line.split() for line in (folder / "steps").read_text().splitlines()), strict=True)
    assert steps == tuple("012345") and len(set(pids)) == 2, "each step once, by two processes"


@pytest.mark.fault(29)
def test_a_part_that_is_lost_again_and_again_is_given_up_and_the_others_are_not(told):
    found = told[1]["lost_always"]
    assert found[0]["error"][0] == "JobError" and "was lost 2 times" in found[0]["error"][1]
    assert found[1]["value"]["sum"] == 2


def test_an_error_for_the_user_comes_back_as_it_was_raised(told):
    found = told[1]["refused"]
    assert found[0]["error"] == ["DataError", "These data cannot be used. Choose others."]
    assert found[1]["value"]["sum"] == 2


def test_a_fault_of_the_program_leaves_its_traceback_in_the_log(told):
    lines, _, log, _ = told
    assert "ZeroDivisionError: of the program" in lines["faulty"][-1]["raised"][1]
    assert "made_parts.py" in log and "Traceback" in log


def test_a_node_that_does_not_see_the_files_says_so(told):
    assert "does not see all" in told[1]["missing"][0]["error"][1]


def test_more_than_a_node_has_is_refused_at_once(told):
    (only,) = told[0]["too_large"]
    assert only["raised"][0] == "JobError" and "has 64 cores" in only["raised"][1]


def test_a_cancelled_job_leaves_no_part_running(nodes, tmp_path, begun):
    job = begun("waits", tmp_path, *nodes.settings)
    pid = pid_in(tmp_path / "waits")
    job.send_signal(signal.SIGINT)
    job.wait(timeout=WAIT_S)
    until(lambda: not psutil.pid_exists(pid), 20)
    job.stdout.close()


@pytest.mark.fault(29)
def test_a_killed_job_leaves_no_part_running(nodes, tmp_path, begun):
    job = begun("waits", tmp_path, *nodes.settings)
    pid = pid_in(tmp_path / "waits")
    job.kill()
    job.wait(timeout=20)
    until(lambda: not psutil.pid_exists(pid), 60)
    job.stdout.close()


@pytest.mark.fault(29)
def test_a_wrong_token_is_refused_and_never_shown(nodes, tmp_path):
    wrong = tmp_path / "wrong"
    wrong.write_text("a-wrong-token-0123456789")
    wrong.chmod(0o600)
    lines, log = tried("sums", tmp_path, "executor=ray", f"address={nodes.address}", f"token_file={wrong}")
    assert lines[0]["raised"][0] == "ClusterError" and "did not let this job in" in lines[0]["raised"][1]
    assert "a-wrong-token" not in str(lines) + log and nodes.token.read_text().strip() not in str(lines) + log


@pytest.mark.fault(29)
def test_no_token_or_one_that_others_can_read_is_refused_before_anything_is_sent(nodes, tmp_path):
    said = ("executor=ray", f"address={nodes.address}")
    lines, _ = tried("sums", tmp_path, *said, HOME=str(tmp_path))
    assert lines[0]["raised"][0] == "JobError" and "There is no token" in lines[0]["raised"][1]
    (readable := tmp_path / "readable").write_text("x" * 40)
    readable.chmod(0o644)
    lines, _ = tried("sums", tmp_path, *said, f"token_file={readable}")
    assert f"chmod 600 {readable}" in lines[0]["raised"][1]


@pytest.mark.fault(29)
def test_a_cluster_that_is_not_there_is_told(nodes, tmp_path):
    lines, _ = tried("sums", tmp_path, "executor=ray", "address=127.0.0.1:9", f"token_file={nodes.token}")
    assert lines[0]["raised"][0] == "ClusterError" and "No Ray cluster answers at 127.0.0.1:9" in lines[0]["raised"][1]


def listening(of):
    """Addresses at which processes of this Ray session accept connections."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        if of in " ".join(process.info["cmdline"] or []):
            found += [one.laddr.ip for one in process.net_connections("inet") if one.status == psutil.CONN_LISTEN]
    return found


@pytest.mark.fault(29)
def test_a_cluster_of_the_job_s_own_listens_on_this_machine_alone_and_ends_with_it(tmp_path, begun):
    job = begun("waits", tmp_path, "executor=ray")
    pid = pid_in(tmp_path / "waits")
    own = [one for one in psutil.process_iter(["cmdline"]) if "ll-ray-" in " ".join(one.info["cmdline"] or [])]
    assert len(own) > 2
    heard = listening("ll-ray-")
    assert len(heard) > 2 and {one.removeprefix("::ffff:") for one in heard} == {"127.0.0.1"}
    job.send_signal(signal.SIGINT)
    job.wait(timeout=WAIT_S)
    job.stdout.close()
    until(lambda: not psutil.pid_exists(pid), 60)
    until(lambda: not any(one.is_running() and one.status() != "zombie" for one in own), 30)


@pytest.mark.fault(29)
@pytest.mark.slow
def test_a_head_that_is_killed_is_told_and_the_job_ends(tmp_path, begun):
    nodes = started(tmp_path)
    job = begun("waits", tmp_path, *nodes.settings)
    pid_in(tmp_path / "waits")
    nodes.kill_head()
    said, _ = job.communicate(timeout=WAIT_S)
    job_lines = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
    assert job_lines[-1]["raised"][0] == "ClusterError" and "resume" in job_lines[-1]["raised"][1]
    ended(nodes)
