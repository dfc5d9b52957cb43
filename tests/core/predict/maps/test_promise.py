"""Promises: whose threshold, in which words, and intervals that are those of the reliability diagram."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import ConfigError, DataError
from core.evaluate.calibration.reliability import reliability
from core.evaluate.prevalence import shifted
from core.evaluate.risk_control import Target
from core.predict.maps.promise import BEST_F1, STATED, promise_of, promised
from core.predict.triage import run_rule
from tests.core.predict.maps.making import promise


def test_thresholds_and_words(balanced_run):
    own = promise_of(balanced_run)
    head = balanced_run.config().heads.headline(balanced_run.rules())
    assert own.threshold == balanced_run.rules()[head]["deployed"] and own.words == BEST_F1 and own.n_models == 0
    assert promise_of(balanced_run, 0.3).words == STATED
    safe = promise_of(balanced_run, target=Target("miss_rate", 0.5))
    assert safe.threshold == run_rule(balanced_run, head, Target("miss_rate", 0.5)).threshold and safe.n_models == 3
    with pytest.raises(ConfigError, match="give one of them"):
        promise_of(balanced_run, 0.3, Target("miss_rate", 0.5))
    with pytest.raises(DataError, match="are needed"):
        promise_of(balanced_run, target=Target("miss_rate", 0.001))
    assert promised(Target("miss_rate", 0.05)).startswith("At most 5 in 100 landslide patches missed, 95 % sure, on")
    assert "2 landslide patches in 1,000 patches" in promised(Target("missed_per_1000", 2))


def test_an_interval_is_that_of_out_of_fold_patches_of_about_that_probability():
    rng = np.random.default_rng(0)
    probs = rng.random(2000)
    labels = (rng.random(2000) < probs).astype(np.int8)
    seen = reliability(labels, probs)
    low, high = promise(seen=seen).interval(np.array([seen.prob[3], 0.0, 1.0, np.nan]))
    assert (low[0], high[0]) == (seen.lo[3], seen.hi[3]) and low[1] == seen.lo[0] and high[2] == seen.hi[-1]
    assert np.isnan([low[3], high[3]]).all()
    moved, there = promise(seen=seen, own_share=0.5).at_share(np.array([seen.prob[3]]), 0.02)
    assert there.interval(moved)[1][0] == pytest.approx(shifted(seen.hi[3:4], 0.5, 0.02)[0])


def test_expected_ground_lies_between_what_the_bins_say():
    rng = np.random.default_rng(0)
    probs = rng.random(4000)
    seen = reliability((rng.random(4000) < probs).astype(np.int8), probs)
    ground = np.full((10, 10), seen.prob[4], np.float32)
    ground[0] = np.nan
    low, high = promise(seen=seen).expected_km2(ground, 90.0)
    assert (low, high) == (pytest.approx(90 * seen.lo[4]), pytest.approx(90 * seen.hi[4]))
    assert promise().expected_km2(ground, 90.0) is None


@given(st.integers(0, 10**6), st.integers(2, 10), st.floats(0.05, 0.95))
def test_what_any_fold_calls_is_called_from_mean_and_deviation_alone(seed, n_models, threshold):
    by_fold = np.random.default_rng(seed).random((n_models, 6, 7))
    safe = promise(threshold, n_models=n_models)
    called = safe.called(by_fold.mean(axis=0), by_fold.std(axis=0) + 1e-9)
    assert called[(by_fold >= threshold).any(axis=0)].all()
    with pytest.raises(ConfigError, match="every fold's model"):
        safe.called(by_fold[0], None)


@given(st.floats(0.01, 0.99), st.floats(0.01, 0.99), st.floats(0.01, 0.99))
def test_another_share_calls_the_same_ground(threshold, share, own):
    probs = np.linspace(0, 1, 101)
    plain = promise(threshold, own_share=own)
    moved, there = plain.at_share(probs, share)
    apart = np.abs(probs - threshold) > 1e-3
    assert ((moved >= there.threshold) == (probs >= threshold))[apart].all()
