"""The classifier two-sample test: chance is chance, a difference is found, relatives stay on one side."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.evaluate.comparison.two_sample import halves, judge, scored


def told(features, kind, groups, parents, seed=0):
    return judge([scored(features, kind, groups, halves(groups[kind == 0], parents, 4, seed))], 300, seed)


def made(rng, n=120, m=200, shift=0.0, spread=1.0):
    real = rng.normal(size=(n, 6))
    parents = rng.integers(0, n, size=(m, 2))
    fresh = shift + spread * rng.normal(size=(m, 6))
    kind = np.repeat([0, 1], [n, m])
    groups = np.concatenate([np.arange(n), parents[:, 0]])
    return np.concatenate([real, fresh]), kind, groups, parents


@pytest.mark.slow
def test_a_shift_is_found_and_none_is_not():
    rng = np.random.default_rng(0)
    far = told(*made(rng, shift=1.0))
    assert far.auc > 0.85 and far.told and far.lo > 0.7
    p = [told(*made(np.random.default_rng(seed)), seed).p for seed in range(1, 30)]
    assert np.mean(np.array(p) < 0.05) <= 0.17 and np.median(p) > 0.2


def test_copies_cannot_be_told_however_well_they_are_remembered():
    rng = np.random.default_rng(1)
    real = rng.normal(size=(80, 40))
    parents = np.repeat(rng.integers(0, 80, size=(160, 1)), 2, axis=1)
    features = np.concatenate([real, real[parents[:, 0]]])
    groups = np.concatenate([np.arange(80), parents[:, 0]])
    found = told(features, np.repeat([0, 1], [80, 160]), groups, parents)
    assert found.lo <= 0.5 <= found.hi and not found.told


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 30), st.integers(0, 40), st.integers(0, 5))
def test_no_round_judges_a_relative_of_what_it_learnt_from(n, m, seed):
    rng = np.random.default_rng(seed)
    groups, parents = rng.integers(0, max(n // 2, 1), n), rng.integers(0, n, size=(m, 2))
    for learn, judged in halves(groups, parents, 3, seed):
        roots = [set(), set()]
        for side, rows in zip(roots, (learn, judged), strict=True):
            for row in rows:
                side |= set(groups[parents[row - n]]) if row >= n else {groups[row]}
        assert not roots[0] & roots[1] and not set(learn) & set(judged)
        assert {row for row in (*learn, *judged) if row < n} == set(range(n))


def test_too_few_rows_are_undefined():
    rng = np.random.default_rng(2)
    found = told(*made(rng, n=6, m=6))
    assert np.isnan(found.auc) and not found.told


def test_an_unlike_spread_is_seen_only_by_what_measures_it():
    features, kind, groups, parents = made(np.random.default_rng(3), spread=0.5)
    flat, squared = (told(some, kind, groups, parents) for some in (features, np.abs(features)))
    assert squared.auc > 0.9 and flat.auc < 0.6


def test_the_area_is_that_of_the_scores():
    kind, prob = np.repeat([0, 1], 10), np.concatenate([np.linspace(0, 0.5, 10), np.linspace(0.3, 0.9, 10)])
    from core.evaluate.comparison.two_sample import Scored

    expected = np.mean([(b > a) + 0.5 * (b == a) for a in prob[:10] for b in prob[10:]])
    assert judge([Scored(kind, prob, np.arange(20))]).auc == pytest.approx(expected)
