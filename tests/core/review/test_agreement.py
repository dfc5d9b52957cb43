"""Cohen's kappa beside scikit-learn's, and whether its interval covers."""

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from core.review.agreement import agreement_of


def drawn(rng, n, share):
    """Two reviewers' verdicts on n subjects; the second repeats the first with this probability."""
    first = rng.choice(["landslide", "not", "unsure"], n, p=[0.3, 0.6, 0.1])
    again = rng.random(n) < share
    return first, np.where(again, first, rng.choice(["landslide", "not", "unsure"], n, p=[0.3, 0.6, 0.1]))


@pytest.mark.parametrize("share", [0.0, 0.5, 0.9, 1.0])
def test_kappa_is_scikit_learns(share):
    first, second = drawn(np.random.default_rng(1), 60, share)
    found = agreement_of("ana", "ben", first, second)
    assert found.kappa == pytest.approx(cohen_kappa_score(first, second))
    assert found.lo <= found.kappa <= found.hi and found.n == 60
    assert found.same == pytest.approx((first == second).mean())


def test_kappa_by_hand():
    """20 both yes, 15 both no, 5 and 10 apart: Wikipedia's example, kappa 0.4."""
    first = ["yes"] * 25 + ["no"] * 25
    second = ["yes"] * 20 + ["no"] * 5 + ["yes"] * 10 + ["no"] * 15
    assert agreement_of("a", "b", first, second).kappa == pytest.approx(0.4)


@pytest.mark.parametrize("verdicts", [["not"] * 5, []])
def test_without_variation_it_is_undefined(verdicts):
    found = agreement_of("a", "b", verdicts, verdicts)
    assert np.isnan([found.kappa, found.lo, found.hi]).all()


def test_the_interval_covers_the_truth():
    rng, true = np.random.default_rng(0), 0.6  # with equal marginals kappa is the share that is repeated
    found = [agreement_of("a", "b", *drawn(rng, 80, true)) for _ in range(200)]
    assert 0.91 <= np.mean([one.lo <= true <= one.hi for one in found]) <= 0.99
