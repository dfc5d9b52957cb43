"""A run evaluated on another dataset: its numbers beside training and validation, kept beside the run."""

import shutil

import numpy as np
import pytest

from core.analyses import external_validation
from core.data.bands import RGB_BANDS
from core.data.store import DatasetWriter, open_dataset
from core.errors import ConfigError, DataError, LabelError
from core.progress import drain
from core.runs.store import open_run
from tests.builders import make_tiny


@pytest.fixture
def run(balanced_run, tmp_path):
    shutil.copytree(balanced_run.path, tmp_path / balanced_run.name)
    return open_run(tmp_path, balanced_run.name)


def evaluated(run, path):
    """The evaluation on this file, and its steps."""
    steps = []
    result = drain(external_validation.ANALYSIS.start(run, {"dataset": str(path)}), steps.append)
    return external_validation.read(run)[result["name"]], steps


def test_another_dataset_stands_beside_training_and_validation(run, tmp_path):
    assert external_validation.read(run) is None
    found, _ = evaluated(run, make_tiny(tmp_path / "other.h5", n=60, seed=5))
    report = found.report
    assert report["n"] == 60 and sum(report["confusion"].values()) == 60 and report["n_known"] == 0
    sets = report["sets"]
    assert (sets["train"]["n"], sets["validation"]["n"], sets["test"]["n"]) == (80, 120, 60)
    assert sets["validation"]["f1"] == run.summary()["oof"]["f1"]
    assert len(report["shift"]["bands"]) == 3 and 0 <= report["shift"]["embedding"]["p"] <= 1


def test_the_patches_are_kept_with_what_was_said_of_them(run, tmp_path):
    data = open_dataset(make_tiny(tmp_path / "other.h5", n=60, seed=5))
    table = evaluated(run, data.path)[0].patches()
    assert list(table.columns) == ["id", "label", "prob", "pred"] and table["id"].tolist() == list(data.ids)
    assert (table["label"] == data.labels).all() and table["prob"].between(0, 1).all()


def test_the_runs_own_patches_are_recognised_and_the_numbers_called_flattering(run):
    report = evaluated(run, run.dataset_path())[0].report
    assert report["n_known"] == 120 and any("flatter" in note for note in report["notes"])


def test_every_dataset_has_its_own_evaluation(run, tmp_path):
    for name, n in (("one", 24), ("two", 27)):
        evaluated(run, make_tiny(tmp_path / f"{name}.h5", n=n, seed=n))
    assert {name: found.report["n"] for name, found in external_validation.read(run).items()} == {"one": 24, "two": 27}


def test_it_says_how_far_it_is(run, tmp_path, monkeypatch):
    monkeypatch.setattr("core.predict.sources.BATCH", 20)
    _, steps = evaluated(run, make_tiny(tmp_path / "other.h5", n=48, seed=5))
    shares = [step.share for step in steps]
    assert shares == sorted(shares) and 0 <= shares[0] and shares[-1] < 1
    answered = [step.message for step in steps if step.message.endswith("answered.")]
    assert answered == ["20 of 48 patches answered.", "40 of 48 patches answered.", "48 of 48 patches answered."]


def test_what_cannot_be_evaluated_is_refused(run, tmp_path):
    with DatasetWriter(
        tmp_path / "unlabelled.h5",
        bands=RGB_BANDS,
        shape_hw=(32, 32),
        class_names=("other", "landslide"),
        source="test",
    ) as writer:
        writer.append(np.ones((2, 3, 32, 32), np.float32), np.full(2, -1, np.int8), ["a", "b"])
        writer.finish()
    with pytest.raises(LabelError, match="no labelled patches"):
        evaluated(run, tmp_path / "unlabelled.h5")
    with pytest.raises(DataError, match=r"nowhere\.h5"):
        evaluated(run, tmp_path / "nowhere.h5")
    with pytest.raises(ConfigError, match="dataset"):
        external_validation.ANALYSIS.options({})
