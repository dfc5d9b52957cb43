"""What people call a run, and taking a deleted one back."""

from __future__ import annotations

import json

import pytest

from core.errors import LandslideLensError, RunError
from core.runs import labels
from core.runs.store import RunFolder, list_runs, open_run
from tests.builders import make_dataset, make_run


@pytest.fixture
def run(tmp_path) -> RunFolder:
    return make_run(tmp_path, make_dataset(tmp_path / "datasets" / "tiny.h5").path)


def test_a_title_is_made_from_the_settings_and_the_moment(run, tmp_path):
    named = RunFolder(tmp_path / "20261128-190042_resnet18_00000000")
    run.path.rename(named.path)
    moment = labels.began(named)
    assert moment.astimezone().utcoffset() is not None
    config = named.config()
    smote = "SMOTE" if config.smote.enabled else "no SMOTE"
    assert labels.title_of(named).endswith(f"· 28 Nov {moment:%H:%M}")
    assert f"{smote}, {config.folds.n_splits} folds" in labels.title_of(named)
    assert labels.short_title(named) == labels.title_of(named).partition(" · ")[0]


def test_a_run_named_by_hand_is_called_by_its_name(run, tmp_path):
    named = RunFolder(tmp_path / "my_run")
    run.path.rename(named.path)
    assert labels.title_of(named) == "my_run"


def test_a_written_title_is_the_title_everywhere_until_it_is_emptied(run):
    made = labels.title_of(run)
    labels.write_label(run, title="  Final,\n for the report ", note=" Seeds 1 to 3. ")
    assert labels.title_of(run) == "Final, for the report"
    assert labels.label_of(run).note == "Seeds 1 to 3."
    labels.write_label(run, title="A · B")
    assert labels.short_title(run) == "A · B"  # a dot that a person wrote parts nothing
    labels.write_label(run, title="")
    assert labels.title_of(run) == made
    assert labels.label_of(run).note == "Seeds 1 to 3."


def test_too_long_a_title_is_refused_and_the_old_one_stays(run):
    labels.write_label(run, title="Short", starred=True)
    with pytest.raises(RunError, match="at most 80 characters; this one has 81"):
        labels.write_label(run, title="x" * 81)
    assert labels.label_of(run) == labels.Label("Short", "", True, False)


@pytest.mark.parametrize("text", ["", "[1, 2]", "{", '{"title": 5, "starred": "yes"}', "null"])
def test_a_damaged_label_loses_what_was_written_not_the_run(run, text):
    (run.path / "label.json").write_text(text)
    assert labels.label_of(run).starred is False
    assert labels.title_of(run)


def test_the_same_title_twice_gets_the_end_of_the_folders_name(run, tmp_path):
    other = make_run(tmp_path, run.dataset_path())
    labels.write_label(run, title="A")
    labels.write_label(other, title="A")
    assert labels.titles_of([run, other]) == {run.name: f"A [{run.name[-4:]}]", other.name: f"A [{other.name[-4:]}]"}
    labels.write_label(other, title="B")
    assert labels.titles_of([run, other]) == {run.name: "A", other.name: "B"}


def test_a_deleted_run_leaves_the_lists_and_comes_back_whole(run, tmp_path):
    before = sorted(path.name for path in run.path.iterdir())
    labels.delete(run)
    assert list_runs(tmp_path) == []
    assert [gone.name for gone in labels.deleted_runs(tmp_path)] == [run.name]
    back = labels.restore(tmp_path, run.name)
    assert [found.name for found in list_runs(tmp_path)] == [back.name]
    assert sorted(path.name for path in back.path.iterdir()) == before
    assert labels.deleted_runs(tmp_path) == []


def test_a_running_run_is_not_deleted(run):
    run.write_json("status.json", {**run.status(), "state": "queued"})
    with pytest.raises(RunError, match="Cancel it before deleting"):
        labels.delete(run)
    assert open_run(run.checkpoints, run.name)


@pytest.mark.parametrize("name", ["../x", "nothing", ""])
def test_only_deleted_runs_come_back(run, tmp_path, name):
    labels.delete(run)
    with pytest.raises(LandslideLensError):
        labels.restore(tmp_path, name)
    assert len(labels.deleted_runs(tmp_path)) == 1


def test_emptying_removes_deleted_runs_for_good_and_no_others(run, tmp_path):
    other = make_run(tmp_path, run.dataset_path())
    labels.delete(other)
    assert labels.empty_deleted(tmp_path) == 1
    assert labels.deleted_runs(tmp_path) == []
    assert [found.name for found in list_runs(tmp_path)] == [run.name]


def test_a_link_among_the_deleted_runs_is_not_followed(run, tmp_path):
    (tmp_path / ".deleted").mkdir()
    (tmp_path / ".deleted" / "sly").symlink_to(run.path)
    assert labels.deleted_runs(tmp_path) == []
    assert labels.empty_deleted(tmp_path) == 0
    assert json.loads((run.path / "config.json").read_text())
