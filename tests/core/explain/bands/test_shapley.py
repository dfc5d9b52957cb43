"""Shapley values are those of enumerating every order, of captum, and add up."""

from itertools import permutations

import numpy as np
import pytest
import torch
from captum.attr import ShapleyValues
from hypothesis import given, settings
from hypothesis import strategies as st

from core.explain.bands.occlusion import occlude
from core.explain.bands.shapley import group_drops, shapley_values, subsets_of


def of_every_order(drops: np.ndarray, n_groups: int) -> np.ndarray:
    values, orders = np.zeros((n_groups, *drops.shape[1:])), list(permutations(range(n_groups)))
    for order in orders:
        removed = 0
        for g in order:
            values[g] += drops[removed | 1 << g] - drops[removed]
            removed |= 1 << g
    return values / len(orders)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 5), st.integers(0, 1000))
def test_values_are_the_mean_over_every_order_and_add_up(n_groups, seed):
    drops = np.random.default_rng(seed).normal(size=(2**n_groups, 3))
    drops[0] = 0
    found = shapley_values(drops)
    np.testing.assert_allclose(found, of_every_order(drops, n_groups), atol=1e-12)
    np.testing.assert_allclose(found.sum(axis=0), drops[-1], atol=1e-12)


def test_groups_that_do_nothing_get_nothing_and_equal_groups_get_the_same():
    drops = np.array([0, 1, 1, 1, 0, 1, 1, 1.0])  # either of the first two is enough; the third is idle
    np.testing.assert_allclose(shapley_values(drops), [0.5, 0.5, 0.0])


def test_values_are_those_of_captum_on_a_network():
    torch.manual_seed(0)
    model = torch.nn.Sequential(
        torch.nn.Conv2d(5, 4, 3), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(64, 1), torch.nn.Sigmoid()
    ).eval()
    images = np.random.default_rng(1).normal(size=(3, 5, 6, 6)).astype(np.float32)
    groups, mask = [(0, 2), (1,), (3, 4)], torch.tensor([0, 1, 0, 2, 2])[None, :, None, None]
    with torch.no_grad():
        theirs = ShapleyValues(model).attribute(torch.from_numpy(images), baselines=0.0, feature_mask=mask, target=0)
        p0, after = occlude(lambda b: model(b)[:, 0], images, np.zeros((1, 5, 1, 1)), subsets_of(groups))
    ours = shapley_values(group_drops(p0, after, groups))
    np.testing.assert_allclose(ours, theirs.numpy()[:, [0, 1, 3], 0, 0].T, atol=1e-6)
    total = p0 - after[frozenset(range(5))]
    assert np.abs(ours.sum(axis=0) - total).max() < 1e-5


def test_subsets_are_numbered_by_their_groups():
    assert subsets_of([(0, 1), (2,)]) == [frozenset(), {0, 1}, {2}, {0, 1, 2}]
    assert len(subsets_of([(g,) for g in range(5)])) == 32


@pytest.mark.parametrize("shape", [(), (4,), (4, 2)])
def test_patches_and_heads_are_shared_out_each_for_itself(shape):
    drops = np.random.default_rng(0).normal(size=(8, *shape))
    drops[0] = 0
    assert shapley_values(drops).shape == (3, *shape)
