"""Answers for new patches as a CSV: for every usable file of the source, with the others named."""

import numpy as np
import pandas as pd
import pytest
from affine import Affine
from PIL import Image

from core.analyses.prediction import ANALYSIS, results_of
from core.data import uploads
from core.data.readers import ReaderOptions, ingest
from core.data.store import DatasetWriter, open_dataset
from core.errors import ConfigError, DataError, FormatError, UnsafeFileError
from core.predict.answered.files import MAPS, TABLE, patches_path
from core.predict.answered.kept import Kept
from core.progress import drain
from tests.builders import make_tiny
from tests.core.data.readers.geo.test_raster import write

HEADS = ["prob_fc", "prob_logreg"]
COLUMNS = [
    "id", "prob", "pred", "answer", "spread", *HEADS, "prob_fold_1", "prob_fold_2", "prob_fold_3", "nearest_1",
    "nearest_2", "nearest_3", "novelty", "unusual", "known",
]  # fmt: skip


def predicted(run, source, out, **options):
    return drain(ANALYSIS.start(run, {"source": str(source), "out": str(out), **options}))


def pictures(folder, *names):
    folder.mkdir()
    for name in names:
        Image.fromarray(np.full((32, 32, 3), 100, np.uint8)).save(folder / f"{name}.png")
    return folder


def test_every_patch_has_a_probability_and_a_decision(balanced_run, tmp_path):
    value = predicted(balanced_run, balanced_run.dataset_path(), tmp_path / "p.csv")
    table = pd.read_csv(value["out"])
    assert list(table.columns) == COLUMNS and len(table) == value["n"] == 120
    assert table["pred"].sum() == value["n_positive"] and value["run"] == balanced_run.name
    assert ((table["prob"] >= value["threshold"]) == table["pred"]).all() and not value["rejected"]


def test_patches_unlike_the_training_set_are_told_first(balanced_run, tmp_path):
    own = open_dataset(balanced_run.dataset_path())
    images = own.images(np.arange(24))
    images[:, 1] = 100.0  # a band that failed
    writer = DatasetWriter(tmp_path / "d.h5", bands=own.bands, shape_hw=own.shape[1:], class_names=own.class_names,
                           source="made")  # fmt: skip
    with writer:
        writer.append(images, np.full(24, -1), [f"n{i}" for i in range(24)])
        writer.finish()
    value = predicted(balanced_run, tmp_path / "d.h5", tmp_path / "p.csv")
    found, table = value["novelty"], pd.read_csv(tmp_path / "p.csv")
    assert found["is_off"] and found["n_new"] == 24 and found["cause"] == "constant" and found["n_groups"] == 40
    assert "green is (nearly) the same everywhere" in value["warnings"][0] == found["sentence"]
    assert (table["unusual"] == "green").all() and np.allclose(table["novelty"], 1 / 41, atol=1e-6)
    usual = predicted(balanced_run, balanced_run.dataset_path(), tmp_path / "q.csv")
    assert not usual["novelty"]["is_off"] and pd.read_csv(tmp_path / "q.csv")["novelty"].median() > 0.2


def test_a_safety_target_clears_what_every_model_clears(balanced_run, tmp_path):
    source = balanced_run.dataset_path()
    value = predicted(balanced_run, source, tmp_path / "p.csv", miss_rate=0.5, design_effect=1)
    table, rule = pd.read_csv(tmp_path / "p.csv"), value["triage"]
    assert list(table.columns) == [*COLUMNS[:-6], "prob_highest", "triage", *COLUMNS[-6:]]
    assert ((table["answer"] == "no landslide") == (table["triage"] == "cleared")).all()
    assert ((table["answer"] == "have a person look") == (table["triage"] == "inspect")).all()
    assert value["answers"] == table["answer"].value_counts().to_dict()
    cleared = table["triage"] == "cleared"
    assert (table["prob_highest"][cleared] < rule["threshold"] + 1e-6).all()
    assert (table["prob_highest"][~cleared] >= rule["threshold"] - 1e-6).all()
    assert (rule["cleared"], rule["inspect"]) == (cleared.sum(), (~cleared).sum()) and rule["n_models"] == 3
    assert "all 3 models" in rule["rests_on"] and "at most 50% of the landslides" in value["message"]
    with pytest.raises(DataError, match="are needed"):
        predicted(balanced_run, source, tmp_path / "q.csv", missed_per_1000=0.1)
    with pytest.raises(ConfigError, match="two ways"):
        predicted(balanced_run, source, tmp_path / "q.csv", missed_per_1000=10, miss_rate=0.1)
    assert not (tmp_path / "q.csv").exists()


