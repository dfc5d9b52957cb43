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


def in_scenes(rng, n_scenes, dim=24):
    """Patches of scenes that differ from one another (intraclass correlation 0.5), and their scenes."""
    scene = np.repeat(np.arange(n_scenes), rng.integers(3, 14, n_scenes))
    return (rng.normal(size=(n_scenes, dim))[scene] + rng.normal(size=(len(scene), dim))) / 2**0.5, scene


@pytest.mark.parametrize("way", ["embedding", "bands"])
def test_scenes_of_one_population_are_rarely_called_different(way):
    """Single patches were permuted: two draws of 25 scenes were "different" in 92 to 100 of 100 trials."""
    found, naive = [], []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        (a, of_a), (b, of_b) = in_scenes(rng, 25), in_scenes(rng, 25)
        if way == "bands":
            found.append(band_shift(a[:, :1], b[:, :1], ["red"], of_a, of_b, 100, seed)["p"][0])
            naive.append(band_shift(a[:, :1], b[:, :1], ["red"])["p"][0])
        else:
            found.append(embedding_shift(a, b, of_a, of_b, 100, seed).p)
            naive.append(embedding_shift(a, b, n_permutations=40, seed=seed).p)
    assert np.mean(np.array(naive) < 0.05) > 0.3
    assert np.mean(np.array(found) < 0.05) <= 0.12


def test_a_difference_between_scenes_is_still_found_and_too_few_scenes_are_told():
    rng = np.random.default_rng(1)
    (a, of_a), (b, of_b) = in_scenes(rng, 25), in_scenes(rng, 25)
    shift = embedding_shift(a, b + 0.7, of_a, of_b)
    assert shift.p < 0.01 and (shift.groups_a, shift.groups_b) == (25, 25)
    assert shift.separability < embedding_shift(a, b + 0.7).separability  # a scene is never on both sides
    few = embedding_shift(a, b, np.minimum(of_a, 1), np.zeros_like(of_b))
    assert np.isnan(few.p) and "2 and 1 groups" in few.sentence()
    assert "No groups are known" in embedding_shift(a, b).sentence()


def test_frechet_distance_is_that_of_the_matrix_root():
    a, b = two_sets(0.5)
    a, b = a[:, :5], b[:, :5] * 1.5
    sa, sb = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    mean = ((a.mean(axis=0) - b.mean(axis=0)) ** 2).sum()
    assert _frechet(a, b) == pytest.approx(mean + np.trace(sa + sb - 2 * sqrtm(sa @ sb).real))


def test_the_same_seed_gives_the_same_distance_and_many_patches_are_sampled():
    a, b = two_sets(n=700, m=600)
    assert embedding_shift(a, b, n_permutations=20, seed=3) == embedding_shift(a, b, n_permutations=20, seed=3)
    assert embedding_shift(a, b, n_permutations=20).n_a == 500


def test_too_few_patches_are_refused():
    with pytest.raises(DataError, match="at least 20 patches of each; there are 120 and 7"):
        embedding_shift(*two_sets(m=7))
