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
    path = Path(ROOT or "") / "zindi-metadata" / "oof_eva_7th_place_folds0_2.csv"
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    columns = [np.array([float(row[name]) for row in rows]) for name in ("label", "prob_landslide", "fold")]
    return columns[0].astype(int), columns[1], columns[2].astype(int)


def test_known_metrics_come_back(scores):
    labels, probs, _ = scores
    found = metrics(labels, probs)
    assert found["n"] == 2859
    assert found["f1"] == pytest.approx(0.863, abs=5e-4) and found["auc"] == pytest.approx(0.969, abs=5e-4)


def test_cross_fitted_thresholds_agree_between_folds_and_cost_little(scores):
    labels, probs, fold_of = scores
    thresholds = cross_fitted_thresholds(labels, probs, fold_of)
    found = metrics(labels, probs, pred=decisions(probs, fold_of, thresholds))
    assert found["f1"] > 0.86 and np.ptp(thresholds) < 0.2


def test_scaling_calibrates_overconfident_scores(scores):
    labels, probs, fold_of = scores
    clipped = np.clip(probs, 1e-6, 1 - 1e-6)
    scaled, params = cross_fitted_platt(np.log(clipped / (1 - clipped)), labels, fold_of)
    assert (params[:, 0] > 0).all()
    assert brier(labels, scaled) < brier(labels, probs)
    assert auc(labels, scaled) == pytest.approx(0.969, abs=3e-3)
    assert scaled.mean() == pytest.approx(labels.mean(), abs=0.005)


def test_every_calibration_helps_out_of_fold(scores):
    labels, probs, fold_of = scores
    fold_of = np.unique(fold_of, return_inverse=True)[1]
    rows = {row.method: row for row in compare_calibrations(labels, probs, fold_of, n_boot=200)}
    for method in ("temperature", "platt", "isotonic"):
        assert rows[method].values["ece"] < 0.6 * rows["none"].values["ece"]
        assert rows[method].values["log_loss"] < rows["none"].values["log_loss"] - 0.03
    assert rows["none"].values["ece"] == pytest.approx(0.031, abs=0.001)
    points = reliability(labels, rows["platt"].probs)
    assert ((points.lo <= points.prob) & (points.prob <= points.hi)).mean() >= 0.7


def test_every_threshold_and_every_rule(scores):
    labels, probs, fold_of = scores
    fold_of = np.unique(fold_of, return_inverse=True)[1]
    found = sweep(labels, probs)
    assert found.rates["f1"][found.index(0.5)] == pytest.approx(0.863, abs=5e-4)
    recall = nested(labels, probs, fold_of, chooser("recall", recall=0.95)).metrics["recall"]
    assert recall == pytest.approx(0.95, abs=0.02)
    assert 0.8 < nested(labels, probs, fold_of, chooser("best_f1")).metrics["f1"] < found.rates["f1"][1:].max()


def test_what_hardly_missing_costs(scores):
    labels, probs, fold_of = scores
    found = triage_rule(labels, probs, Target("miss_rate", 0.10), effect=1)
    assert found.miss_rate < 0.10 and found.miss_rate_upper <= 0.10 and 180 < found.workload.value < 260
    table = triage_by_fold(
        labels, probs, np.unique(fold_of, return_inverse=True)[1], Target("miss_rate", 0.10), effect=1
    )
    assert table["kept"].all() and (table["workload"] < 300).all()
