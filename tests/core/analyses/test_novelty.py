"""A run's novelty is fitted once, kept as equal bytes, and works without its dataset or without embeddings."""

import hashlib

import numpy as np
import pytest

from core.analyses import registry
from core.analyses.novelty import read
from core.errors import DataError
from core.predict.novelty.collect import Collector
from core.predict.novelty.fit import NAME, fit, fitted, load, save
from core.progress import drain
from core.runs.store import RunFolder
from tests.trained_runs import copied


def digest(run):
    folder = run.results(NAME).part("calibration").path
    return [hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in ("folds.safetensors", "report.json")]


def test_it_is_fitted_once_and_again_to_the_same_bytes(balanced_run_copy):
    run = balanced_run_copy
    novelty = drain(fitted(run))
    before = digest(run)
    folder = run.results(NAME).part("calibration")
    save(folder, drain(fit(run)))
    assert digest(run) == before and novelty.n_groups == 40 and novelty.n_patches == 120 and novelty.grouped
    (folder.path / "folds.safetensors").write_bytes(b"damaged")
    assert load(run) is None and drain(fitted(run)).n_patches == 120 and digest(run) == before
    assert novelty.level == 1 / 41  # 40 groups cannot tell anything rarer


def test_each_kind_of_evidence_works_alone(balanced_run_copy):
    run, rng = balanced_run_copy, np.random.default_rng(0)
    novelty, names = drain(fitted(run)), ()
    images = rng.normal(100, 10, (12, 3, 32, 32)).astype(np.float32)
    collector = Collector(novelty, names, embeds=False)
    collector.look(images)
    collector.read(0, {"embeddings": rng.normal(size=(12, 4))})  # not comparable, so not looked at
    found = collector.found()
    assert found.patches.p_embedding is None and (found.patches.p == found.patches.p_bands).all()
    embedding = np.stack([fold.held_embedding[:5] for fold in novelty.folds])
    alone, sums = novelty.judge(None, embedding)
    assert alone.p_bands is None and (novelty.names(alone.most) == "embedding").all()
    assert 0 < novelty.judge_set(sums)[0] <= 1
    assert Collector(novelty, names).found() is None  # nothing came


def test_without_its_dataset_embeddings_are_compared_alone(balanced_run, tmp_path):
    run = copied(balanced_run, tmp_path / "studio")
    run.dataset_path().unlink()
    novelty = drain(fit(run))
    assert novelty.has_embedding and not novelty.has_bands and "Values of bands are not compared" in novelty.notes[0]


def test_too_few_groups_are_refused(balanced_run, tmp_path):
    run = copied(balanced_run, tmp_path / "studio")
    table = run.oof()
    run.write_oof(table.assign(group="one"))
    with pytest.raises(DataError, match=r"held out 1 groups; novelty needs at least 5"):
        drain(fit(RunFolder(run.path)))


def test_the_analysis_says_how_often_faults_are_found(balanced_run_copy):
    run = balanced_run_copy
    value = drain(registry.analysis("novelty").start(run, {"patches": 30}))
    report = read(run)
    assert report["faults"] == value["faults"] and "false alarms" in value["message"]
    assert report["n_groups"] == 40 and report["evidence"] == "both" and report["n_folds"] == 3
    assert report["false_alarms"]["sets"]["share"] <= report["level"] + 1e-9
    assert report["faults"]["constant"]["patches"]["both"]["share"] == 1.0
    assert report["faults"]["upside_down"]["sets"]["bands"]["share"] <= 0.2
    assert report["faults"]["unit_1"]["refused"] == 3
