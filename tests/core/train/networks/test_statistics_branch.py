import numpy as np
import torch

from core.train.networks.statistics_branch import PER_BAND, QUANTILES, StatisticsBranch, band_features

X = np.random.default_rng(0).normal(size=(5, 3, 7, 9)).astype(np.float32) * [[[[1]], [[5]], [[0]]]] + 2


def test_features_are_numpys_mean_spread_and_quantiles_band_after_band():
    pixels = X.reshape(5, 3, -1)
    expected = [pixels.mean(-1), pixels.std(-1), *np.quantile(pixels, QUANTILES, axis=-1)]
    found = band_features(torch.from_numpy(X.astype(np.float32))).numpy().reshape(5, 3, PER_BAND)
    assert np.allclose(found, np.stack(expected, axis=-1), atol=1e-5)


def test_an_exported_network_computes_the_same_without_numpy():
    x = torch.from_numpy(X.astype(np.float32))
    branch = StatisticsBranch(3)
    branch.fit(x)
    assert torch.allclose(torch.export.export(branch, (x,)).module()(x), branch(x), atol=1e-6)


def test_after_the_fit_the_training_part_is_standardised_and_a_constant_band_stays_finite():
    x = torch.from_numpy(X.astype(np.float32))
    branch = StatisticsBranch(3)
    branch.fit(x)
    out = branch(x.requires_grad_())
    assert not out.requires_grad
    assert torch.allclose(out.mean(0), torch.zeros(27), atol=1e-4)
    assert torch.allclose(out[:, :18].std(0, correction=0), torch.ones(18), atol=1e-4)
    assert torch.equal(out[:, 18:], torch.zeros(5, 9))


def test_fitting_twice_does_not_standardise_twice():
    x = torch.from_numpy(X.astype(np.float32))
    branch = StatisticsBranch(3)
    branch.fit(x)
    once = branch(x)
    branch.fit(x)
    assert torch.equal(branch(x), once)