def test_its_own_patches_are_marked_and_answered_for_by_the_fold_that_did_not_learn_from_them(balanced_run, tmp_path):
    value = predicted(balanced_run, balanced_run.dataset_path(), tmp_path / "p.csv")
    table, oof = pd.read_csv(value["out"]), balanced_run.oof().set_index("id")
    assert (table["known"] == "identical").all() and value["n_known"] == value["known"]["identical"] == 120
    assert "120 of 120 patches are known" in value["warnings"][0] and "cross-validation" in value["warnings"][1]
    rules = balanced_run.rules()[value["head"]]
    assert "deployed" in rules
    expected = oof.loc[table["id"], f"prob_{value['head']}"].to_numpy()
    assert np.allclose(table["prob"], expected, atol=2e-6)


def test_copies_with_noise_are_marked_and_new_patches_are_not(balanced_run, tmp_path):
    data = open_dataset(balanced_run.dataset_path())
    images = np.concatenate([data.images([4, 5]) + 0.01, np.random.default_rng(3).normal(100, 10, (3, *data.shape))])
    with DatasetWriter(
        tmp_path / "new.h5", bands=data.bands, shape_hw=data.shape[1:], class_names=data.class_names, source="test"
    ) as writer:
        writer.append(images.astype(np.float32), np.full(5, -1, np.int8), list("abcde"))
        writer.finish()
    value = predicted(balanced_run, tmp_path / "new.h5", tmp_path / "p.csv")
    table = pd.read_csv(tmp_path / "p.csv", keep_default_na=False)
    assert table["known"].tolist() == ["near", "near", "", "", ""] and value["known"]["near"] == 2
    assert len(value["warnings"]) == 1
    flat = predicted(balanced_run, pictures(tmp_path / "flat", "a"), tmp_path / "q.csv")
    assert flat["n_known"] == 0 and not any("are known to" in text for text in flat["warnings"])


def test_a_submission_has_whole_numbers_under_zindis_names(balanced_run, tmp_path):
    predicted(balanced_run, balanced_run.dataset_path(), tmp_path / "s.csv", submission=True)
    table = pd.read_csv(tmp_path / "s.csv")
    assert list(table.columns) == ["ID", "label"] and set(table["label"]) <= {0, 1}


def test_an_unusable_file_is_set_aside_and_the_others_are_answered_for(balanced_run, tmp_path):
    folder = pictures(tmp_path / "new", "a", "b")
    (folder / "c.png").write_bytes(b"this is no picture")
    value = predicted(balanced_run, folder, tmp_path / "p.csv")
    assert value["n"] == 2 and [item["file"] for item in value["rejected"]] == ["c.png"]
    assert pd.read_csv(tmp_path / "p.csv")["id"].tolist() == ["a", "b"]


def test_bands_are_named_with_commas_and_others_than_the_runs_are_refused(balanced_run, tmp_path):
    folder = pictures(tmp_path / "new", "a")
    assert predicted(balanced_run, folder, tmp_path / "p.csv", bands="red, green,blue")["n"] == 1
    with pytest.raises(FormatError, match="have no blue"):
        predicted(balanced_run, folder, tmp_path / "p.csv", bands="red,green,nir")


