"""A run evaluated on another dataset: its numbers beside training and validation, kept beside the run."""

import shutil

import numpy as np
import pytest

from core.analyses import external_validation
from core.config import RunConfig
from core.data import exclusions
from core.data.bands import RGB_BANDS
from core.data.store import DatasetWriter, open_dataset
from core.errors import ConfigError, DataError, LabelError
from core.predict import external
from core.progress import drain
from core.runs.prevalence import state_prevalence
from core.runs.store import open_run
from tests.builders import TINY, make_tiny
from tests.trained_runs import QUICK, train_tiny


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
    folds = [f"prob_fold_{fold}" for fold in (1, 2, 3)]
    assert list(table.columns) == ["id", "label", "prob", "pred", "group", *folds] and table["id"].tolist() == list(
        data.ids
    )
    assert (table["label"] == data.labels).all() and table["prob"].between(0, 1).all()


def test_the_share_is_told_from_unlabelled_patches_and_checked_on_labelled_ones(run, tmp_path):
    state_prevalence(run, 0.1)
    data = open_dataset(make_tiny(tmp_path / "all.h5", n=120, seed=5))
    report = evaluated(run, data.path)[0].report
    share, check = report["share"], report["share"]["check"]
    assert (share["of"], share["n"], share["n_groups"]) == ("labelled", 120, 40)
    assert check["labelled"] == pytest.approx(1 / 3) and check["estimate"] == share["share"]
    assert check["holds"] == (share["lo"] <= 1 / 3 <= share["hi"]) and "Checked on the labelled" in share["notes"][-1]
    assert report["there"]["share"] == 0.1 and len(report["there"]["intervals"]["precision"]) == 2
    told = external.sentences(report)
    assert (
        any("With 100 landslides per 1,000 patches: precision" in line for line in told) and share["sentence"] in told
    )
    own = open_dataset(run.dataset_path())  # 40 unlabelled ones are new, 10 are known to the run
    labels = np.r_[data.labels[:80], np.full(50, -1)].astype(np.int8)
    images = np.concatenate([data.images(), own.images(np.arange(10))])
    with DatasetWriter(
        tmp_path / "some.h5", bands=data.bands, shape_hw=data.shape[1:], class_names=data.class_names, source="test"
    ) as writer:
        writer.append(images, labels, [f"n{i}" for i in range(130)])
        writer.finish()
    share = evaluated(run, tmp_path / "some.h5")[0].report["share"]
    assert (share["of"], share["n"], share["n_groups"], share["effect"]) == ("unlabelled", 40, None, 3)
    assert (
        share["check"]["labelled"] == pytest.approx(labels[:80].mean()) and share["check"]["estimate"] != share["share"]
    )


def rewritten(path, data, rows, images=None, **more):
    """A dataset file of some patches of another, under other ids."""
    images = data.images(rows) if images is None else images
    with DatasetWriter(
        path, bands=data.bands, shape_hw=data.shape[1:], class_names=data.class_names, source="test"
    ) as writer:
        writer.append(images, data.labels[rows], [f"new{row}" for row in range(len(images))], **more)
        return writer.finish().path


NOISES = {"as they are": 0.0, "with a little noise": 0.5}


@pytest.mark.parametrize("noise", NOISES)
def test_patches_that_the_run_learnt_from_are_never_called_external(run, tmp_path, noise):
    data, rng = open_dataset(run.dataset_path()), np.random.default_rng(0)
    rows = rng.permutation(len(data))[:60]
    images = data.images(rows) + rng.normal(0, NOISES[noise], (60, *data.shape)).astype(np.float32)
    with pytest.raises(
        DataError, match=f"60 of the 60 labelled patches of o.h5 are known to run '{run.name}'.*example"
    ):
        evaluated(run, rewritten(tmp_path / "o.h5", data, rows, images))
    assert external_validation.read(run) is None


