"""Distances of two sets: against scipy, at chance where there is no shift, found where there is one."""

import numpy as np
import pytest
from scipy.linalg import sqrtm
from scipy.stats import ks_2samp

from core.errors import DataError
from core.evaluate.comparison.shift import _frechet, band_shift, embedding_shift


def two_sets(by=0.0, n=120, m=90, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, 24)), rng.normal(size=(m, 24)) + by


def test_bands_are_compared_as_scipy_does():
    a, b = two_sets(0.3)
    table = band_shift(a[:, :2], b[:, :2], ["red", "nir"])
    for band in range(2):
        expected = ks_2samp(a[:, band], b[:, band], method="asymp")
        assert table["ks"][band] == pytest.approx(expected.statistic)
        assert table["p"][band] == pytest.approx(expected.pvalue, abs=0.01)
        pooled = np.sqrt((a[:, band].var(ddof=1) + b[:, band].var(ddof=1)) / 2)
        assert table["smd"][band] == pytest.approx((b[:, band].mean() - a[:, band].mean()) / pooled)


def test_a_shifted_band_is_named_and_others_are_not():
    a, b = two_sets()
    b[:, 1] += 2.0
    assert band_shift(a[:, :3], b[:, :3], ["red", "green", "blue"])["shifted"].tolist() == [False, True, False]


def test_constant_and_empty_bands_are_survived():
    a, b = np.zeros((30, 3)), np.zeros((30, 3))
    b[:, 1], b[:, 2] = 1.0, np.nan
    table = band_shift(a, b, ["same", "moved", "empty"])
    assert table["smd"][0] == 0 and table["smd"][1] == np.inf and np.isnan(table["smd"][2])


def test_equal_sets_are_rarely_called_shifted():
    found = [embedding_shift(*two_sets(seed=seed), n_permutations=60, seed=seed) for seed in range(100)]
    assert np.mean([one.p < 0.05 for one in found]) <= 0.12
    assert np.mean([one.separability for one in found]) == pytest.approx(0.5, abs=0.03)
    assert np.mean([one.mmd for one in found]) == pytest.approx(0.0, abs=0.002)  # unbiased


def test_a_shift_is_found_and_grows():
    small, large = embedding_shift(*two_sets(0.3)), embedding_shift(*two_sets(2.0))
    assert small.p < 0.01 and large.p < 0.01
    assert 0.6 < small.separability < large.separability and large.separability > 0.99
    assert small.mmd < large.mmd and small.frechet < large.frechet
    assert "differ" in large.sentence() and (large.n_a, large.n_b) == (120, 90)


def test_frechet_distance_is_that_of_the_matrix_root():
    a, b = two_sets(0.5)
    a, b = a[:, :5], b[:, :5] * 1.5
    sa, sb = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    mean = ((a.mean(axis=0) - b.mean(axis=0)) ** 2).sum()
    assert _frechet(a, b) == pytest.approx(mean + np.trace(sa + sb - 2 * sqrtm(sa @ sb).real))


def test_the_same_seed_gives_the_same_distance_and_many_patches_are_sampled():
    a, b = two_sets(n=700, m=600)
    assert embedding_shift(a, b, 20, seed=3) == embedding_shift(a, b, 20, seed=3)
    assert embedding_shift(a, b, 20).n_a == 500


def test_too_few_patches_are_refused():
    with pytest.raises(DataError, match="at least 20 patches of each; there are 120 and 7"):
        embedding_shift(*two_sets(m=7))
