import os
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from PIL import Image
from skimage import feature, filters
from skimage.color import rgb2gray

from core.data.edges import HIGH, LOW, SIGMA, canny, sobel
from core.data.indices import luminance

RNG = np.random.default_rng(0)


def textured(n=6, side=40):
    """(n, side, side) float32 in 0-1: smooth ground with a few bright squares."""
    ground = filters.gaussian(RNG.random((n, side, side)), sigma=(0, 2, 2))
    ground = (ground - ground.min()) / np.ptp(ground)
    for image in ground:
        y, x = RNG.integers(2, side - 12, 2)
        image[y : y + 9, x : x + 9] += 0.4
    return ground.astype(np.float32)


def test_sobel_equals_scikit_image_at_every_pixel_and_border():
    for images in (textured(), RNG.normal(-10, 8, (3, 2, 9, 13)).astype(np.float32)):
        ours = sobel(torch.from_numpy(images)).numpy().reshape(-1, *images.shape[-2:])
        for found, image in zip(ours, images.reshape(-1, *images.shape[-2:]), strict=True):
            np.testing.assert_allclose(found, filters.sobel(image.astype(np.float64)), atol=1e-5)


def test_sobel_of_a_ramp_is_its_slope_over_the_square_root_of_two():
    ramp = torch.arange(8.0).expand(1, 8, 8) * 3
    np.testing.assert_allclose(sobel(ramp)[0, :, 1:-1], 2 * 3 / np.sqrt(2), rtol=1e-6)  # (-1, 0, 1) spans two pixels


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_canny_equals_scikit_image(dtype):
    images = textured(20).astype(dtype)
    found = canny(torch.from_numpy(images)).numpy()
    expected = np.stack([feature.canny(image, SIGMA, LOW, HIGH) for image in images])
    assert 0.01 < expected.mean() < 0.5 and set(np.unique(found)) == {0.0, 1.0}
    assert (found == expected).mean() >= 0.999
    np.testing.assert_array_equal(canny(images), expected)


@pytest.mark.parametrize(("sigma", "low", "high"), [(2.0, 0.02, 0.05), (0.7, 0.0, 0.3)])
def test_canny_follows_its_settings(sigma, low, high):
    images = textured(8)
    expected = np.stack([feature.canny(image, sigma, low, high) for image in images])
    assert (canny(torch.from_numpy(images), sigma, low, high).numpy() == expected).mean() >= 0.999


def test_weak_edges_count_only_where_they_lead_to_a_strong_one():
    image = np.zeros((40, 40), np.float32)
    image[:, 20:] = np.linspace(0.35, 0.06, 40)[:, None]  # a step that fades along its length
    image[3:9, 3:9] = 0.07  # a faint square that touches nothing strong
    found = canny(torch.from_numpy(image)[None])[0].numpy()
    np.testing.assert_array_equal(found, feature.canny(image, SIGMA, LOW, HIGH))
    assert found[1:-1, 18:22].any(axis=1)[:30].all() and not found[:, :12].any()


def test_patches_and_bands_do_not_touch_each_other():
    images = torch.from_numpy(textured(6)).reshape(2, 3, 40, 40)
    for filter_one in (sobel, canny):
        torch.testing.assert_close(filter_one(images)[1, 2], filter_one(images[1, 2][None])[0], rtol=0, atol=0)
        torch.testing.assert_close(filter_one(images.flip(0)), filter_one(images).flip(0), rtol=0, atol=0)


def test_gradients_are_finite_through_sobel_and_none_go_through_canny():
    images = torch.zeros(1, 8, 8, requires_grad=True)
    sobel(images).sum().backward()
    assert torch.isfinite(images.grad).all()
    assert not canny(images).requires_grad


@settings(max_examples=40, deadline=None)
@given(
    arrays(
        np.float32, array_shapes(min_dims=3, max_dims=3, min_side=2, max_side=12), elements=st.floats(-5, 5, width=32)
    )
)
def test_whatever_comes_in_edges_are_finite_and_equal(images):
    tensor = torch.from_numpy(images)
    np.testing.assert_allclose(sobel(tensor).numpy(), sobel(images), atol=1e-5)
    found = canny(tensor).numpy()
    assert np.isin(found, (0.0, 1.0)).all()


REAL = os.environ.get("LANDSLIDE_REAL_DATA")


@pytest.mark.skipif(REAL is None, reason="LANDSLIDE_REAL_DATA is not set: no real data here")
def test_real_patches_have_the_same_edges_as_scikit_image():
    files = sorted((Path(REAL) / "landslide4sense-rgb").rglob("*.png"))
    files = [file for file in files if "mask" not in file.as_posix()][:200]
    rgb = np.stack([np.asarray(Image.open(file)) for file in files]).astype(np.float32) / 255
    files = sorted((Path(REAL) / "chittagong-s2-4band" / "patches64").glob("*.npy"))[:100]
    dn = np.stack([np.load(file)[..., :3] for file in files]) / 4000
    for images in (rgb, dn):
        gray = luminance(*np.moveaxis(images, -1, 0))
        np.testing.assert_allclose(gray, rgb2gray(images), atol=1e-5)
        found = canny(torch.from_numpy(gray)).numpy()
        expected = np.stack([feature.canny(image, SIGMA, LOW, HIGH) for image in gray])
        assert 0.02 < expected.mean() < 0.3 and (found == expected).mean() >= 0.999
        np.testing.assert_allclose(sobel(torch.from_numpy(gray)).numpy(), sobel(gray), atol=1e-5)
