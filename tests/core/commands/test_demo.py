"""``python -m core demo``: its showcase, one JSON object, and what a failure costs."""

import json

import pytest

from core.analyses import showcase
from core.analyses.datasets.demo import DemoOptions
from core.commands import demo
from core.config import preset
from core.errors import RunError
from core.jobs import demo as jobs_of_demo
from core.jobs import queue
from tests.builders import TINY, make_dataset, make_run
from tests.command_line import core, core_json

HERE = ("demo", "--checkpoints")
# What the chain does not need: `make demo` and the benchmarks have the usual sizes.
FEW = {
    "demo_dataset": {"n": 240}, "attention_checks": {"patches": 6, "seeds": 1, "compared": 2},
    "smote_realism": {"per_fold": 60},
}  # fmt: skip


@pytest.fixture
def run(tmp_path, monkeypatch):
    """A finished run on what is called the demo."""
    run = make_run(tmp_path, make_dataset(tmp_path / "datasets" / "demo.h5").path)
    monkeypatch.setattr(queue, "finished", lambda checkpoints, dataset, config: run)
    return run


@pytest.fixture
def asked(monkeypatch):
    """What was asked for, instead of asking; a name in ``fails`` fails."""
    names, fails = [], set()

    def analyse(target, name, options, as_json):
        names.append((name, options))
        if name in fails:
            raise RunError("Broken for a test.")

    monkeypatch.setattr(demo, "analyse", analyse)
    return names, fails


def test_every_missing_analysis_is_done_and_the_path_is_told_at_the_end(run, asked, tmp_path):
    answer = core(*HERE, tmp_path)
    assert asked[0] == [(stop.analysis, stop.options(run)) for stop in showcase.missing(run)]
    head, path = answer.stdout.split("What to look at in the dashboard, in this order:")
    assert run.name in head
    for number, stop in enumerate(showcase.stops(run), 1):
        assert f"{number}. {stop.title} (" in path
    cells = run.summary()["oof"]["confusion"]
    assert f"{cells['fn'] + cells['fp']} patches" in path and "not computed yet" in path


def test_one_that_fails_costs_neither_the_run_nor_the_others_and_the_status_tells(run, asked, tmp_path):
    asked[1].add("robustness")
    answer = core(*HERE, tmp_path, check=False)
    assert answer.returncode == 1 and len(asked[0]) == len(showcase.missing(run))
    assert run.name in answer.stdout and "failed: Broken for a test." in answer.stdout
    assert answer.stderr.startswith("Error: The run is there, but 1 of its analyses failed: Clouds and lost sensors")


def test_json_stays_one_object_like_that_of_train(run, asked, tmp_path):
    found = core_json(*HERE, tmp_path)
    assert found["run"] == run.name and {"dataset", "oof", "folds", "seconds", "images_per_second"} <= set(found)


def test_detached_it_leaves_the_analyses_to_the_queue(run, asked, tmp_path, monkeypatch):
    queued = []
    monkeypatch.setattr(queue, "submit_analysis", lambda target, name, options: queued.append((name, options)))
    answer = core(*HERE, tmp_path, "--detach")
    assert queued == [(stop.analysis, stop.options(run)) for stop in showcase.missing(run)] and asked[0] == []
    assert f"{len(queued)} analyses of the guided path continue in the background." in answer.stdout
    assert "not computed yet" in answer.stdout


def test_without_the_showcase_nothing_is_asked(run, asked, tmp_path):
    answer = core(*HERE, tmp_path, "--no-showcase")
    assert asked[0] == [] and "What to look at" not in answer.stdout


def test_what_is_there_is_not_done_again(run, asked, tmp_path, monkeypatch):
    monkeypatch.setattr(showcase.Stop, "is_there", lambda stop, run: True)
    assert "is there already" in core(*HERE, tmp_path).stdout and asked[0] == []


@pytest.mark.slow
def test_from_nothing_to_the_whole_showcase_and_a_second_time_at_once(tmp_path, monkeypatch):
    """Every job in a process of its own, as a newcomer has it, on a fifth of the demo's patches."""
    analyse, dataset_of, few = demo.analyse, jobs_of_demo.dataset_of, DemoOptions(**FEW["demo_dataset"])
    monkeypatch.setattr(jobs_of_demo, "dataset_of", lambda checkpoints: dataset_of(checkpoints, few))
    monkeypatch.setattr(demo, "analyse", lambda on, name, options, *more: analyse(
        on, name, {**(options or {}), **FEW.get(name, {})}, *more))  # fmt: skip
    short = (*TINY, "train.epochs=1", "embed.method=pca", "model.image_size=32")
    settings = [word for one in short for word in ("--set", one)]
    answer = core(*HERE, tmp_path, *settings, "--json", check=False)
    assert answer.returncode == 0, answer.stderr
    found = json.loads(answer.stdout)
    from core.runs.store import open_run

    run = open_run(tmp_path, found["run"])
    assert run.config() == preset("demo").with_overrides(short)
    assert showcase.missing(run) == () and all(stop.finding(run) for stop in showcase.stops(run))
    jobs = {job.name: job.created for job in queue.jobs(tmp_path)}
    assert core_json(*HERE, tmp_path, *settings)["run"] == found["run"]
    assert {job.name: job.created for job in queue.jobs(tmp_path)} == jobs, "nothing was done again"
