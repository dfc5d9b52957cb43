"""The held-back part of a run's own dataset, judged by the run; each opening recorded."""

import shutil

import pytest

from core.analyses import locked_test
from core.config import RunConfig
from core.data.bands import RGB_BANDS
from core.data.held_back.openings import read_openings
from core.data.store import DatasetWriter, open_dataset
from core.errors import DataError, RunError
from core.progress import drain
from core.runs.store import RunFolder
from tests.builders import TINY, make_tiny
from tests.trained_runs import QUICK, train_tiny

N, TEST = 72, 18


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("locked")


@pytest.fixture(scope="module")
def dataset(home):
    """make_tiny's patches, the last of them the source's own test part."""
    plain = open_dataset(make_tiny(home / "plain.h5", n=N))
    writer = DatasetWriter(
        home / "tiny.h5", bands=RGB_BANDS, shape_hw=plain.shape[1:], class_names=plain.class_names, source=""
    )
    with writer:
        split = ["train"] * (N - TEST) + ["test"] * TEST
        writer.append(plain.images(), plain.labels, plain.ids.tolist(), groups=plain.groups.tolist(), split=split)
        return writer.finish()


@pytest.fixture(scope="module")
def run(home, dataset):
    return train_tiny(home, dataset.path, RunConfig().with_overrides([*TINY, *QUICK]), "held back")


def test_official_test_patches_are_in_no_fold_and_the_run_says_so(run, dataset):
    test = set(dataset.ids[-TEST:].tolist())
    assert not test & {name for ids in run.folds()["folds"] for name in ids} and not test & set(run.oof()["id"])
    assert run.summary()["selection"]["n_held_back"] == TEST
    for fold in range(2):
        rows = run.head_rows(fold)
        assert rows["train"].max() < N - TEST and rows["val"].max() < N - TEST
    assert any("test part was held back (18 labelled patches" in text for text in run.summary()["warnings"])


def test_it_is_judged_at_the_runs_threshold_and_every_opening_counts(run, dataset):
    assert locked_test.read(run) is None
    answers = [drain(locked_test.ANALYSIS.start(run, {})) for _ in range(3)]
    assert [answer["opened_before"] for answer in answers] == [0, 1, 2]
    assert "It had not been opened before" in answers[0]["message"]
    assert f"opened 2 times before, by {run.name}" in answers[2]["message"]
    found = locked_test.read(run)["test"]
    assert found.report["n"] == TEST and found.patches()["id"].tolist() == dataset.ids[-TEST:].tolist()
    assert found.report["threshold"] == run.rules()[found.report["head"]]["deployed"]
    low, high = found.report["f1_interval"]
    assert low <= found.report["f1"] <= high and sum(found.report["confusion"].values()) == TEST
    openings = read_openings(dataset.path)
    assert [one["f1"] for one in openings] == [found.report["f1"]] * 3 and len(found.report["earlier"]) == 2
    assert any("looked at before" in note for note in found.report["notes"])


def test_a_run_that_learnt_from_the_part_cannot_be_judged_by_it(run, dataset, trained_run):
    with pytest.raises(DataError, match="no labelled validation part"):
        drain(locked_test.ANALYSIS.start(run, {"part": "val"}))
    everything = run.folds()
    everything["folds"][0] += dataset.ids[-TEST:].tolist()
    leaky = recorded_with(run, everything)
    with pytest.raises(RunError, match=r"trained on 18 of the 18 test patches.*folds.use_split=true"):
        drain(locked_test.ANALYSIS.start(leaky, {}))
    with pytest.raises(DataError, match="no labelled test part"):
        drain(locked_test.ANALYSIS.start(trained_run, {}))


def recorded_with(run, folds):
    """A copy of the run with these folds on record."""
    copy = RunFolder(run.path.parent / f"{run.name}-copy")
    shutil.copytree(run.path, copy.path)
    copy.write_json("folds.json", folds)
    return copy
