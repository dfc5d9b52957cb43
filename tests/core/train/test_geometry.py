import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.transform import AffineTransform
from skimage.transform import warp as sk_warp

from core.config import AugmentConfig
from core.train.geometry import draw_maps, move, warp

TO_SKIMAGE = {"zeros": "constant", "border": "edge", "reflection": "symmetric"}


def batch(n=3, bands=5, h=16, w=16):
    return torch.randn(n, bands, h, w, generator=torch.Generator().manual_seed(0))


def of(matrix, n=3):
    return np.tile(np.asarray(matrix, float), (n, 1, 1))


def test_a_quarter_turn_is_a_quarter_turn():
    images = batch()
    turned = warp(images, of([[0, -1, 0], [1, 0, 0]]), "zeros")
    assert torch.allclose(turned, torch.rot90(images, 1, (-2, -1)), atol=1e-5)


def test_whole_pixels_move_without_blur():
    images = batch()
    moved = warp(images, of([[1, 0, 3], [0, 1, -2]]), "zeros")
    assert torch.allclose(moved[..., 2:, :-3], images[..., :-2, 3:], atol=1e-5)
    assert (moved[..., :2, :] == 0).all() and (moved[..., -3:] == 0).all()


@pytest.mark.parametrize("fill", sorted(TO_SKIMAGE))
@pytest.mark.parametrize("hw", [(16, 16), (12, 20)])
def test_maps_are_scikit_images_inverse_maps_about_the_centre(fill, hw):
    height, width = hw
    images = batch(2, 3, height, width)
    config = AugmentConfig(rotation=40, shear=15, translation=0.2, crop=0.8)
    maps = draw_maps(2, hw, config, np.random.default_rng(4))
    found = warp(images, maps, fill)
    centre = np.array([(width - 1) / 2, (height - 1) / 2])
    for patch, matrix, ours in zip(images, maps, found, strict=True):
        full = np.eye(3)
        full[:2, :2], full[:2, 2] = matrix[:, :2], matrix[:, 2] + centre - matrix[:, :2] @ centre
        for band, own in zip(patch.numpy(), ours.numpy(), strict=True):
            expected = sk_warp(band.astype(float), AffineTransform(full), order=1, mode=TO_SKIMAGE[fill], cval=0)
            inner = (slice(3, -3), slice(3, -3))
            if fill == "zeros":
                assert np.abs(own - expected).max() < 1e-4 or np.mean(np.abs(own - expected) > 1e-4) < 0.1
            else:
                assert np.abs(own - expected).max() < 1e-4, np.abs(own - expected)[inner].max()


def test_a_cut_square_lies_inside_the_patch():
    config = AugmentConfig(crop=300 / 350)
    maps = draw_maps(500, (350, 350), config, np.random.default_rng(0))
    corners = np.array([[-175, -175, 1], [175, 175, 1]]).T
    reached = maps @ corners  # (n, xy, corner)
    assert np.abs(reached).max() <= 175 + 1e-9
    assert np.allclose(reached[:, :, 1] - reached[:, :, 0], 300)


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 7), st.integers(1, 20), st.integers(0, 1000))
def test_any_batch_of_any_bands_keeps_its_shape_and_stays_finite(n, bands, seed):
    config = AugmentConfig(rotation=180, shear=30, translation=0.4, shift=3, crop=0.5)
    images = batch(n, bands, 8, 10)
    moved = move(images, config, np.random.default_rng(seed))
    assert moved.shape == images.shape and moved.isfinite().all()
    assert torch.equal(moved, move(images, config, np.random.default_rng(seed)))


def test_bands_move_together_and_patches_by_themselves():
    images = torch.randn(1, 1, 16, 16).expand(6, 4, 16, 16)
    moved = move(images, AugmentConfig(rotation=90), np.random.default_rng(0))
    assert torch.equal(moved[:, 0], moved[:, 3]) and not torch.equal(moved[0], moved[1])


def test_patches_that_are_left_alone_are_so_to_the_bit():
    images = batch(200, 1, 8, 8)
    moved = move(images, AugmentConfig(rotation=30, affine_prob=0.3), np.random.default_rng(0))
    same = (moved == images).flatten(1).all(1)
    assert 0.6 < same.float().mean() < 0.8
    assert not AugmentConfig(rotation=30, affine_prob=0).moves_pixels and not AugmentConfig().moves_pixels
