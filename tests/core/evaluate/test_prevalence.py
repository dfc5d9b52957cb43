"""Numbers at another share of landslides: by hand, against resampling the classes, and prior shift against Bayes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import ConfigError
from core.evaluate.metrics import metrics
from core.evaluate.prevalence import best_f1_threshold_at, of_counts, shifted, with_intervals

SHARES = st.floats(0.001, 0.999)


def test_the_counts_of_equal_classes_at_two_in_a_hundred():
    """What the issue measured: at equal classes F1 0.889 looks good; at 2 % precision is about 0.13."""
    there = of_counts({"tp": 1246, "fn": 154, "fp": 168, "tn": 1232}, 0.02)
    found, false = 0.02 * 1246 / 1400, 0.98 * 168 / 1400
    assert there["precision"] == pytest.approx(found / (found + false)) == pytest.approx(0.1315, abs=1e-3)
    assert there["alarms_per_1000"] == pytest.approx(1000 * (found + false))
    assert there["missed_per_1000"] == pytest.approx(20 * 154 / 1400)


@given(st.integers(1, 50), st.integers(1, 50), st.integers(1, 50), st.integers(1, 50))
def test_at_their_own_share_counts_give_their_own_metrics(tp, fn, fp, tn):
    labels = np.repeat([1, 1, 0, 0], [tp, fn, fp, tn])
    pred = np.repeat([1, 0, 1, 0], [tp, fn, fp, tn])
    own = metrics(labels, pred.astype(float), pred=pred)
    there = of_counts({"tp": tp, "fn": fn, "fp": fp, "tn": tn}, float(labels.mean()))
    for name in ("precision", "f1", "accuracy"):
        assert there[name] == pytest.approx(own[name])


def test_intervals_hold_the_value_and_widen_with_scenes():
    rng = np.random.default_rng(0)
    scene = np.repeat(np.arange(40), 20)
    labels = rng.integers(0, 2, 800)
    pred = np.where(rng.random(40)[scene] < 0.2, 1 - labels, labels)  # whole scenes are wrong
    alone, whole = (with_intervals(labels, pred, 0.05, groups) for groups in (None, scene))
    for name in ("precision", "f1", "accuracy", "alarms_per_1000"):
        lo, hi = whole["intervals"][name]
        assert lo < whole[name] < hi and hi - lo > alone["intervals"][name][1] - alone["intervals"][name][0]
    assert whole["n"] == 800 and whole["share"] == 0.05


@given(st.lists(st.floats(0.001, 0.999), min_size=1, max_size=20), SHARES, SHARES)
def test_shifting_there_and_back_gives_the_same_and_keeps_the_order(probs, own, share):
    probs = np.array(probs)
    there = shifted(probs, own, share)
    np.testing.assert_allclose(shifted(there, share, own), probs, rtol=1e-6)
    assert (np.diff(there[np.argsort(probs, kind="stable")]) >= -1e-12).all()


def test_shifted_probabilities_are_calibrated_where_the_share_is_another():
    """Two normal classes: the true posterior at one share, shifted, is the true posterior at the other."""
    x = np.linspace(-3, 5, 50)
    ratio = np.exp(2 * x - 2)  # N(2, 1) against N(0, 1)
    posterior = lambda share: share * ratio / (share * ratio + 1 - share)  # noqa: E731
    np.testing.assert_allclose(shifted(posterior(0.5), 0.5, 0.02), posterior(0.02), rtol=1e-9)


def test_the_best_threshold_rises_where_landslides_are_rare():
    rng = np.random.default_rng(1)
    labels = rng.integers(0, 2, 4000)
    probs = 1 / (1 + np.exp(-(2 * labels - 1 + rng.normal(size=4000))))
    at = {share: best_f1_threshold_at(labels, probs, share) for share in (0.5, 0.1, 0.02)}
    assert at[0.5] < at[0.1] < at[0.02]
    f1 = lambda threshold: of_counts(_counts(labels, probs >= threshold), 0.02)["f1"]  # noqa: E731
    assert f1(at[0.02]) > f1(at[0.5]) and f1(at[0.02]) >= max(map(f1, np.linspace(0.05, 0.95, 19))) - 0.02
    assert best_f1_threshold_at(np.zeros(5, int), np.full(5, 0.3), 0.1) == 0.5


def _counts(labels, called):
    cells = np.bincount(2 * labels + called, minlength=4)
    return dict(zip(("tn", "fp", "fn", "tp"), cells.tolist(), strict=True))


@pytest.mark.parametrize("share", [0, 1, -0.1, 2, "much", None, float("nan")])
def test_what_is_no_share_is_refused(share):
    with pytest.raises(ConfigError, match="prevalence"):
        with_intervals(np.array([0, 1]), np.array([0, 1]), share)
