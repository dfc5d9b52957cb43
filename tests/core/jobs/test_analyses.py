"""Analyses as jobs in real processes: killed, cancelled, asked twice, listed; with one that only sleeps."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from core.errors import ConfigError, JobError, RunError, UnsafeFileError
from core.jobs import lanes, order, processes, queue, rows
from core.jobs.analysis_folder import create, folder_for, list_for, open_job
from core.jobs.processes import ROOT
from core.runs.job_folder import FINAL_STATES
from core.runs.targets import DatasetTarget
from tests import made_up_analysis
from tests.builders import make_dataset, make_run
from tests.command_line import core, core_json

SLOW, QUICK = {"seconds": 300.0}, {"seconds": 0.0}


@pytest.fixture(autouse=True)
def nap(monkeypatch):
    """The made-up analysis is there, in this process and in workers."""
    monkeypatch.setenv("LANDSLIDE_ANALYSES", made_up_analysis.__name__)


@pytest.fixture
def run(tmp_path):
    """A finished run, and nothing under way in its folder when the test ends."""
    yield make_run(tmp_path, make_dataset(tmp_path / "datasets" / "tiny.h5", n=30).path)
    for one in queue.jobs(tmp_path):
        if one.state in queue.ACTIVE:
            queue.cancel(tmp_path, one.name)


@pytest.fixture
def busy(run):
    """The lane is held by this very test process, so that nothing is started."""
    with rows.transaction(run.checkpoints) as table:
        me = processes.identify(os.getpid())
        row = ("holder", "x", "x", lanes.lane_of(run), "running", me.pid, me.started, 0.0)
        table.execute("INSERT INTO jobs VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)


def until(condition, seconds=60):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.05)


def at_work(job):
    """Wait until its worker has told its first step."""
    until(lambda: "Sleeping" in str(job.status().get("message")))
    return processes.ProcessId(job.status()["pid"], job.status()["pid_started"])


def ended(job):
    until(lambda: job.status()["state"] in FINAL_STATES)
    return job.status()


def test_an_analysis_is_done_by_a_process_of_its_own_and_its_result_is_in_the_run_folder(run):
    job = queue.submit_analysis(run, "nap", QUICK | {"dreams": ["sheep"]})
    status = ended(job)
    assert status["state"] == "succeeded", job.log()
    assert job.result() == {"message": "Slept well on the bed.", "dreams": ["sheep"]}
    assert made_up_analysis.read(run) == {"dreams": ["sheep"], "where": "bed"}
    assert status["progress"] == 1.0 and status["message"] == "Slept well on the bed."
    assert [event["event"] for event in job.events()[0]] == ["started", "succeeded"]
    before = status["created"]
    again = queue.submit_analysis(run, "nap", QUICK | {"dreams": ["sheep"]})
    assert again == job and job.status()["created"] > before and len(list_for(run)) == 1


def test_a_dataset_is_asked_in_the_same_way(run):
    target = DatasetTarget(run.dataset_path(), run.checkpoints)
    job = queue.submit_analysis(target, "nap", {"where": "sofa"})
    assert ended(job)["state"] == "succeeded", job.log()
    assert made_up_analysis.read(target)["where"] == "sofa" and made_up_analysis.read(run) is None
    seen = queue.job(run.checkpoints, job.name)
    assert (seen.run, seen.analysis, seen.title) == ("", "nap", "A nap") and seen.dataset == str(target.path)
    assert open_job(run.checkpoints, job.name) == job and job.name.startswith("datasets/nap-")


@pytest.mark.fault(4)
def test_it_continues_when_whoever_asked_is_killed(run):
    """As a dashboard whose server is killed: another process asks, and is gone before the answer."""
    code = (
        "import json, sys, time; from pathlib import Path; from core.jobs import queue; "
        "from core.runs.store import open_run; run = open_run(Path(sys.argv[1]), sys.argv[2]); "
        "queue.submit_analysis(run, 'nap', json.loads(sys.argv[3])); print('asked', flush=True); time.sleep(600)"
    )
    arguments = [sys.executable, "-c", code, str(run.checkpoints), run.name, json.dumps(SLOW)]
    with subprocess.Popen(arguments, cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True) as server:
        assert server.stdout.readline().strip() == "asked"
        (job,) = list_for(run, "nap")
        worker = at_work(job)
        os.killpg(server.pid, signal.SIGKILL)
    assert processes.is_alive(worker)
    seen = queue.job(run.checkpoints, job.name)  # a new server finds it
    assert (seen.state, seen.place, seen.analysis, seen.run) == ("running", 0, "nap", run.name)


@pytest.mark.fault(3)
def test_two_tabs_and_the_command_line_wait_for_one_device_in_one_lane(run):
    """And a killed worker takes none of the others along."""
    first, second = (queue.submit_analysis(run, "nap", {"seconds": seconds}) for seconds in (299.0, 298.0))
    core("analyse", "nap", run.name, "--seconds", 297, "--detach", "--checkpoints", run.checkpoints)
    third = folder_for(run, "nap", made_up_analysis.NapOptions(seconds=297).model_dump(mode="json"))
    worker = at_work(first)
    places = {one.name: (one.state, one.place) for one in queue.jobs(run.checkpoints) if one.analysis}
    assert places == {first.name: ("running", 0), second.name: ("queued", 1), third.name: ("queued", 2)}
    os.killpg(worker.pid, signal.SIGKILL)
    until(lambda: queue.job(run.checkpoints, second.name).place == 0)
    at_work(second)
    assert queue.job(run.checkpoints, first.name).state == "interrupted"
    assert queue.job(run.checkpoints, third.name).place == 1


@pytest.mark.fault(6)
def test_cancelling_ends_the_process_and_leaves_what_was_there(run):
    job = queue.submit_analysis(run, "nap", SLOW)
    worker = at_work(job)
    queue.cancel(run.checkpoints, job.name)
    assert not processes.is_alive(worker) and job.status()["state"] == "cancelled"
    assert queue.job(run.checkpoints, job.name).place is None and run.status()["state"] == "succeeded"
    with pytest.raises(JobError, match="nothing to cancel"):
        queue.cancel(run.checkpoints, job.name)


@pytest.mark.fault(5)
def test_a_worker_that_is_killed_is_seen_as_interrupted_and_can_be_asked_again(run):
    job = queue.submit_analysis(run, "nap", SLOW)
    worker = at_work(job)
    os.killpg(worker.pid, signal.SIGKILL)
    until(lambda: queue.job(run.checkpoints, job.name).state == "interrupted")
    assert "resumed" in job.status()["message"]
    assert queue.resume(run.checkpoints, job.name) == job and job.status()["state"] in queue.ACTIVE


def test_what_cannot_be_done_fails_in_a_sentence(run):
    job = queue.submit_analysis(run, "nap", {"nightmare": True})
    assert ended(job)["state"] == "failed" and job.status()["error"] == "A bad dream. Sleep somewhere else."
    with pytest.raises(RunError, match="no result.json"):
        job.result()


@pytest.mark.usefixtures("busy")
def test_the_same_question_twice_is_one_job_and_waits_its_turn_in_the_lane(run):
    first = queue.submit_analysis(run, "nap", {"seconds": 20})
    assert queue.submit_analysis(run, "nap", {"seconds": 20.0, "where": "bed"}) == first  # with defaults spelt out
    other = queue.submit_analysis(run, "nap", {"seconds": 40})
    assert [queue.job(run.checkpoints, one.name).place for one in (first, other)] == [1, 2]
    assert {one.name for one in queue.jobs(run.checkpoints)} == {run.name, first.name, other.name}
    queue.cancel(run.checkpoints, first.name)
    assert queue.job(run.checkpoints, other.name).place == 1
    assert queue.retry(run.checkpoints, first.name) == first and first.status()["state"] == "queued"


@pytest.mark.usefixtures("busy")
def test_a_corrupt_queue_gets_its_jobs_back_from_their_folders(run):
    of_run = queue.submit_analysis(run, "nap", SLOW)
    of_data = queue.submit_analysis(DatasetTarget(run.dataset_path(), run.checkpoints), "nap", SLOW)
    for suffix in ("-wal", "-shm"):
        (run.checkpoints / f"queue.sqlite{suffix}").unlink(missing_ok=True)
    (run.checkpoints / "queue.sqlite").write_bytes(b"this is no database" * 100)
    with rows.transaction(run.checkpoints) as table:
        found = set(table.execute("SELECT name, spec, state FROM jobs").fetchall())
        table.execute("UPDATE jobs SET state = 'cancelled'")
    for job in (of_run, of_data):
        job.write_status(state="cancelled")
    assert found == {(job.name, job.name, "queued") for job in (of_run, of_data)}


def test_a_running_job_that_is_paused_ends_its_process_and_begins_anew_when_it_goes_on(run):
    job = queue.submit_analysis(run, "nap", SLOW)
    worker = at_work(job)
    assert "begin anew" in order.pause(run.checkpoints, job.name)
    assert not processes.is_alive(worker)
    waiting = queue.job(run.checkpoints, job.name)
    assert waiting.state == "queued" and waiting.blocked and waiting.starts_s is None
    order.go_on(run.checkpoints, job.name)
    assert at_work(job) != worker


@pytest.mark.usefixtures("busy")
def test_the_command_line_lists_shows_and_cancels_jobs(run):
    job = queue.submit_analysis(run, "nap", SLOW)

    def said(*arguments):
        return core_json("jobs", *arguments, "--checkpoints", run.checkpoints)

    listed = {one["name"]: one for one in said("list")["jobs"]}
    assert listed[job.name]["state"] == "queued" and listed[job.name]["place"] == 1
    assert listed[job.name]["analysis"] == "nap" and listed[run.name]["analysis"] == ""
    assert said("show", job.name)["title"] == "A nap"
    assert said("cancel", job.name) == {"run": job.name, "state": "cancelled"}


def test_a_run_that_has_not_finished_is_not_asked(run):
    run.write_status(state="failed")
    with pytest.raises(RunError, match="has not finished"):
        queue.submit_analysis(run, "nap")
    run.write_status(state="succeeded")


def test_names_from_outside_lead_to_jobs_only(run):
    create(run, "nap")
    for name in (f"{run.name}/no-such", f"{run.name}/../{run.name}", f"{run.name}/", "../x/y", f"{run.name}/a/b"):
        if name.endswith("/"):
            assert open_job(run.checkpoints, name) == run
            continue
        with pytest.raises((RunError, UnsafeFileError)):
            open_job(run.checkpoints, name)
    for name in ("datasets/no-such", "datasets/../x"):
        with pytest.raises((RunError, UnsafeFileError)):
            open_job(run.checkpoints, name)
    for one in list_for(run):
        one.write_status(state="cancelled")


def test_a_question_that_no_analysis_takes_is_a_sentence(run):
    with pytest.raises(ConfigError, match="There is no analysis 'dance'"):
        queue.submit_analysis(run, "dance")
    with pytest.raises(ConfigError, match="A nap: These settings cannot be used. depth"):
        queue.submit_analysis(run, "nap", {"depth": 3})
    with pytest.raises(ConfigError, match="seconds: .*less than or equal to 600"):
        queue.submit_analysis(run, "nap", {"seconds": 601})
    assert not list_for(run)


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"analysis": "nap", "target": 1, "options": {}}', '{"analysis": "nap"}']
)
def test_one_damaged_folder_does_not_take_the_list_of_the_others_along(run, text):
    good, bad = (create(run, "nap", {"seconds": seconds}) for seconds in (1.0, 2.0))
    for one in (good, bad):
        one.write_status(state="cancelled")
    (bad.path / "job.json").write_text(text, encoding="utf-8")
    assert list_for(run) == [good]
    assert {one.name for one in queue.jobs(run.checkpoints)} == {run.name, good.name}
