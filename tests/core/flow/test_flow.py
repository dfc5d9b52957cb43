"""The whole flow as scripts call it: train, evaluate, predict, kill and resume, cancel; and chance on noise."""

import os
import signal
import time

import h5py
import numpy as np
import pandas as pd
import pytest
import rasterio
from affine import Affine
from PIL import Image

from core.analyses import external_validation
from core.config import RunConfig
from core.data.store import open_dataset
from core.errors import FoldError, FormatError
from core.heads.baselines import FULL_BOOST
from core.heads.blend import WITHOUT_NETWORK
from core.jobs import processes, queue
from core.pipeline import resume_point, train_run
from core.predict.patches import answer as answer_for
from core.predict.sources import patches_of
from core.progress import drain
from core.runs.store import create_run, open_run
from tests.builders import TINY, make_tiny, returned
from tests.command_line import core, core_json

ALWAYS = set(WITHOUT_NETWORK) - {FULL_BOOST}  # of a run that does not ask for the full statistics (heads.full)

SETTINGS = [f"--set={setting}" for setting in TINY]


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory):
    return tmp_path_factory.mktemp("checkpoints")


@pytest.fixture(scope="module")
def answer(tiny_dataset, checkpoints):
    """What ``train --json`` says of the tiny run."""
    return core_json("train", tiny_dataset, "--preset", "demo", *SETTINGS, "--checkpoints", checkpoints)


@pytest.fixture(scope="module")
def run(answer, checkpoints):
    return open_run(checkpoints, answer["run"])


def test_train_answers_as_the_contract_says(answer, tiny_dataset):
    assert set(answer) == {"run", "dataset", "oof", "folds", "seconds", "images_per_second", "ground", "at_prevalence"}
    assert answer["dataset"] == str(tiny_dataset)
    names = {"n", "f1", "auc", "precision", "recall", "specificity", "accuracy", "threshold", "f1_interval"}
    assert names <= set(answer["oof"])
    assert answer["oof"]["n"] == 48 and len(answer["folds"]) == 2
    assert answer["seconds"] > 0 and answer["images_per_second"] > 0


def test_every_real_patch_is_judged_once_by_a_fold_that_has_not_seen_it(run, tiny_dataset):
    oof, folds, ids = run.oof(), run.folds(), list(open_dataset(tiny_dataset).ids)
    assert sorted(oof["id"]) == sorted(ids)
    for fold, members in enumerate(folds["folds"]):
        assert set(oof.loc[oof["fold"] == fold, "id"]) == set(members)
    assert oof.groupby("group")["fold"].nunique().max() == 1
    probs = oof[[name for name in oof if name.startswith("prob_")]]
    assert probs.shape[1] == 13 and ((probs >= 0) & (probs <= 1)).all().all()


@pytest.mark.fault(19)
def test_no_synthetic_patch_has_a_parent_in_the_part_that_judges_it(run):
    fold_of = run.oof().set_index("id")["fold"]
    lineage = run.smote()
    assert len(lineage) > 0
    for parent in ("anchor", "neighbour"):
        assert (fold_of.loc[lineage[parent]].to_numpy() != lineage["fold"].to_numpy()).all()
    assert (lineage["anchor"] != lineage["neighbour"]).all()
    assert lineage["anchor_weight"].between(0.1, 0.9).all()


def test_a_finished_run_is_explained(run):
    summary = run.summary()
    index, maps, card = run.cams()
    assert len(index) == len(maps) == 48 and min(maps.shape[1:]) >= 4 and card["target"] == "landslide"
    occlusion = run.occlusion()
    assert len(occlusion) == 48 * 3 * 2 * 2  # patches, bands, heads, baselines
    arrays, card = run.umap(1)
    on_embeddings = {"fc", "svm_c1", "svm_c0.75", "svm_c0.5", "svm_c0.1", "lgbm", "logreg"}
    assert arrays["xy"].shape == (48, 2) and set(card["heads"]) == on_embeddings
    assert set(summary["heads"]) == on_embeddings | ALWAYS
    assert set(summary["differences"]) == ALWAYS
    assert summary["left_out"] == {}


@pytest.mark.fault(22)
@pytest.mark.slow
def test_the_same_specification_and_seed_give_the_same_numbers(trained_run, tmp_path):
    """One trained in a test's process, the other in a worker of its own."""
    other = queue.submit(tmp_path, trained_run.dataset_path(), trained_run.config())
    assert wait_for_end(other) == "succeeded", other.log()
    pd.testing.assert_frame_equal(trained_run.oof(), other.oof())
    for name in ("fold_0/model.safetensors", "fold_1/smote.parquet", "folds.json"):
        assert (trained_run.path / name).read_bytes() == (other.path / name).read_bytes(), name
    assert len(other.smote()) and other.summary()["oof"] == trained_run.summary()["oof"]


