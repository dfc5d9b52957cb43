"""Metrics against Table V of paper B and scikit-learn; what is undefined stays undefined."""

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as oracle

from core.errors import DataError, LabelError
from core.evaluate.metrics import (
    Confusion,
    auc,
    average_precision,
    brier,
    confusion,
    ece,
    metrics,
    pr_curve,
    roc_curve,
)
from core.torchvision_guard import guard_torchvision

# Paper B, Table V: 31 landslides and 31 others.
TABLE_V = Confusion(tn=25, fp=6, fn=5, tp=26)


def table_v() -> tuple[np.ndarray, np.ndarray]:
    labels = np.repeat([0, 0, 1, 1], [25, 6, 5, 26])
    probs = np.repeat([0.2, 0.8, 0.2, 0.8], [25, 6, 5, 26])
    return labels, probs


def few_scores(n: int = 60, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Labels with scores that repeat, so that ties matter."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, n)
    return labels, (rng.integers(0, 6, n) + 2 * labels) / 8


def test_table_v_of_paper_b_is_reproduced():
    labels, probs = table_v()
    found = metrics(labels, probs)
    assert confusion(labels, probs >= 0.5) == TABLE_V
    assert found["confusion"] == {"tn": 25, "fp": 6, "fn": 5, "tp": 26}
    assert found["precision"] == pytest.approx(0.8125) and found["recall"] == pytest.approx(26 / 31)
    assert found["specificity"] == pytest.approx(0.8065, abs=5e-5)  # what the paper prints as sensitivity
    assert found["f1"] == pytest.approx(52 / 63) and found["accuracy"] == pytest.approx(51 / 62)
    assert found["n"] == 62 and found["threshold"] == 0.5


def test_metrics_are_plain_numbers_that_json_accepts():
    text = json.dumps(metrics(*table_v()), allow_nan=False)
    assert json.loads(text)["confusion"]["tp"] == 26


def test_metrics_agree_with_scikit_learn():
    labels, probs = few_scores()
    found, pred = metrics(labels, probs, 0.4), probs >= 0.4
    assert found["f1"] == pytest.approx(oracle.f1_score(labels, pred))
    assert found["precision"] == pytest.approx(oracle.precision_score(labels, pred))
    assert found["recall"] == pytest.approx(oracle.recall_score(labels, pred))
    assert found["specificity"] == pytest.approx(oracle.recall_score(labels, pred, pos_label=0))
    assert found["accuracy"] == pytest.approx(oracle.accuracy_score(labels, pred))
    assert found["auc"] == pytest.approx(oracle.roc_auc_score(labels, probs))
    assert average_precision(labels, probs) == pytest.approx(oracle.average_precision_score(labels, probs))
    assert brier(labels, probs) == pytest.approx(oracle.brier_score_loss(labels, probs))


def test_balanced_accuracy_and_mcc_agree_with_scikit_learn():
    labels, probs = few_scores(seed=2)
    found, pred = metrics(labels, probs, 0.6), probs >= 0.6
    assert found["balanced_accuracy"] == pytest.approx(oracle.balanced_accuracy_score(labels, pred))
    assert found["mcc"] == pytest.approx(oracle.matthews_corrcoef(labels, pred))
    assert found["average_precision"] == pytest.approx(oracle.average_precision_score(labels, probs))


@pytest.mark.parametrize("seed", range(4))
def test_ece_agrees_with_torchmetrics(seed):
    guard_torchvision()
    import torch
    from torchmetrics.functional.classification import binary_calibration_error

    rng = np.random.default_rng(seed)
    probs, labels = rng.random(300), rng.integers(0, 2, 300)
    expected = binary_calibration_error(torch.tensor(probs), torch.tensor(labels), n_bins=15, norm="l1")
    assert ece(labels, probs) == pytest.approx(float(expected), abs=1e-6)


def test_ece_by_hand():
    labels, probs = np.array([0, 1, 1, 1]), np.array([0.1, 0.1, 1.0, 0.98])
    assert ece(labels, probs, n_bins=2) == pytest.approx(0.5 * abs(0.5 - 0.1) + 0.5 * abs(1 - 0.99))
    assert math.isnan(ece(np.empty(0), np.empty(0)))


def test_mcc_of_one_sided_decisions_is_undefined():
    assert math.isnan(metrics(np.array([0, 1, 1]), np.array([0.9, 0.9, 0.9]))["mcc"])
    assert math.isnan(metrics(np.array([1, 1, 1]), np.array([0.9, 0.1, 0.9]))["balanced_accuracy"])


def test_curves_agree_with_scikit_learn():
    labels, probs = few_scores(seed=1)
    fpr, tpr, thresholds = oracle.roc_curve(labels, probs, drop_intermediate=False)
    curve = roc_curve(labels, probs)
    np.testing.assert_allclose(curve.x, fpr)
    np.testing.assert_allclose(curve.y, tpr)
    np.testing.assert_allclose(curve.threshold, thresholds)
    precision, recall, _ = oracle.precision_recall_curve(labels, probs)
    curve = pr_curve(labels, probs)
    np.testing.assert_allclose(curve.x, recall[::-1])
    np.testing.assert_allclose(curve.y, precision[::-1])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 1), st.integers(-3, 3)), min_size=2, max_size=30))
def test_auc_counts_the_pairs_in_the_right_order(rows):
    labels, scores = np.array(rows).T
    positive, negative = scores[labels == 1], scores[labels == 0]
    if not positive.size or not negative.size:
        assert math.isnan(auc(labels, scores))
        return
    pairs = np.sign(positive[:, None] - negative[None, :]) / 2 + 0.5
    assert auc(labels, scores) == pytest.approx(pairs.mean())


def test_decisions_made_fold_by_fold_override_the_threshold():
    labels, probs = np.array([0, 1, 1]), np.array([0.9, 0.1, 0.2])
    assert metrics(labels, probs, 0.5, pred=labels)["f1"] == 1.0


@pytest.mark.fault(20)
@pytest.mark.parametrize("label", [0, 1])
def test_one_class_is_undefined_not_zero(label):
    labels, probs = np.full(4, label), np.array([0.1, 0.2, 0.3, 0.4])
    found = metrics(labels, probs)
    assert math.isnan(found["auc"]) and math.isnan(average_precision(labels, probs))
    assert math.isnan(found["precision"])  # nothing was called positive
    assert math.isnan(found["specificity"] if label else found["recall"])
    assert roc_curve(labels, probs).x.size == 0 and pr_curve(labels, probs).x.size == 0
    assert np.isnan(found["auc"])


def test_no_patch_at_all_gives_undefined_numbers():
    found = metrics(np.empty(0, np.int8), np.empty(0))
    assert found["n"] == 0 and math.isnan(found["f1"]) and math.isnan(found["accuracy"])
    assert math.isnan(brier(np.empty(0), np.empty(0)))


def test_unlabelled_patches_are_refused():
    with pytest.raises(LabelError, match="2 of 3 labels are neither 0 nor 1"):
        metrics(np.array([-1, 1, -1]), np.array([0.1, 0.2, 0.3]))


def test_scores_that_are_not_numbers_are_refused():
    with pytest.raises(DataError, match="1 of 2 scores are not finite"):
        metrics(np.array([0, 1]), np.array([0.1, np.nan]))
    with pytest.raises(DataError, match="One score a patch"):
        auc(np.array([0, 1]), np.zeros((2, 2)))
    with pytest.raises(DataError, match="One decision a patch"):
        confusion(np.array([0, 1]), np.array([1]))
