"""Differences of two heads are paired: shared luck cancels."""

import math

import numpy as np
import pytest

from core.evaluate.intervals import bootstrap_intervals
from core.evaluate.metrics import auc, metrics
from core.evaluate.significance import paired_difference


def two_heads(n: int = 300) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, n)
    shared = 0.5 + 0.15 * (2 * labels - 1) + 0.2 * rng.normal(size=n)
    return labels, np.clip(shared, 0, 1), np.clip(shared + 0.03 * rng.normal(size=n), 0, 1)


def test_a_head_does_not_differ_from_itself():
    labels, probs, _ = two_heads()
    found = paired_difference(labels, probs > 0.5, probs, probs > 0.5, probs)
    assert found == {name: {"difference": 0.0, "lo": 0.0, "hi": 0.0, "p": 1.0} for name in ("f1", "auc")}


def test_difference_is_the_first_minus_the_second():
    labels, good, noisy = two_heads()
    found = paired_difference(labels, good > 0.5, good, noisy > 0.6, noisy)
    assert found["auc"]["difference"] == pytest.approx(auc(labels, good) - auc(labels, noisy))
    expected = metrics(labels, good, 0.5)["f1"] - metrics(labels, noisy, pred=noisy > 0.6)["f1"]
    assert found["f1"]["difference"] == pytest.approx(expected)
    assert found["f1"]["lo"] <= found["f1"]["difference"] <= found["f1"]["hi"]


def test_pairing_makes_the_interval_narrower_than_either_heads():
    labels, first, second = two_heads()
    found = paired_difference(labels, first > 0.5, first, second > 0.5, second)["auc"]
    low, high = bootstrap_intervals(labels, first, first > 0.5)["auc"]
    assert found["hi"] - found["lo"] < 0.5 * (high - low)


def test_undefined_differences_are_nan():
    found = paired_difference(np.zeros(9), np.zeros(9), np.linspace(0, 1, 9), np.zeros(9), np.linspace(1, 0, 9))
    assert all(math.isnan(value) for row in found.values() for value in row.values())
