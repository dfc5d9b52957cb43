"""Every threshold at once says what each threshold alone says."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.evaluate.metrics import COUNT_METRICS, confusion, metrics
from core.evaluate.sweep import sweep

rows_of = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 8)), min_size=1, max_size=30)


@settings(max_examples=60, deadline=None)
@given(rows_of, st.floats(-0.1, 1.2))
def test_counts_at_any_threshold_are_those_of_its_decisions(rows, threshold):
    labels, probs = np.array([r[0] for r in rows]), np.array([r[1] for r in rows]) / 8
    found = sweep(labels, probs)
    assert found.at(threshold) == confusion(labels, probs >= threshold)
    called = set(found.order[: found.called[found.index(threshold)]].tolist())
    assert called == set(np.flatnonzero(probs >= threshold).tolist())


def test_rates_at_each_threshold_are_the_metrics():
    rng = np.random.default_rng(0)
    labels, probs = rng.integers(0, 2, 50), np.round(rng.random(50), 1)
    found = sweep(labels, probs)
    for i, threshold in enumerate(found.threshold):
        expected = metrics(labels, probs, threshold)
        for name in COUNT_METRICS:
            assert found.rates[name][i] == pytest.approx(expected[name], nan_ok=True), (name, threshold)


def test_the_first_threshold_calls_nothing_and_the_last_everything():
    found = sweep(np.array([0, 1, 1]), np.array([0.2, 0.2, 0.9]))
    np.testing.assert_array_equal(found.threshold, [np.inf, 0.9, 0.2])
    np.testing.assert_array_equal(found.called, [0, 1, 3])
    np.testing.assert_array_equal(found.cost(10, 1), [20, 10, 1])


def test_thinning_keeps_the_ends():
    found = sweep(np.arange(1000) % 2, np.linspace(0, 1, 1000))
    rows = found.thinned(50)
    assert rows[0] == 0 and rows[-1] == 1000 and rows.size <= 50


def test_nothing_has_one_threshold():
    found = sweep(np.empty(0), np.empty(0))
    assert found.threshold.tolist() == [np.inf] and found.at(0.5).tp == 0
