"""Occlusion answers what one gets by hand, as captum does, and leaves the patches as they were."""

import numpy as np
import pytest
import torch
from captum.attr import FeatureAblation
from captum.attr import Occlusion as CaptumOcclusion
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from core.errors import ConfigError, FormatError
from core.explain.bands.occlusion import Windows, occlude, occlude_windows


def patches(n: int = 6, bands: int = 4, side: int = 3) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(n, bands, side, side)).astype(np.float32)


def constants(*values: float) -> np.ndarray:
    return np.array(values, np.float32)[None, :, None, None]


def network(bands: int = 4) -> nn.Module:
    torch.manual_seed(0)
    layers = nn.Conv2d(bands, 5, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(5, 1)
    return nn.Sequential(*layers, nn.Sigmoid()).eval()


@settings(max_examples=20, deadline=None)
@given(
    st.lists(st.sets(st.integers(0, 3)), min_size=1, max_size=9),
    st.integers(1, 40),
    st.booleans(),
)
def test_each_subset_of_bands_is_taken_from_the_other_patches_and_nothing_else(subsets, batch_size, constant):
    images = patches()
    other = constants(5, 6, 7, 8) if constant else images + 10
    p0, after = occlude(lambda batch: batch, images, other, subsets, batch_size)
    np.testing.assert_array_equal(p0, images)  # the batch itself was answered, and kept safe
    assert set(after) == {frozenset(subset) for subset in subsets}
    for subset, found in after.items():
        wanted = images.copy()
        for band in subset:
            wanted[:, band] = np.broadcast_to(other, images.shape)[:, band]
        np.testing.assert_array_equal(found, wanted)
    np.testing.assert_array_equal(images, patches())


def test_drops_of_a_linear_model_are_weight_times_distance_from_the_fill():
    weights, fill, images = torch.tensor([0.5, -1.0, 0.0, 2.0]), constants(0.1, -0.2, 5.0, 0.3), patches()
    p0, after = occlude(lambda b: b.mean(dim=(2, 3)) @ weights, images, fill, [(i,) for i in range(4)], 4)
    drops = np.stack([p0 - after[frozenset({band})] for band in range(4)], axis=1)
    by_hand = weights.numpy() * (images.mean(axis=(2, 3)) - fill[:, :, 0, 0])
    np.testing.assert_allclose(drops, by_hand, atol=1e-5)


@pytest.mark.parametrize("batch_size", [4, 64])  # a batch a subset, and many subsets a batch
def test_drops_are_those_of_captum(batch_size):
    model, images = network(), patches(n=5, side=8)
    with torch.no_grad():
        mask = torch.tensor([0, 1, 1, 2])[None, :, None, None]
        theirs = (
            FeatureAblation(model)
            .attribute(torch.from_numpy(images), baselines=0.25, feature_mask=mask, target=0)
            .numpy()[:, [0, 1, 3], 0, 0]
        )
        p0, after = occlude(lambda b: model(b)[:, 0], images, constants(*[0.25] * 4), [(0,), (1, 2), (3,)], batch_size)
    ours = np.stack([p0 - after[frozenset(s)] for s in ((0,), (1, 2), (3,))], axis=1)
    np.testing.assert_allclose(ours, theirs, atol=1e-6)


@pytest.mark.parametrize("batch_size", [2, 64])
def test_window_drops_are_those_of_captum(batch_size):
    model, images = network(), patches(n=3, side=8)
    windows = Windows.over(8, 8, 4, 2)
    assert windows.rows == (0, 2, 4)
    with torch.no_grad():
        theirs = CaptumOcclusion(model).attribute(
            torch.from_numpy(images), (4, 4, 4), strides=(4, 2, 2), baselines=0.5, target=0
        )
        p0, after = occlude_windows(lambda b: model(b)[:, 0], images, constants(*[0.5] * 4), windows, batch_size)
    ours = windows.to_pixels(p0[:, None, None] - after, 8, 8)
    np.testing.assert_allclose(ours, theirs.numpy()[:, 0], atol=1e-6)  # its mean over windows, the same in each band


def test_windows_may_leave_bands_as_they_are():
    images = patches(n=2, side=4)
    windows = Windows.over(4, 4, 2, 2)
    _, after = occlude_windows(lambda b: b, images, images + 1, windows, bands=[1])
    np.testing.assert_array_equal(after[:, 1, 0, [0, 2, 3]], images[:, [0, 2, 3]])
    changed = after[:, 1, 0, 1] != images[:, 1]
    assert changed[:, 2:, :2].all() and changed.sum() == 2 * 4


def test_the_last_window_is_flush_with_the_edge():
    assert Windows.over(7, 5, 3, 3) == Windows(3, (0, 3, 4), (0, 2))
    assert Windows.over(4, 4, 4, 2) == Windows(4, (0,), (0,))
    for size, stride in ((0, 1), (5, 1), (2, 0)):
        with pytest.raises(ConfigError, match="does not fit"):
            Windows.over(4, 4, size, stride)


def test_what_does_not_fit_is_refused():
    with pytest.raises(FormatError, match="one value a band"):
        occlude(lambda batch: batch, patches(), np.zeros((1, 3, 1, 1)), [(0,)])
    with pytest.raises(FormatError, match="the same shape"):
        occlude(lambda batch: batch, patches(), patches(5), [(0,)])


def test_no_patches_give_no_answers():
    p0, after = occlude(lambda batch: batch.sum(dim=(1, 2, 3)), patches(0), constants(0, 0, 0, 0), [(0,), ()])
    assert p0.shape == (0,) and after[frozenset({0})].shape == (0,)
