"""The reliability diagram's points, their intervals, and the parts of the Brier score."""

import numpy as np
import pytest
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss

from core.errors import ConfigError, DataError
from core.evaluate.calibration.reliability import brier_parts, reliability


def calibrated(n=2000, seed=0):
    rng = np.random.default_rng(seed)
    probs = rng.beta(0.6, 1.2, n)
    return (rng.random(n) < probs).astype(int), probs


@pytest.mark.parametrize("bins, strategy", [("width", "uniform"), ("mass", "quantile")])
def test_points_are_scikit_learns(bins, strategy):
    labels, probs = calibrated()
    found = reliability(labels, probs, 8, bins=bins)
    share, mean = calibration_curve(labels, probs, n_bins=8, strategy=strategy)
    np.testing.assert_allclose(found.prob, mean, atol=1e-3)
    np.testing.assert_allclose(found.share, share, atol=5e-3)
    assert found.n.sum() == 2000 and (found.left <= found.prob).all() and (found.prob <= found.right).all()


def test_empty_bins_are_left_out():
    labels, probs = np.arange(40) % 2, np.repeat([0.05, 0.95], 20)
    found = reliability(labels, probs, 10, bins="width")
    np.testing.assert_allclose(found.prob, [0.05, 0.95])
    np.testing.assert_array_equal(found.n, [20, 20])


def test_intervals_hold_calibrated_probabilities_about_95_times_in_100():
    hits = []
    for seed in range(60):
        labels, probs = calibrated(800, seed)
        found = reliability(labels, probs)
        hits.append((found.lo <= found.prob) & (found.prob <= found.hi))
    assert 0.92 <= np.mean(hits) <= 0.98


def test_groups_widen_the_intervals():
    labels, probs = calibrated(400)
    four = reliability(np.repeat(labels, 4), np.repeat(probs, 4), 5, groups=np.repeat(np.arange(400), 4))
    alone = reliability(labels, probs, 5)
    np.testing.assert_allclose(four.hi - four.lo, alone.hi - alone.lo, rtol=0.05)


def test_brier_parts_add_up():
    labels, probs = calibrated()
    for bins in ("mass", "width"):
        parts = brier_parts(labels, probs, bins=bins)
        assert parts.brier == pytest.approx(brier_score_loss(labels, probs))
        assert parts.brier == pytest.approx(parts.reliability - parts.resolution + parts.uncertainty + parts.within)
        assert parts.reliability < 0.002 and abs(parts.within) < 0.02
    assert np.isnan(brier_parts(np.empty(0), np.empty(0)).brier)


def test_too_few_patches_and_unknown_bins_are_refused():
    with pytest.raises(DataError, match="at least 20"):
        reliability(np.array([0, 1]), np.array([0.1, 0.9]))
    with pytest.raises(ConfigError, match="equal 'log'"):
        reliability(*calibrated(30), bins="log")
