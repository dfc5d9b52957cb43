"""Intervals have the width they should, ranks are as sure as the resamples say, and a sole band comes first."""

import numpy as np
import pytest
import torch
from scipy.stats import kendalltau

from core.explain.bands.occlusion import occlude
from core.explain.bands.replacements import BASELINES, choose_donors, replacement
from core.stats.ranking import importance, rank_agreement


def test_interval_has_the_width_of_a_mean_and_respects_groups():
    drops = np.random.default_rng(0).normal(0.2, 0.1, (1, 100))
    alone, error = importance(drops), drops.std() / 10
    assert alone.mean[0] == drops.mean() and alone.total[0] == pytest.approx(drops.sum())
    assert alone.lo[0] == pytest.approx(drops.mean() - 1.99 * error, abs=0.003)
    assert alone.hi[0] == pytest.approx(drops.mean() + 1.99 * error, abs=0.003)
    four = importance(np.repeat(drops, 4, axis=1), np.repeat(np.arange(100), 4))
    np.testing.assert_allclose([four.lo, four.hi], [alone.lo, alone.hi])
    single = importance(drops, np.zeros(100))
    assert np.isnan([single.lo[0], single.hi[0], single.first[0]]).all() and single.n_groups == 1


def test_ranks_are_sure_where_drops_differ_and_shared_where_they_do_not():
    rng = np.random.default_rng(0)
    drops = np.stack([rng.normal(0.5, 0.1, 50), rng.normal(0.2, 0.1, 50), np.zeros(50)])
    found = importance(drops)
    assert found.first.tolist() == [1, 0, 0]
    assert found.rank_lo.tolist() == found.rank_hi.tolist() == [1, 2, 3]
    same = importance(np.zeros((4, 20)))
    np.testing.assert_allclose(same.first, 0.25)


def test_agreement_of_rankings_is_kendalls_tau():
    rng = np.random.default_rng(3)
    a, b = rng.normal(size=(8, 40)), rng.normal(size=(8, 40))
    b[0] = b[1]  # a tie
    found = rank_agreement(a, b)
    assert found.value == pytest.approx(kendalltau(a.mean(axis=1), b.mean(axis=1)).statistic)
    assert found.lo < found.value < found.hi
    assert rank_agreement(a, a).value == 1.0
    assert np.isnan(rank_agreement(np.zeros((3, 5)), a[:3, :5]).value)


@pytest.mark.parametrize("band", [0, 3])
def test_a_band_that_alone_carries_the_signal_is_first_under_every_replacement(band):
    """A network trained on bright squares in one band of five: measured, first in every resample for all five."""
    rng, n = np.random.default_rng(band), 160
    labels = np.arange(n) % 2
    images = rng.normal(size=(n, 5, 16, 16)).astype(np.float32)
    for i in np.flatnonzero(labels):
        y, x = rng.integers(0, 10, 2)
        images[i, band, y : y + 6, x : x + 6] += 3
    model = trained(images[:80], labels[:80])
    held, truth = images[80:], labels[80:]
    groups = np.arange(80) // 2

    def predict(batch):
        with torch.no_grad():
            return torch.sigmoid(model(batch)[:, 0])

    assert ((predict(torch.from_numpy(held)).numpy() > 0.5) == truth).mean() > 0.95
    spread = {"mean": images.mean(axis=(0, 2, 3)), "zero": np.zeros(5), "zero_raw": np.full(5, -2.0)}
    donors = held[choose_donors(truth, truth, seed=0)]
    positive = truth == 1
    for baseline in BASELINES:
        other = replacement(baseline, held, spread, None, donors, seed=0)
        p0, after = occlude(predict, held, other, [(b,) for b in range(5)])
        drops = np.stack([p0 - after[frozenset({b})] for b in range(5)])[:, positive]
        assert importance(drops, groups[positive]).first[band] >= 0.99, baseline


def trained(images, labels):
    torch.manual_seed(0)
    model = torch.nn.Sequential(
        torch.nn.Conv2d(5, 8, 5, padding=2), torch.nn.BatchNorm2d(8), torch.nn.ReLU(), torch.nn.AdaptiveMaxPool2d(1),
        torch.nn.Flatten(), torch.nn.Linear(8, 1),
    )  # fmt: skip
    x, y = torch.from_numpy(images), torch.from_numpy(labels).float()
    optimiser = torch.optim.Adam(model.parameters(), lr=0.02)
    for _ in range(60):
        optimiser.zero_grad()
        torch.nn.functional.binary_cross_entropy_with_logits(model(x)[:, 0], y).backward()
        optimiser.step()
    return model.eval()