def test_a_run_judges_another_dataset(run, checkpoints, tmp_path):
    other = make_tiny(tmp_path / "other.h5", seed=5)
    value = core_json("evaluate", run.name, other, "--checkpoints", checkpoints)
    assert value["n"] == 48 and sum(value["confusion"].values()) == 48
    assert {"f1", "auc", "precision", "recall", "specificity", "accuracy", "threshold"} <= set(value)
    assert value["sets"]["train"]["n"] == 24 and value["sets"]["validation"]["n"] == value["sets"]["test"]["n"] == 48
    assert value["sets"]["validation"]["f1"] == run.summary()["oof"]["f1"]
    assert value == external_validation.read(run)["other"].report


def test_a_run_answers_for_new_patches(run, checkpoints, tmp_path, tiny_dataset):
    value = core_json("predict", run.name, tiny_dataset, "--out", tmp_path / "p.csv", "--checkpoints", checkpoints)
    table = pd.read_csv(tmp_path / "p.csv")
    assert list(table.columns[:4]) == ["id", "prob", "pred", "answer"] and len(table) == value["n"] == 48
    assert list(table.columns[-3:]) == ["novelty", "unusual", "known"]
    assert table["pred"].sum() == value["n_positive"]
    assert {"run", "out", "n", "n_positive", "threshold", "head", "rejected", "warnings"} <= set(value)
    assert value["n_known"] == value["known"]["identical"] == 48 and "are known to run" in value["warnings"][0]


def test_the_same_patches_get_the_same_answer_in_every_format(run, tmp_path, tiny_dataset):
    images = open_dataset(tiny_dataset).images()[:4].clip(0, 255).astype(np.uint8)
    for name in ("png", "geo", "l4s"):
        (tmp_path / name).mkdir()
    for number, image in enumerate(images):
        Image.fromarray(image.transpose(1, 2, 0)).save(tmp_path / f"png/p{number}.png")
        place = {"crs": "EPSG:32646", "transform": Affine(10, 0, 500_000 + 1000 * number, 0, -10, 2_500_000)}
        profile = {"width": 32, "height": 32, "count": 3, "dtype": "uint8", "photometric": "minisblack", **place}
        with rasterio.open(tmp_path / f"geo/p{number}.tif", "w", driver="GTiff", **profile) as raster:
            raster.write(image[::-1])
            for band, name in enumerate(("blue", "green", "red"), 1):  # another order, told by the names
                raster.set_band_description(band, name)
        with h5py.File(tmp_path / f"l4s/image_{number}.h5", "w") as file:
            file["img"] = np.ones((32, 32, 14))
    with h5py.File(tmp_path / "all.h5", "w") as file:
        file["images"] = images.transpose(0, 2, 3, 1)

    def probs(source, format=None):
        bands, batches, _ = patches_of(tmp_path / source, format)
        return returned(answer_for(run, batches, bands)).probs

    expected = probs("png", "folders")
    assert len(expected) == 4 and np.ptp(expected) > 0
    for source, format in (("geo", "geotiff"), ("all.h5", "hdf5")):
        for asked in (None, format):
            np.testing.assert_allclose(probs(source, asked), expected, rtol=1e-5)
    with pytest.raises(FormatError, match="trained on other units; found red in 'times its mean' instead of '0-255'"):
        probs("l4s")


def test_the_other_commands_answer(run, checkpoints):
    assert core_json("jobs", "list", "--checkpoints", checkpoints)["jobs"][0]["state"] == "succeeded"
    assert core_json("jobs", "show", run.name, "--checkpoints", checkpoints)["progress"] == 1.0
    assert set(core_json("heads", run.name, "--checkpoints", checkpoints)["heads"]) >= {"fc", "stats_svm"}
    assert len(core_json("explain", run.name, "--checkpoints", checkpoints)["occlusion"]) == 12
    assert core_json("compare", run.name, run.name, "--checkpoints", checkpoints)["runs"][0]["n"] == 48


