"""Differences of two heads are paired: shared luck cancels."""

import math

import numpy as np
import pytest
from scipy.special import stdtr
from scipy.stats import binomtest

from core.evaluate.comparison.significance import ALPHA, compare, mcnemar, paired_difference
from core.evaluate.intervals import bootstrap_intervals
from core.evaluate.metrics import auc, metrics, ratio


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


def judge_counts(cells, n_boot=400, seed=0):
    """The same test of F1 for many pairs at once, from counts alone, where patches are independent.

    cells: (S, 8) counts of (label, decision of a, decision of b) of each pair. Difference, standard error and p, (S,).
    """
    cells = np.asarray(cells, np.float64)
    n, point = cells.sum(axis=1), f1_difference(cells)
    rng = np.random.default_rng(seed)
    total, squares = np.zeros(len(cells)), np.zeros(len(cells))
    for _ in range(n_boot):
        drawn = f1_difference(rng.multinomial(n.astype(np.int64), cells / n[:, None])) - point
        total, squares = total + drawn, squares + drawn**2
    se = np.sqrt(np.maximum(squares / n_boot - (total / n_boot) ** 2, 0))
    z = np.divide(np.abs(point), se, out=np.zeros_like(se), where=se > 1e-12)
    return point, se, 2 * stdtr(n - 1, -z)


def f1_difference(cells):
    by = cells.reshape(-1, 2, 2, 2)  # (S, label, a, b)
    of_a, of_b = by.sum(axis=3), by.sum(axis=2)  # (S, label, decision)
    first, second = (ratio(2 * x[:, 1, 1], x[:, 1, 0] + x[:, 0, 1] + 2 * x[:, 1, 1]) for x in (of_a, of_b))
    return first - second


def share_that_rejects(p):
    """The share of p values below the level; undefined ones do not reject."""
    return float((np.asarray(p) < ALPHA).mean())


def equal_pairs(n, disagree_positive, disagree_negative, size, seed=0):
    """Counts (size, 8) of pairs of heads that err equally often, on n patches of which 17.56 % are positive."""
    share, found, alarm = 0.1756, 0.88, 0.025
    cells = np.zeros((2, 2, 2))
    for label, called, off, weight in ((1, found, disagree_positive, share), (0, alarm, disagree_negative, 1 - share)):
        cells[label] = weight * np.array([[1 - called - off, off], [off, called - off]])
    return np.random.default_rng(seed).multinomial(n, cells.ravel(), size=size)


@pytest.mark.slow
@pytest.mark.parametrize(
    "n, off, pairs", [(1619, (0.03, 0.008), 20_000), (1619, (0.01, 0.003), 5000), (7147, (0.03, 0.008), 5000)]
)
def test_equal_heads_are_called_different_4_to_6_times_in_100(n, off, pairs):
    _, _, p = judge_counts(equal_pairs(n, *off, pairs), n_boot=200)
    assert 0.04 <= share_that_rejects(p) <= 0.06


def test_few_disagreements_reject_less_often_never_more():
    _, _, p = judge_counts(equal_pairs(400, 0.005, 0.001, 4000), n_boot=200)
    assert share_that_rejects(p) < 0.05


@pytest.mark.slow
def test_equal_heads_on_scenes_are_called_different_as_often():
    rng, p = np.random.default_rng(0), []
    for seed in range(600):
        group = np.repeat(np.arange(60), 10)
        labels = (rng.random(600) < 0.3).astype(int)
        tilt = 0.6 * rng.normal(size=(60, 2))[group]  # each head is better on other scenes, neither overall
        logits = 2.2 * labels - 1.1 + 0.8 * rng.normal(size=600)
        first, second = (1 / (1 + np.exp(-(logits + tilt[:, i] + 0.4 * rng.normal(size=600)))) for i in (0, 1))
        found = compare(labels, first > 0.5, first, second > 0.5, second, group, ("f1",), n_boot=300, seed=seed)
        p.append(found.differences["f1"].p)
    assert 0.025 <= share_that_rejects(np.array(p)) <= 0.075  # 600 draws know 0.05 to within 0.018


def test_the_quick_test_of_counts_is_the_test():
    labels, first, second = two_heads(1500)
    a, b = (first > 0.5).astype(int), (second > 0.5).astype(int)
    found = compare(labels, a, first, b, second, names=("f1",), n_boot=4000).differences["f1"]
    difference, se, p = judge_counts(np.bincount(4 * labels + 2 * a + b, minlength=8)[None], n_boot=4000, seed=1)
    assert difference[0] == pytest.approx(found.difference) and se[0] == pytest.approx(found.se, rel=0.05)
    assert p[0] == pytest.approx(found.p, abs=0.03)


@pytest.mark.parametrize("a, b", [(3, 12), (0, 6), (5, 5), (0, 0), (1, 0)])
def test_mcnemar_is_the_binomial_test(a, b):
    found = mcnemar(a, b)
    expected = binomtest(a, a + b).pvalue if a + b else 1.0
    assert found.p_exact == pytest.approx(expected)
    assert found.p_mid <= found.p_exact and (found.only_a, found.only_b) == (a, b)


def test_mcnemar_mid_p_by_hand():
    assert mcnemar(0, 6).p_mid == pytest.approx(2 * 0.5**6 - 0.5**6)


def test_a_comparison_counts_who_is_right_where():
    labels = np.array([1, 1, 0, 0, 1, 0])
    a, b = np.array([1, 1, 0, 1, 0, 0]), np.array([1, 0, 0, 0, 0, 1])
    found = compare(labels, a, a.astype(float), b, b.astype(float), n_boot=50)
    assert (found.mcnemar.only_a, found.mcnemar.only_b, found.n_disagree, found.n) == (2, 1, 3, 6)
    assert set(found.differences) == {"f1", "auc", "precision", "recall", "accuracy"}
    assert found.to_dict()["mcnemar"]["only_a"] == 2


def test_a_true_difference_of_the_detectable_size_is_seen_four_times_in_five():
    rng = np.random.default_rng(0)
    equal = equal_pairs(3000, 0.03, 0.008, 1)[0] / 3000
    _, se, _ = judge_counts(equal[None] * 3000, n_boot=2000)
    wanted = 2.8016 * se[0]
    shifted = equal.copy()  # move patches from "only b finds it" to "only a finds it" until F1 differs as wanted
    low, high = 0.0, equal[5]
    for _ in range(40):
        middle = (low + high) / 2
        shifted = equal + middle * (np.arange(8) == 6) - middle * (np.arange(8) == 5)
        d = judge_counts(shifted[None] * 10**6, n_boot=2)[0][0] - judge_counts(equal[None] * 10**6, n_boot=2)[0][0]
        low, high = (middle, high) if d < wanted else (low, middle)
    _, _, p = judge_counts(rng.multinomial(3000, shifted, size=3000), n_boot=200)
    assert share_that_rejects(p) == pytest.approx(0.8, abs=0.12)
