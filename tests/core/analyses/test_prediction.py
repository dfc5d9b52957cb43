"""Answers for new patches as a CSV: for every usable file of the source, with the others named."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from core.analyses.prediction import ANALYSIS
from core.errors import ConfigError, DataError, FormatError
from core.progress import drain


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
    assert list(table.columns) == ["id", "prob", "pred"] and len(table) == value["n"] == 120
    assert table["pred"].sum() == value["n_positive"] and value["run"] == balanced_run.name
    assert ((table["prob"] >= value["threshold"]) == table["pred"]).all() and not value["rejected"]


def test_a_safety_target_clears_what_every_model_clears(balanced_run, tmp_path):
    source = balanced_run.dataset_path()
    value = predicted(balanced_run, source, tmp_path / "p.csv", miss_rate=0.5, design_effect=1)
    table, rule = pd.read_csv(tmp_path / "p.csv"), value["triage"]
    assert list(table.columns) == ["id", "prob", "pred", "prob_highest", "triage"]
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
