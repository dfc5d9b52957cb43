"""Bootstrap intervals: group-wise, paired, repeatable, and about as wide as they should be."""

import math

import numpy as np
import pytest

from core.errors import DataError
from core.evaluate.calibration.ece_interval import ece_interval
from core.evaluate.intervals import bootstrap_intervals, interval, resampled_metrics
from core.evaluate.metrics import METRIC_NAMES, ece, metrics
from core.stats.bootstrap import group_draws


def patches(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    labels = (rng.random(n) < 0.3).astype(int)
    probs = np.round(np.clip(0.4 + 0.2 * labels + 0.2 * rng.normal(size=n), 0, 1), 2)
    return labels, probs, (probs >= 0.5).astype(int)


def test_each_resample_has_the_metrics_of_the_patches_drawn():
    labels, probs, pred = patches(40)
    groups = np.arange(40) // 4
    weights = np.concatenate(list(group_draws(10, 7, seed=3)))[:, groups].astype(int)
    found = resampled_metrics(labels, [(pred, probs)], groups, 7, seed=3)[0]
    for row, drawn in enumerate(weights):
        index = np.repeat(np.arange(40), drawn)
        expected = metrics(labels[index], probs[index], pred=pred[index])
        for name in METRIC_NAMES:
            assert found[name][row] == pytest.approx(expected[name], nan_ok=True), name


def test_the_same_seed_gives_the_same_intervals():
    labels, probs, pred = patches(50)
    assert bootstrap_intervals(labels, probs, pred, seed=1) == bootstrap_intervals(labels, probs, pred, seed=1)
    assert bootstrap_intervals(labels, probs, pred, seed=1) != bootstrap_intervals(labels, probs, pred, seed=2)


def test_repeating_patches_within_groups_does_not_narrow_the_interval():
    labels, probs, pred = patches(80)
    alone = bootstrap_intervals(labels, probs, pred)["accuracy"]
    four = [np.repeat(array, 4) for array in (labels, probs, pred)]
    grouped = bootstrap_intervals(*four, groups=np.repeat(np.arange(80), 4))["accuracy"]
    naive = bootstrap_intervals(*four)["accuracy"]
    assert grouped == pytest.approx(alone, abs=1e-12)
    assert naive[1] - naive[0] < 0.65 * (alone[1] - alone[0])  # half, in truth


def test_accuracy_interval_has_the_binomial_width():
    correct = np.arange(400) < 320  # accuracy 0.8, standard error 0.02
    labels = np.arange(400) % 2
    pred = np.where(correct, labels, 1 - labels)
    low, high = bootstrap_intervals(labels, pred.astype(float), pred)["accuracy"]
    assert low == pytest.approx(0.8 - 1.96 * 0.02, abs=0.006)
    assert high == pytest.approx(0.8 + 1.96 * 0.02, abs=0.006)


def test_the_truth_is_covered_about_as_often_as_promised():
    truth, hits = 0.75, 0  # accuracy of a decision that is right three times in four
    for seed in range(60):
        rng = np.random.default_rng(seed)
        labels = rng.integers(0, 2, 150)
        pred = np.where(rng.random(150) < truth, labels, 1 - labels)
        low, high = bootstrap_intervals(labels, pred.astype(float), pred, n_boot=200, seed=seed)["accuracy"]
        hits += low <= truth <= high
    assert 52 <= hits <= 60  # 57 expected


@pytest.mark.parametrize("label", [0, 1])
def test_one_class_has_no_interval_of_auc(label):
    found = bootstrap_intervals(np.full(20, label), np.linspace(0, 1, 20), np.full(20, label))
    assert all(math.isnan(value) for value in found["auc"])
    low, high = found[
        "accuracy"
    ]  # twenty right of twenty are not certainty: at 0.83 they would all be right one time in forty
    assert low == pytest.approx(0.025 ** (1 / 20)) and high == 1.0


def test_one_group_or_none_has_no_interval():
    labels, probs, pred = patches(20)
    found = bootstrap_intervals(labels, probs, pred, groups=np.zeros(20, int))
    assert all(math.isnan(value) for pair in found.values() for value in pair)
    empty = bootstrap_intervals(np.empty(0), np.empty(0), np.empty(0))
    assert all(math.isnan(value) for pair in empty.values() for value in pair)


def test_missing_group_names_are_refused():
    labels, probs, pred = patches(5)
    with pytest.raises(DataError, match="5 patches but 3 group names"):
        bootstrap_intervals(labels, probs, pred, groups=np.arange(3))


def test_the_interval_of_ece_holds_the_value_and_may_begin_at_nought():
    rng = np.random.default_rng(0)
    probs = rng.random(400)
    labels = (rng.random(400) < probs).astype(int)
    low, high = ece_interval(labels, probs)
    assert low == 0.0 and low <= ece(labels, probs) <= high <= 1.0
    low, high = ece_interval(labels, np.clip(probs / 3, 0, 1))
    assert 0.2 < low < ece(labels, probs / 3) < high < 0.5
    assert all(math.isnan(end) for end in ece_interval(labels, probs, np.zeros(400)))
    assert ece_interval(np.ones(30, int), np.ones(30)) == (0.0, 0.0)


def test_a_share_that_rounding_kept_from_being_1_is_1():
    samples = np.ones(200)
    assert interval(1 - 1e-16, samples, 24.0, "average_precision") == interval(1.0, samples, 24.0, "average_precision")
