import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.transform import AffineTransform
from skimage.transform import warp as sk_warp

from core.config import AugmentConfig
from core.train.augmentation.augment import oriented
from core.train.augmentation.geometry import draw_maps, oriented_maps, sampling_grid, warp

TO_SKIMAGE = {"zeros": "constant", "border": "edge", "reflection": "symmetric"}


def batch(n=3, bands=5, h=16, w=16):
    return torch.randn(n, bands, h, w, generator=torch.Generator().manual_seed(0))


def move(images, config, generator):
    return warp(images, draw_maps(len(images), images.shape[-2:], config, generator), config.fill)


def of(matrix, n=3):
    return np.tile(np.asarray(matrix, float), (n, 1, 1))


def test_a_quarter_turn_is_a_quarter_turn():
    images = batch()
    turned = warp(images, of([[0, -1, 0], [1, 0, 0]]), "zeros")
    assert torch.allclose(turned, torch.rot90(images, 1, (-2, -1)), atol=1e-5)


def test_the_grid_is_torchs():
    maps = torch.randn(5, 2, 3, generator=torch.Generator().manual_seed(1))
    expected = torch.nn.functional.affine_grid(maps, (5, 1, 12, 20), align_corners=False)
    assert (sampling_grid(maps, 12, 20) - expected).abs().max() < 1e-6


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


@pytest.mark.parametrize(("fill", "padding"), [("zeros", "zeros"), ("border", "border")])
def test_maps_are_kornias_warps_about_the_centre(fill, padding):
    """Its reflection turns at the middle of the border's pixels, ours at their edge (as scikit-image's `symmetric`)."""
    from kornia.geometry.transform import warp_affine

    images = batch(4, 7, 12, 20)
    config = AugmentConfig(rotation=60, shear=20, translation=0.2, shift=3, crop=0.7)
    maps = draw_maps(4, (12, 20), config, np.random.default_rng(1))
    centre = np.array([9.5, 5.5])
    forward = np.tile(np.eye(3), (4, 1, 1))  # from a pixel of the old patch to one of the new, counted from a corner
    forward[:, :2, :2] = maps[:, :, :2]
    forward[:, :2, 2] = maps[:, :, 2] + centre - maps[:, :, :2] @ centre
    forward = torch.from_numpy(np.linalg.inv(forward)[:, :2]).float()
    expected = warp_affine(images, forward, (12, 20), padding_mode=padding, align_corners=True)
    assert (warp(images, maps, fill) - expected).abs().max() < 1e-4


@pytest.mark.parametrize("angle", [-30.0, 12.5, 90.0])
def test_a_turn_and_a_shear_are_kornias(angle):
    from kornia.geometry.transform import rotate, shear

    images = batch(2, 12, 16, 16)
    cos, sin = np.cos(np.deg2rad(angle)), np.sin(np.deg2rad(angle))
    turned = warp(images, of([[cos, -sin, 0], [sin, cos, 0]], 2), "zeros")
    assert (turned - rotate(images, torch.tensor([angle, angle]))).abs().max() < 1e-4
    # Kornia says where a pixel goes, counted from the upper left; ours where it comes from, counted from the centre.
    slanted = warp(images, of([[1, -0.2, -0.2 * 7.5], [0, 1, 0]], 2), "zeros")
    assert (slanted - shear(images, torch.tensor([[0.2, 0.0]] * 2))).abs().max() < 1e-4


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


@pytest.mark.parametrize("fill", ["zeros", "border", "reflection"])
@pytest.mark.parametrize("side", [(16, 16), (12, 16)])
def test_turned_and_moved_at_once_is_turned_and_then_moved(fill, side):
    ways = np.array([[code & 4, code & 2, code & 1] for code in range(8)], bool).T
    if side[0] != side[1]:
        ways = ways & np.array([[False], [True], [True]])  # only square patches are swapped
    config = AugmentConfig(rotation=40, shear=20, translation=0.3, shift=2, crop=0.8)
    images, maps = batch(8, 2, *side), draw_maps(8, side, config, np.random.default_rng(0))
    at_once = warp(images, oriented_maps(maps, *ways), fill)
    assert torch.allclose(at_once, warp(oriented(images, *ways), maps, fill), atol=1e-4)


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
