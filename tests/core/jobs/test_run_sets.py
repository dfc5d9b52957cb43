"""Experiments and searches as rows: declared by their analysis, with their job's state, damaged or copied ones too."""

import json

import pytest

from core.analyses import ablate
from core.analyses.base import Sets
from core.analyses.registry import analyses
from core.jobs.run_sets import run_sets
from core.runs.registry.entry import Entry
from core.runs.registry.run_set import RunSet, folded, listed, trained_by
from core.runs.targets import DatasetTarget
from tests.builders import make_dataset
from tests.core.runs.registry.test_index import entry
from tests.dashboard.experiments.made import experiment, table


class Place:
    """What ``experiment`` needs of a studio."""

    def __init__(self, checkpoints):
        self.checkpoints = checkpoints

    def dataset_target(self, path):
        return DatasetTarget(path, self.checkpoints)


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path / "checkpoints")


@pytest.fixture
def path(place):
    return make_dataset(place.checkpoints / "datasets" / "tiny.h5").path


def rows(place, path):
    return [one.facts for one in run_sets(place.checkpoints, {"Tiny": path})]


def test_every_analysis_that_trains_sets_declares_the_whole_row():
    declared = {name: one.sets for name, one in analyses().items() if one.sets is not None}
    assert "ablate" in declared
    for name, sets in declared.items():
        assert isinstance(sets, Sets) and sets.word and sets.chosen, name
        assert analyses()[name].target == "dataset", "its page and jobs are those of a dataset"


def test_an_experiment_is_a_row_with_its_best_and_its_state(place, path):
    assert rows(place, path) == []
    name = experiment(place, path, "running", table(waiting=1, failed=1))
    (row,) = rows(place, path)
    assert (row.name, row.word, row.state, row.dataset) == (name, "Experiment", "running", "Tiny")
    assert (row.rows, row.ended, row.failed, row.progress) == (4, 3, 1, "3 of 4 rows")
    assert (row.best, row.f1, row.f1_low, row.f1_high) == ("Top 10 layers", 0.7, 0.6, pytest.approx(0.8))
    assert row.seconds == pytest.approx(180) and row.runs == ("run_head", "run_layers-10")
    assert "Highest F1 so far: Top 10 layers" in row.sentence


def test_a_queued_one_and_a_copied_one_have_a_row(place, path):
    name = experiment(place, path, "queued")
    (row,) = rows(place, path)
    assert (row.name, row.state, row.rows, row.f1) == (name, "queued", 0, None)
    target = place.dataset_target(path)
    for name, found in (("unfreeze-aaaaaaaa", table()), ("unfreeze-bbbbbbbb", table(waiting=1))):
        target.results("ablate").part(name).write_json(ablate.TABLE, found)
    states = {row.name: row.state for row in rows(place, path)}
    assert (states["unfreeze-aaaaaaaa"], states["unfreeze-bbbbbbbb"]) == ("succeeded", "interrupted")


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"rows": 3}', '{"rows": [{"state": "succeeded"}]}'])
def test_a_damaged_table_has_a_row_that_says_so(place, path, text):
    name = experiment(place, path, "succeeded", table())
    (place.dataset_target(path).results("ablate").path / name / ablate.TABLE).write_text(text)
    (row,) = rows(place, path)
    assert (row.name, row.state, row.f1) == (name, "failed", None) and "damaged" in row.sentence


def test_a_job_of_another_dataset_or_that_is_damaged_is_passed_over(place, path):
    experiment(place, path, "succeeded", table())
    other = make_dataset(place.checkpoints / "datasets" / "other.h5").path
    assert rows(place, other) == []
    (job,) = (place.checkpoints / "datasets" / ".jobs").glob("ablate-*/job.json")
    asked = json.loads(job.read_text())
    job.write_text(json.dumps({**asked, "options": {"kind": "nobody"}}))
    (row,) = rows(place, path)
    assert row.state == "succeeded", "its table is there, complete"


def made(name="e", runs=("a", "b")):
    return RunSet(name, "Experiment", "Title", runs=runs)


def of(name, archived=False):
    return Entry(name, name, "succeeded", experiment="e", archived=archived)


def test_a_set_is_listed_while_one_of_its_runs_is_and_archived_with_the_last():
    assert listed([made()], [of("a"), of("b", archived=True)]) == [made()]
    assert listed([made()], []) == [] and listed([made(runs=())], []) == [made(runs=())]
    gone = [of("a", archived=True), of("b", archived=True)]
    assert listed([made()], gone) == [] and listed([made()], gone, archived=True) == [made()]


def test_only_the_runs_that_a_set_trained_are_folded_into_it():
    alone = entry("c")
    assert folded([of("a"), alone], [made(runs=("a", "c"))]) == [alone], "c was there before, and stands for itself"
    assert trained_by(made(runs=("a", "c")), [of("a"), alone]) == [of("a")], "deleting the set leaves c"
