"""What is asked of a finished run, as jobs in real processes: killed, cancelled, asked twice, listed."""

import json
import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from core.analyses import registry
from core.config import EmbedConfig
from core.errors import JobError, RunError, UnsafeFileError
from core.jobs import processes, queue
from core.jobs.analysis_folder import create_study, list_studies, open_job, study_of
from core.jobs.processes import ROOT
from core.runs.job_folder import FINAL_STATES
from tests.builders import make_dataset, make_run
from tests.command_line import core_json

# A UMAP is compiled for many seconds in each new process, a PCA is drawn at once.
SLOW = {"settings": EmbedConfig(method="umap").model_dump(mode="json"), "seed": 0}
QUICK = {"settings": EmbedConfig(method="pca").model_dump(mode="json"), "seed": 0}


@pytest.fixture
def run(tmp_path):
    """A finished run with embeddings, and nothing under way in its folder when the test ends."""
    made = make_run(tmp_path, make_dataset(tmp_path / "datasets" / "tiny.h5", n=30).path)
    for fold in range(3):
        made.write_scores(fold, {"fc": made.embeddings(fold)["logits"][:, 1]})
    yield made
    for one in queue.jobs(tmp_path):
        if one.state in queue.ACTIVE:
            queue.cancel(tmp_path, one.name)


@pytest.fixture
def busy(run):
    """The lane is held by this very test process, so that nothing is started."""
    with queue._transaction(run.checkpoints) as rows:
        me = psutil.Process(os.getpid())
        row = ("holder", "x", "x", queue._lane(run.config()), "running", me.pid, me.create_time(), 0.0)
        rows.execute("INSERT INTO jobs VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)


def until(condition, seconds=60):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.05)


def at_work(study):
    """Wait until its worker has told its first step."""
    until(lambda: study.status().get("stage") == "mapping")
    return processes.ProcessId(study.status()["pid"], study.status()["pid_started"])


def test_a_study_is_answered_by_a_process_of_its_own_and_its_answer_is_in_the_run_folder(run):
    study = queue.submit_study(run, "embedding", QUICK)
    until(lambda: study.status()["state"] in FINAL_STATES)
    status = study.status()
    assert status["state"] == "succeeded", study.log()
    assert status["result"]["map"] in run.maps(0) and status["progress"] == 1.0
    assert [event["event"] for event in study.events()[0]] == ["started", "answered", "succeeded"]
    before = status["created"]
    again = queue.submit_study(run, "embedding", QUICK)
    assert again == study and study.status()["created"] > before and len(list_studies(run)) == 1


def test_it_goes_on_when_whoever_asked_is_killed(run):
    """As a dashboard whose server is killed: another process asks, and is gone before the answer."""
    code = (
        "import json, sys, time; from pathlib import Path; from core.jobs import queue; "
        "from core.runs.store import open_run; run = open_run(Path(sys.argv[1]), sys.argv[2]); "
        "queue.submit_study(run, 'embedding', json.loads(sys.argv[3])); print('asked', flush=True); time.sleep(600)"
    )
    arguments = [sys.executable, "-c", code, str(run.checkpoints), run.name, json.dumps(SLOW)]
    with subprocess.Popen(arguments, cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True) as server:
        assert server.stdout.readline().strip() == "asked"
        study = study_of(run, "embedding", SLOW)
        worker = at_work(study)
        os.killpg(server.pid, signal.SIGKILL)
    assert processes.is_alive(worker)
    found = queue.job(run.checkpoints, study.name)  # a new server finds it
    assert (found.state, found.place, found.study, found.run) == ("running", 0, "embedding", run.name)


def test_cancelling_ends_the_process_and_leaves_what_was_there(run):
    study = queue.submit_study(run, "embedding", SLOW)
    worker = at_work(study)
    queue.cancel(run.checkpoints, study.name)
    assert not processes.is_alive(worker) and study.status()["state"] == "cancelled"
    assert queue.job(run.checkpoints, study.name).place is None and run.status()["state"] == "succeeded"
    with pytest.raises(JobError, match="nothing to cancel"):
        queue.cancel(run.checkpoints, study.name)


