"""Real out-of-fold probabilities of a strong Zindi model: known metrics return, thresholds and scaling do no harm."""

import csv
import os
from pathlib import Path

import numpy as np
import pytest

from core.evaluate.calibration.calibrators import compare_calibrations
from core.evaluate.calibration.fit import cross_fitted_platt
from core.evaluate.calibration.reliability import reliability
from core.evaluate.metrics import auc, brier, metrics
from core.evaluate.risk_control import Target, triage_by_fold, triage_rule
from core.evaluate.sweep import sweep
from core.evaluate.thresholds import chooser, cross_fitted_thresholds, decisions, nested

ROOT = os.environ.get("LANDSLIDE_REAL_DATA")
pytestmark = pytest.mark.skipif(ROOT is None, reason="LANDSLIDE_REAL_DATA is not set: no real data here")


@pytest.fixture(scope="module")
def scores() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    path = Path(ROOT or "") / "zindi-train-band-statistics" / "oof_eva_7th_place_all_folds.csv"
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    columns = [np.array([float(row[name]) for row in rows]) for name in ("label", "prob_landslide", "fold")]
    return columns[0].astype(int), columns[1], columns[2].astype(int)


def test_known_metrics_come_back(scores):
    labels, probs, _ = scores
    found = metrics(labels, probs)
    assert found["n"] == 7146
    assert found["f1"] == pytest.approx(0.8888, abs=5e-5) and found["auc"] == pytest.approx(0.9850, abs=5e-5)


def test_cross_fitted_thresholds_agree_between_folds_and_cost_little(scores):
    labels, probs, fold_of = scores
    thresholds = cross_fitted_thresholds(labels, probs, fold_of)
    found = metrics(labels, probs, pred=decisions(probs, fold_of, thresholds))
    assert found["f1"] == pytest.approx(0.8897, abs=5e-4) and np.ptp(thresholds) < 0.2


def test_scaling_calibrates_overconfident_scores(scores):
    labels, probs, fold_of = scores
    clipped = np.clip(probs, 1e-6, 1 - 1e-6)
    scaled, params = cross_fitted_platt(np.log(clipped / (1 - clipped)), labels, fold_of)
    assert (params[:, 0] > 0).all()
    assert brier(labels, scaled) < brier(labels, probs)
    assert auc(labels, scaled) == pytest.approx(0.985, abs=1e-3)
    assert scaled.mean() == pytest.approx(labels.mean(), abs=0.005)


def test_every_calibration_helps_out_of_fold(scores):
    labels, probs, fold_of = scores
    fold_of = np.unique(fold_of, return_inverse=True)[1]
    rows = {row.method: row for row in compare_calibrations(labels, probs, fold_of, n_boot=200)}
    for method in ("temperature", "platt", "isotonic"):
        assert rows[method].values["ece"] < 0.6 * rows["none"].values["ece"]
        assert rows[method].values["log_loss"] < rows["none"].values["log_loss"] - 0.015
    assert rows["none"].values["ece"] == pytest.approx(0.0222, abs=0.0005)
    points = reliability(labels, rows["platt"].probs)
    assert ((points.lo <= points.prob) & (points.prob <= points.hi)).mean() >= 0.7


def test_every_threshold_and_every_rule(scores):
    labels, probs, fold_of = scores
    fold_of = np.unique(fold_of, return_inverse=True)[1]
    found = sweep(labels, probs)
    assert found.rates["f1"][found.index(0.5)] == pytest.approx(0.8888, abs=5e-5)
    recall = nested(labels, probs, fold_of, chooser("recall", recall=0.95)).metrics["recall"]
    assert recall == pytest.approx(0.95, abs=0.02)
    assert 0.8 < nested(labels, probs, fold_of, chooser("best_f1")).metrics["f1"] < found.rates["f1"][1:].max()


def test_what_hardly_missing_costs(scores):
    labels, probs, fold_of = scores
    target = Target("miss_rate", 0.10)
    independent, stated = triage_rule(labels, probs, target, effect=1), triage_rule(labels, probs, target)
    assert independent.miss_rate_upper <= 0.10 and stated.miss_rate_upper <= 0.10
    assert independent.workload.value == pytest.approx(190, abs=2)  # of 1000, 176 of them landslides
    assert stated.workload.value == pytest.approx(201, abs=2)
    table = triage_by_fold(labels, probs, np.unique(fold_of, return_inverse=True)[1], target)
    assert table["kept"].all() and (table["workload"] < 215).all()