def test_some_of_its_patches_among_others_are_left_out_and_counted(run, tmp_path):
    data, other = open_dataset(run.dataset_path()), open_dataset(make_tiny(tmp_path / "other.h5", n=60, seed=5))
    images = np.concatenate([other.images(), data.images(np.arange(7)), data.images([8, 9]) + 0.01])
    labels = np.concatenate([other.labels, data.labels[:7], data.labels[[8, 9]]])
    with DatasetWriter(
        tmp_path / "mixed.h5", bands=data.bands, shape_hw=(32, 32), class_names=data.class_names, source="test"
    ) as writer:
        writer.append(images, labels, [f"m{k}" for k in range(69)])
        writer.finish()
    found, _ = evaluated(run, tmp_path / "mixed.h5")
    alone, _ = evaluated(run, other.path)
    report = found.report
    assert (report["n"], report["n_labelled"], report["n_known"]) == (60, 69, 9)
    assert report["left_out"] == {"identical": 7, "near": 2}
    assert any("9 of 69 labelled patches were left out" in note and "7 identical" in note for note in report["notes"])
    assert (report["auc"], report["f1"]) == (alone.report["auc"], alone.report["f1"])
    assert found.patches()["id"].tolist() == [f"m{k}" for k in range(60)]


def test_it_does_not_need_the_training_dataset(run, tmp_path):
    data = open_dataset(run.dataset_path())
    path = rewritten(tmp_path / "o.h5", data, np.arange(30))
    run.write_json("job.json", {**run.job(), "dataset": str(tmp_path / "gone.h5")})
    with pytest.raises(DataError, match="30 of the 30"):
        evaluated(run, path)
    found, _ = evaluated(run, make_tiny(tmp_path / "other.h5", n=60, seed=5))
    assert found.report["n"] == 60 and found.report["left_out"] == {}


def test_a_run_of_an_earlier_version_asks_the_dataset_file_and_says_where_nothing_can_tell(run, tmp_path):
    data = open_dataset(run.dataset_path())
    path = rewritten(tmp_path / "o.h5", data, np.arange(30))
    shutil.rmtree(run.path / "trained_on")
    with pytest.raises(DataError, match="30 of the 30"):
        evaluated(run, path)
    run.write_json("job.json", {**run.job(), "dataset": str(tmp_path / "gone.h5")})
    report = evaluated(run, path)[0].report
    assert report["n"] == 30 and any("What run" in note and "is unknown" in note for note in report["notes"])


def test_the_exclusion_list_and_the_cloud_limit_hold_as_in_training(run, tmp_path):
    data = open_dataset(make_tiny(tmp_path / "other.h5", n=60, seed=5))
    cloud = np.where(np.arange(60) < 10, 90.0, 0.0)
    path = rewritten(tmp_path / "cloudy.h5", data, np.arange(60), columns={"cloud": cloud})
    exclusions.add(path, ["new5", "new20", "new21"], "blurred")
    config = run.config()
    limited = config.model_copy(update={"data": config.data.model_copy(update={"max_cloud": 50.0})})
    run.write_text("config.json", limited.to_json())
    report = evaluated(run, path)[0].report
    assert (report["n"], report["left_out"]) == (48, {"excluded": 3, "cloudy": 9})
    assert any("more cloud" in note for note in report["notes"])
    report = evaluated(run, data.path)[0].report
    assert report["n"] == 60 and any("does not tell the cloud" in note for note in report["notes"])


def test_what_the_run_left_out_on_purpose_is_left_out_here_too(tmp_path):
    path = make_tiny(tmp_path / "tiny.h5")
    config = RunConfig().with_overrides([*TINY, *QUICK, "data.exclude=p003,p007"])
    run = train_tiny(tmp_path, path, config, "s")
    data, other = open_dataset(path), open_dataset(make_tiny(tmp_path / "other.h5", seed=5))
    images = np.concatenate([other.images(), data.images([3, 7])])
    mixed = rewritten(tmp_path / "mixed.h5", other, np.concatenate([np.arange(48), [0, 1]]), images)
    report = evaluated(run, mixed)[0].report
    assert (report["n"], report["left_out"]) == (48, {"excluded": 2})


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
