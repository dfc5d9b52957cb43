"""Answers for new patches as a CSV: for every usable file of the source, with the others named."""

import numpy as np
import pandas as pd
import pytest
from affine import Affine
from PIL import Image

from core.analyses.prediction import ANALYSIS
from core.data.readers import ReaderOptions, ingest
from core.data.store import DatasetWriter, open_dataset
from core.errors import ConfigError, DataError, FormatError
from core.progress import drain
from tests.core.data.readers.geo.test_raster import write


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
    assert (
        list(table.columns) == ["id", "prob", "pred", "novelty", "unusual", "known"] and len(table) == value["n"] == 120
    )
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
    assert list(table.columns) == ["id", "prob", "pred", "prob_highest", "triage", "novelty", "unusual", "known"]
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