def test_a_worker_that_is_killed_is_seen_as_interrupted_and_can_be_asked_again(run):
    study = queue.submit_study(run, "embedding", SLOW)
    worker = at_work(study)
    os.killpg(worker.pid, signal.SIGKILL)
    until(lambda: queue.job(run.checkpoints, study.name).state == "interrupted")
    assert "resumed" in study.status()["message"]
    assert queue.resume(run.checkpoints, study.name) == study and study.status()["state"] in queue.ACTIVE


def test_what_cannot_be_done_fails_in_a_sentence(run):
    wanted = {"Cs": [-1.0], "gammas": ["scale"], "lgbm": False, "logreg": False}
    study = queue.submit_study(run, "heads", wanted)
    until(lambda: study.status()["state"] in FINAL_STATES)
    assert study.status()["state"] == "failed" and "no C of an SVM" in study.status()["error"], study.log()


@pytest.mark.usefixtures("busy")
def test_the_same_question_twice_is_one_job_and_waits_its_turn_in_the_lane(run):
    first = queue.submit_study(run, "check", {"patches": 20})
    assert queue.submit_study(run, "check", {"patches": 20}) == first
    other = queue.submit_study(run, "check", {"patches": 40})
    assert [queue.job(run.checkpoints, one.name).place for one in (first, other)] == [1, 2]
    assert {one.name for one in queue.jobs(run.checkpoints)} == {run.name, first.name, other.name}
    queue.cancel(run.checkpoints, first.name)
    assert queue.job(run.checkpoints, other.name).place == 1
    assert queue.retry(run.checkpoints, first.name) == first and first.status()["state"] == "queued"


@pytest.mark.usefixtures("busy")
def test_a_corrupt_queue_gets_its_studies_back_from_their_folders(run):
    study = queue.submit_study(run, "drill")
    for suffix in ("-wal", "-shm"):
        (run.checkpoints / f"queue.sqlite{suffix}").unlink(missing_ok=True)
    (run.checkpoints / "queue.sqlite").write_bytes(b"this is no database" * 100)
    with queue._transaction(run.checkpoints) as rows:
        found = rows.execute("SELECT spec, state FROM jobs WHERE name = ?", (study.name,)).fetchall()
        rows.execute("UPDATE jobs SET state = 'cancelled'")
    study.write_status(state="cancelled")
    assert found == [(study.name, "queued")]


@pytest.mark.usefixtures("busy")
def test_the_command_line_lists_and_cancels_studies(run):
    study = queue.submit_study(run, "drill")

    def said(*arguments):
        return core_json("jobs", *arguments, "--checkpoints", run.checkpoints)

    listed = {job["name"]: job for job in said("list")["jobs"]}
    assert listed[study.name]["state"] == "queued" and listed[study.name]["place"] == 1
    assert listed[study.name]["study"] == "drill" and listed[run.name]["study"] == ""
    assert said("cancel", study.name) == {"run": study.name, "state": "cancelled"}


def test_a_run_that_has_not_finished_is_not_asked(run):
    run.write_status(state="failed")
    with pytest.raises(RunError, match="has not finished"):
        queue.submit_study(run, "check")
    run.write_status(state="succeeded")


def test_names_from_outside_lead_to_studies_only(run):
    create_study(run, "check")
    for name in (f"{run.name}/no-such", f"{run.name}/../{run.name}", f"{run.name}/", "../x/y", f"{run.name}/a/b"):
        if name.endswith("/"):
            assert open_job(run.checkpoints, name) == run
            continue
        with pytest.raises((RunError, UnsafeFileError)):
            open_job(run.checkpoints, name)
    for one in list_studies(run):
        one.write_status(state="cancelled")


def test_a_question_that_no_study_takes_is_a_sentence(run):
    with pytest.raises(registry.ConfigError, match="No study is called 'dance'"):
        next(registry.steps(run, "dance", {}))
    with pytest.raises(registry.ConfigError, match="does not take these options"):
        next(registry.steps(run, "drill", {"depth": 3}))
