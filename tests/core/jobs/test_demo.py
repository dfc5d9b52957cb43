"""The demo as a chain of jobs: each is queued when what it needs is there."""

import pytest

from core.analyses.datasets.demo import ANALYSIS, DemoOptions
from core.config import preset
from core.errors import ConfigError
from core.jobs import demo, processes, queue, rows, then
from core.jobs.executors import settings
from core.progress import drain
from core.runs.store import RunFolder, list_runs
from core.runs.targets import CheckpointsTarget
from tests.builders import TINY, make_dataset, make_run

FEW = DemoOptions(n=60, seed=1)
NEEDED = ["attention_checks", "robustness", "smote_audit", "smote_realism", "heads"]


@pytest.fixture(autouse=True)
def nothing_starts(monkeypatch):
    monkeypatch.setattr(rows, "start_waiting", lambda checkpoints: None)
    monkeypatch.setattr(processes, "spawn", lambda *arguments: None)


def ended(folder):
    folder.write_status(state="succeeded")
    with rows.transaction(folder.checkpoints) as table:
        rows.drop(table, folder.name)


def test_dataset_then_training_then_every_analysis(tmp_path):
    config = preset("demo").with_overrides(TINY)
    (first,) = demo.ask(tmp_path, FEW, config)
    assert first.analysis() == "demo_dataset" and first.options()["n"] == 60 and queue.planned(first)
    assert demo.ask(tmp_path, FEW, config) == [first], "asked twice it is one job"
    drain(ANALYSIS.start(CheckpointsTarget(tmp_path), first.options()))
    ended(first)
    then.go_on(first)
    assert queue.planned(first) is None, "it goes on once"
    (run,) = list_runs(tmp_path)
    assert run.status()["state"] == "queued" and run.config() == config and queue.planned(run)
    ended(run)
    then.go_on(run)
    needed = [name for name in NEEDED if not name.startswith("smote")]  # nothing was trained: there is no lineage
    assert [job.analysis for job in queue.active(tmp_path)] == needed and queue.planned(run) is None
    assert {job.run for job in queue.active(tmp_path)} == {run.name}
    then.go_on(run)
    assert len(queue.active(tmp_path)) == len(needed)


@pytest.mark.parametrize("environment, folder, expected", [
    (None, {}, "processes"), ("executor=local", {}, "local"), (None, {"executor": "ray"}, "ray"),
])  # fmt: skip
def test_several_processes_train_it_unless_somebody_chose_otherwise(
    tmp_path, monkeypatch, environment, folder, expected
):
    if environment is None:
        monkeypatch.delenv("LANDSLIDE_JOBS")
    else:
        monkeypatch.setenv("LANDSLIDE_JOBS", environment)
    settings.write(tmp_path, folder)
    dataset = make_dataset(tmp_path / "datasets" / "d.h5").path
    run = demo.train(tmp_path, preset("demo").with_overrides(TINY), dataset)
    assert settings.settings_of(run).executor == expected


def test_a_job_that_is_no_part_of_the_demo_is_followed_by_nothing(tmp_path):
    job = queue.submit_analysis(CheckpointsTarget(tmp_path), "demo_dataset", {"n": 60})
    ended(job)
    then.go_on(job)
    assert not queue.active(tmp_path) and not list_runs(tmp_path)


def test_a_retry_keeps_the_plan_and_a_plain_question_drops_it(tmp_path):
    (job,) = demo.ask(tmp_path, FEW)
    plan = queue.planned(job)
    queue.cancel(tmp_path, job.name)
    assert queue.planned(queue.retry(tmp_path, job.name)) == plan
    queue.cancel(tmp_path, job.name)
    assert queue.planned(queue.submit_analysis(CheckpointsTarget(tmp_path), "demo_dataset", job.options())) is None


@pytest.mark.parametrize(
    "plan",
    [[], {}, {"plan": "other"}, {"plan": ["demo"]}, {"plan": "demo", "dataset": 3},
     {"plan": "demo", "dataset": {"n": 1}}, {"plan": "demo", "dataset": {}, "config": {"x": 1}}],
)  # fmt: skip
def test_a_damaged_plan_is_a_sentence_and_is_not_tried_again(tmp_path, plan):
    job = queue.submit_analysis(CheckpointsTarget(tmp_path), "demo_dataset", {"n": 60})
    job.write_json(queue.THEN, plan)
    told = []
    then.go_on(job, told.append)
    assert len(told) == 1 and told[0].startswith("What follows this job was not queued: ")
    assert queue.planned(job) is None


def test_one_analysis_that_cannot_be_queued_keeps_none_of_the_others_from_it(tmp_path, monkeypatch):
    run = make_run(tmp_path, make_dataset(tmp_path / "datasets" / "tiny.h5").path)
    submit = queue.submit_analysis

    def refusing(target, name, options=None, then=None):
        if name == "robustness":
            raise ConfigError("It does not take them.")
        return submit(target, name, options, then)

    monkeypatch.setattr(queue, "submit_analysis", refusing)
    from core.analyses.showcase import missing

    asked = demo.show(RunFolder(run.path), missing(run))
    assert [job.analysis() for job in asked] == [name for name in NEEDED if name != "robustness"]
    with pytest.raises(ConfigError):
        demo.show(run, tuple(stop for stop in missing(run) if stop.name == "robustness"))