@pytest.mark.parametrize(
    ("arguments", "status", "text"),
    [
        (["train", "no-such.h5"], 1, "no-such.h5"),
        (["train", "{data}", "--set", "train.epoch=3"], 1, "train.epoch"),
        (["train", "{data}", "--preset", "nothing"], 1, "preset"),
        (["jobs", "show", "../../etc"], 1, "folder"),
        (["train"], 2, "Missing argument"),
        (["nothing"], 2, "No such command"),
    ],
)
def test_a_mistake_is_one_sentence_and_a_status(arguments, status, text, tiny_dataset, checkpoints):
    filled = [str(tiny_dataset) if item == "{data}" else item for item in arguments]
    extra = ["--checkpoints", checkpoints] if status == 1 else []
    found = core(*filled, *extra, check=False)
    assert found.returncode == status
    assert text in found.stderr and "Traceback" not in found.stderr and not found.stdout


# ------------------------------------------------------------------------------------------------ killed, cancelled


LONG = [*TINY, "train.epochs=4", "heads.svm_C=[0.1]", "embed.method=pca", "heads.lgbm=false", "explain.enabled=false"]


def wait_for_epoch(run, epoch, fold=0, timeout_s=120):
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        seen = [e for e in run.events()[0] if e["event"] == "epoch" and e["fold"] == fold and e["epoch"] >= epoch]
        if seen:
            return
        assert run.status()["state"] in ("queued", "running"), run.log()
        time.sleep(0.02)
    raise AssertionError(f"no epoch {epoch} in {timeout_s} s: {run.log()}")


def wait_for_end(run, timeout_s=180):
    deadline = time.monotonic() + timeout_s
    while run.status()["state"] in ("queued", "running") and time.monotonic() < deadline:
        time.sleep(0.1)
    return run.status()["state"]


def config(*settings):
    from core.config import preset

    return preset("demo").with_overrides(settings)


@pytest.mark.fault(1)
@pytest.mark.slow
def test_a_killed_run_goes_on_to_the_same_weights(tiny_dataset, tmp_path):
    whole = create_run(tmp_path / "whole", config(*LONG), tiny_dataset, "whole")
    drain(train_run(whole))
    broken = queue.submit(tmp_path / "broken", tiny_dataset, config(*LONG))
    wait_for_epoch(broken, 2)
    os.kill(broken.status()["pid"], signal.SIGKILL)
    deadline = time.monotonic() + 20
    while queue.job(tmp_path / "broken", broken.name).state == "running" and time.monotonic() < deadline:
        time.sleep(0.05)
    assert queue.job(tmp_path / "broken", broken.name).state == "interrupted"
    core("jobs", "resume", broken.name, "--wait", "--checkpoints", tmp_path / "broken")
    assert broken.status()["state"] == "succeeded", broken.log()
    events = broken.events()[0]
    assert [e["event"] for e in events].count("resumed") == 1
    done = [(e["fold"], e["epoch"]) for e in events if e["event"] == "epoch"]
    assert len(done) - len(set(done)) <= 1  # the epoch that was killed before it was told may be told again
    for fold in (0, 1):
        for name in ("model.safetensors", "embeddings.safetensors", "epoch_answers.safetensors"):
            assert (whole.fold_path(fold) / name).read_bytes() == (broken.fold_path(fold) / name).read_bytes()
    history, answers = broken.history(), broken.samples()
    assert history.groupby("fold")["epoch"].apply(list).tolist() == [[1, 2, 3, 4]] * 2
    assert answers.groupby("fold")["epoch"].unique().apply(list).tolist() == [[1, 2, 3, 4]] * 2
    assert answers.equals(whole.samples()) and answers.groupby(["fold", "epoch"])["id"].nunique().eq(8).all()
    assert not any(broken.resume_path(fold).exists() for fold in (0, 1)), "done folds need no checkpoints"
    assert resume_point(broken).fields["stage"] == "judging"


@pytest.mark.fault(6)
def test_a_cancelled_run_is_gone_within_twenty_seconds_and_the_next_begins(tiny_dataset, tmp_path):
    run = queue.submit(tmp_path, tiny_dataset, config(*TINY, "train.epochs=500"))
    waiting = queue.submit(tmp_path, tiny_dataset, config(*TINY, "train.epochs=501"))
    assert queue.job(tmp_path, waiting.name).place == 1
    wait_for_epoch(run, 1)
    worker = processes.ProcessId(run.status()["pid"], run.status()["pid_started"])
    began = time.monotonic()
    queue.cancel(tmp_path, run.name)
    assert time.monotonic() - began < 20
    assert run.status()["state"] == "cancelled" and not processes.is_alive(worker)
    assert queue.job(tmp_path, waiting.name).state == "running"
    queue.cancel(tmp_path, waiting.name)
    assert waiting.status()["state"] == "cancelled"