def test_paths_do_not_depend_on_where_the_worker_stands(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    options = ANALYSIS.options({"source": "new", "out": "p.csv"})
    assert (options.source, options.out) == (str(tmp_path / "new"), str(tmp_path / "p.csv"))
    with pytest.raises(ConfigError, match="source"):
        ANALYSIS.options({"out": "p.csv"})


def test_a_scene_is_refused_naming_what_cuts_it_and_its_tiles_are_answered_for(balanced_run, tmp_path):
    pixels = np.random.default_rng(0).integers(60, 140, (3, 70, 100)).astype(np.uint8)
    profile = dict(photometric="RGB", crs="EPSG:32646", transform=Affine(10, 0, 500_000, 0, -10, 2_500_000))
    write(tmp_path / "scene.tif", pixels, **profile)
    with pytest.raises(FormatError, match="70x100 pixels; .*32x32.*python -m core ingest auto SOURCE --tile 32 --out"):
        predicted(balanced_run, tmp_path / "scene.tif", tmp_path / "p.csv")
    drain(ingest(None, tmp_path / "scene.tif", tmp_path / "tiles.h5", ReaderOptions(tile=32)))
    value = predicted(balanced_run, tmp_path / "tiles.h5", tmp_path / "p.csv")
    assert value["n"] == 3 * 4
    small = pictures(tmp_path / "small", "a")
    Image.fromarray(np.full((20, 20, 3), 9, np.uint8)).save(small / "a.png")
    with pytest.raises(FormatError, match="20x20 pixels; .*--resize 32"):
        predicted(balanced_run, small, tmp_path / "p.csv")


def test_every_head_and_fold_answers_and_the_nearest_are_of_the_first_folds_training(balanced_run, tmp_path):
    data = open_dataset(balanced_run.dataset_path())
    value = predicted(balanced_run, data.path, tmp_path / "p.csv")
    table, oof = pd.read_csv(value["out"]), balanced_run.oof().set_index("id")
    folds = table[["prob_fold_1", "prob_fold_2", "prob_fold_3"]].to_numpy()
    assert np.allclose(folds.mean(axis=1), table["prob"], atol=2e-6)
    assert np.allclose(folds.std(axis=1), table["spread"], atol=2e-6)
    for head in HEADS:  # its own patches are answered for by the fold that did not learn from them, by every head
        assert np.allclose(table[head], oof.loc[table["id"], head], atol=2e-6)
    fold_of = oof["fold"]
    assert (fold_of.loc[table["nearest_1"]] != 0).all()  # what fold 1's network learnt from
    learnt = (fold_of.loc[table["id"]] != 0).to_numpy()
    assert (table["nearest_1"] == table["id"])[learnt].all() and not (table["nearest_1"] == table["id"])[~learnt].any()
    assert value["share"]["share"] is None and "there are 0" in value["share"]["reason"]  # it knows all of them


def test_what_the_page_shows_is_kept_with_the_run(balanced_run_copy, tmp_path):
    run = balanced_run_copy
    new = make_tiny(tmp_path / "new.h5", n=60, seed=5)
    options = {"source": str(new), "out": str(tmp_path / "p.csv"), "pictures": True, "miss_rate": 0.5}
    options |= {"false_per_1000": 400.0, "design_effect": 1.0}
    value = drain(ANALYSIS.start(run, options))
    kept, table = results_of(run, options), pd.read_csv(tmp_path / "p.csv")
    shown = kept.table(TABLE)
    assert (
        shown["answer"].tolist() == table["answer"].tolist() and value["answers"] == kept.json("report.json")["answers"]
    )
    assert value["triage"]["accepted"] == (table["answer"] == "landslide").sum() > 0
    patches, index = open_dataset(patches_path(kept)), kept.table(MAPS)
    assert len(patches) == 60 and index["id"].tolist() == patches.ids.tolist()
    own = open_dataset(new)
    assert np.array_equal(patches.images(), own.images(own.index_of(patches.ids)))
    probs = table.set_index("id")["prob"]
    answers = table.set_index("id")["answer"]
    for answer, ids in pd.Series(patches.ids).groupby(answers.loc[patches.ids].to_numpy()):
        assert probs.loc[ids].is_monotonic_decreasing, answer
    maps = kept.arrays(MAPS)["maps"]
    assert maps.shape == (60, *run.cams()[1].shape[1:]) and (maps >= 0).all() and maps.max() > 0
    share = value["share"]
    assert 0 <= share["lo"] < share["share"] < share["hi"] <= 1 and share["n"] == 60 and share["n_groups"] == 20
    assert "Estimated share of landslides among these 60 patches" in share["sentence"]


def test_an_upload_is_answered_for_and_removed_and_nothing_else_is(balanced_run_copy, tmp_path):
    run = balanced_run_copy
    content = pictures(tmp_path / "new", "a") / "a.png"
    with content.open("rb") as file:
        folder = uploads.keep([uploads.Upload("a.png", file, (".png",))], run.checkpoints)
    source = uploads.files_in(folder)[0].parent
    value = predicted(run, source, tmp_path / "p.csv", uploaded=True, bands="red,green,blue")
    assert value["n"] == 1 and not folder.exists()
    with pytest.raises(UnsafeFileError, match="no upload"):
        predicted(run, content.parent, tmp_path / "p.csv", uploaded=True)
    assert content.exists()


def test_the_patches_kept_of_an_answer_are_those_with_the_highest_probabilities():
    kept, rng = Kept(patch_bytes=12, most=3), np.random.default_rng(0)
    probs = rng.permutation(40) / 40
    answers = np.where(probs >= 0.5, "landslide", "no landslide")
    for rows in np.array_split(np.arange(40), 7):
        kept.add(rows.astype(str), probs[rows, None, None, None], probs[rows], answers[rows])
    ids, images = kept.all()
    assert np.allclose(images[:, 0, 0, 0], [0.975, 0.95, 0.925, 0.475, 0.45, 0.425])
    assert np.allclose(probs[np.array(ids, int)], images[:, 0, 0, 0])
    assert Kept(patch_bytes=2**40)._most == 1 and Kept(1).all()[0] == []
