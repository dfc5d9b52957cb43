"""The way through on real patches: ingest as the README says, the reference baseline, a run from scars hardly seen."""

import os
from pathlib import Path

import numpy as np
import pytest

from core.data.band_statistics import band_statistics
from core.data.folds import make_folds
from core.data.store import open_dataset
from core.evaluate.metrics import auc, metrics
from core.heads.baselines import fit_baseline
from tests.builders import TINY
from tests.command_line import core_json

DATA = os.environ.get("LANDSLIDE_REAL_DATA")
# As docs/import.md imports them (tests/test_examples.py).
RGB = "--labels labels.csv --id-column ID --group-column source_image --masks masks --positive landslide"
FOUR_BANDS = "--labels labels.csv --id-column file --group-column row_block --positive 1 --bands red,green,blue,nir"
pytestmark = pytest.mark.skipif(DATA is None, reason="LANDSLIDE_REAL_DATA is not set: no real data here")


@pytest.fixture(scope="module")
def rgb(landslide4sense_rgb):
    return open_dataset(landslide4sense_rgb[0])


def test_the_real_rgb_patches_come_in_whole(rgb):
    assert len(rgb) == 2800 and int(rgb.labels.sum()) == 1400
    assert len(set(rgb.groups)) == 1435 and rgb.positive == "landslide" and rgb.band_names == ("red", "green", "blue")
    shares = rgb.masks().reshape(len(rgb), -1).mean(axis=1)
    assert (shares[rgb.labels == 1] >= 0.01).all() and (shares[rgb.labels == 0] == 0).all()


def test_the_reference_baseline_is_reached_on_the_same_grouped_folds(rgb):
    """FACTS: RBF-SVM C=1 on band statistics, out of fold, F1 0.876 and AUC 0.941."""
    features, labels = band_statistics(rgb.images()), rgb.labels
    folds = make_folds(labels, rgb.groups, 5, seed=0)
    scores = np.empty(len(labels))
    for fold in range(5):
        svm = fit_baseline("stats_svm", features[folds.train(fold)], labels[folds.train(fold)])
        scores[folds.val(fold)] = svm.decision(features[folds.val(fold)])
    assert auc(labels, scores) == pytest.approx(0.941, abs=0.002)
    found = metrics(labels, scores, pred=(scores > 0).astype(np.int8))
    assert found["f1"] == pytest.approx(0.876, abs=0.003)


@pytest.mark.slow
def test_four_band_patches_with_nodata_go_the_same_way(tmp_path, jobs_here):
    """tests/core/data/readers/test_real_data.py checks the dataset; the import and the training look for the same."""
    out = tmp_path / "chittagong.h5"
    value = core_json("ingest", "folders", Path(DATA) / "chittagong-s2-4band", "--out", out, *FOUR_BANDS.split())
    assert (value["n"], value["n_positive"], value["rejected"]) == (329, 120, [])
    short = (*TINY, "train.epochs=1", "embed.method=pca", "heads.svm_C=[0.1]", 'explain.occlusion_baselines=["mean"]')
    settings = [f"--set={item}" for item in (*short, "model.indices=auto", "heads.blend=true")]
    run = core_json("train", out, "--preset", "demo", *settings, "--checkpoints", tmp_path)
    assert run["oof"]["n"] == 329 and 0 <= run["oof"]["f1"] <= 1
    heads = core_json("heads", run["run"], "--checkpoints", tmp_path)
    assert {"rich", "blend", "stats_svm"} <= set(heads["heads"])
    core_json("predict", run["run"], out, "--out", tmp_path / "p.csv", "--checkpoints", tmp_path)