def test_a_run_that_cannot_be_done_says_why(tmp_path):
    path = make_tiny(tmp_path / "one.h5", n=12, positive_every=1)
    run = queue.submit(tmp_path, path, config(*TINY))
    assert wait_for_end(run) == "failed"
    assert "class" in run.status()["error"] and "Traceback" not in run.log()


def test_a_class_without_a_patch_to_learn_from_is_refused_before_training(tmp_path):
    from core.flow import run_context

    path = make_tiny(tmp_path / "one.h5", n=48, positive_every=48)
    run = create_run(tmp_path, config(*TINY), path, "few")
    with pytest.raises(FoldError, match="to learn"):
        run_context.prepare(run)


@pytest.mark.fault(20)
@pytest.mark.usefixtures("jobs_here")
def test_one_landslide_to_learn_from_leaves_heads_out_and_the_others_go_on(tmp_path):
    path = make_tiny(tmp_path / "two.h5", n=48, positive_every=24)
    pca = "--set=embed.method=pca"
    value = core_json("train", path, "--preset", "demo", *SETTINGS, pca, "--checkpoints", tmp_path)
    run = open_run(tmp_path, value["run"])
    summary = run.summary()
    assert summary["head"] == "fc" and set(summary["heads"]) == {"fc"} and value["oof"]["n"] == 48
    assert set(summary["left_out"]) >= {"svm_c0.1", "lgbm", "logreg", "stats_svm", "stats_boost"}
    assert "1 landslides and" in summary["left_out"]["svm_c0.1"] and "svm_c0.1" in " ".join(summary["warnings"])
    assert len(run.oof()) == 48 and len(run.occlusion()) == 48 * 3 * 1 * 2 and set(run.umap(0)[1]["heads"]) == {"fc"}
    core_json("heads", run.name, "--checkpoints", tmp_path)
    core_json("predict", run.name, path, "--out", tmp_path / "p.csv", "--checkpoints", tmp_path)


@pytest.mark.fault(20)
@pytest.mark.usefixtures("jobs_here")
def test_fewer_landslides_than_folds_leave_a_fold_undefined_and_every_head_in_its_place(tmp_path):
    path = make_tiny(tmp_path / "three.h5", n=48, positive_every=16)
    few = ["--set=folds.n_splits=4", "--set=train.epochs=1", "--set=heads.svm_C=[0.1]", "--set=embed.method=pca"]
    value = core_json("train", path, "--preset", "demo", *SETTINGS, *few, "--checkpoints", tmp_path)
    summary = open_run(tmp_path, value["run"]).summary()
    assert summary["left_out"] == {} and summary["head"] == "svm_c0.1"
    assert {"fc", "svm_c0.1", "lgbm", "logreg", *ALWAYS} == set(summary["heads"])
    assert [fold["auc"] for fold in value["folds"]].count(None) >= 1 and value["oof"]["auc"] is not None
    rows = core_json("heads", value["run"], "--checkpoints", tmp_path)["table"]
    assert {row["head"] for row in rows} == set(summary["heads"]) and all(len(row["folds"]) == 4 for row in rows)


# ------------------------------------------------------------------------------------------------------- honesty


@pytest.mark.parametrize(
    ("seed", "n_folds"), [(0, 5), *(pytest.param(seed, 3, marks=pytest.mark.slow) for seed in (1, 2))]
)
def test_noise_with_random_labels_scores_at_chance(seed, n_folds, tmp_path):
    from core import pipeline
    from core.flow.fold import train_fold

    path = make_tiny(tmp_path / "noise.h5", n=600, side=16, seed=seed, signal=0.0, positive_every=6)
    settings = [*TINY, f"folds.n_splits={n_folds}", "train.epochs=4", "heads.svm_C=[1, 0.1]", f"seed={seed}"]
    run = create_run(tmp_path, RunConfig().with_overrides(settings), path, "noise")
    plan = pipeline.prepare(run)
    for fold in range(n_folds):
        for _ in train_fold(plan, fold):
            pass
    judged = pipeline.judge(plan)
    for name, head in judged.items():  # a leak lifts it; folds of equal classes pull chance a little below 0.5
        assert 0.36 <= head.metrics["auc"] <= 0.58, (name, head.metrics["auc"])
        assert len(np.unique(head.probs)) > 100, f"{name} is constant"
