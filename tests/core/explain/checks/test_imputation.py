"""Filling from around, against pytorch-grad-cam's sparse solver."""

import numpy as np
import pytest
import torch

from core.explain.checks.imputation import NOISE, impute


def smooth(n, bands=3, side=32):
    generator = torch.Generator().manual_seed(0)
    rough = torch.randn(n, bands, side, side, generator=generator)
    return torch.nn.functional.avg_pool2d(rough, 7, 1, 3, count_include_pad=False) * 5


def hole(n, side=32, share=0.5):
    cells = torch.rand(n, 1, 4, 4, generator=torch.Generator().manual_seed(1))
    drawn = torch.nn.functional.interpolate(cells, (side, side), mode="bilinear")[:, 0]
    return drawn >= drawn.flatten(1).quantile(1 - share, dim=1)[:, None, None]


@pytest.mark.filterwarnings("ignore:__array_wrap__:DeprecationWarning")  # the library hands tensors to numpy
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_it_solves_what_the_librarys_road_solves(share):
    pytest.importorskip("pytorch_grad_cam")
    from pytorch_grad_cam.metrics.road import NoisyLinearImputer

    images, missing = smooth(4), hole(4, share=share)
    found = impute(images, missing, noise=0.0)
    solver = NoisyLinearImputer(noise=0.0)
    expected = torch.stack([solver(one, (~gone).float()) for one, gone in zip(images, missing, strict=True)])
    error = (found - expected)[missing[:, None].expand_as(found)]
    assert error.square().mean().sqrt() < 0.1 * images.std()  # a few steps; random filling would be at 1 or more


def test_known_pixels_stay_and_noise_is_small_and_repeatable():
    images, missing = smooth(2), hole(2)
    one, two = (impute(images, missing, torch.Generator().manual_seed(3)) for _ in range(2))
    assert torch.equal(one, two)
    kept = ~missing[:, None].expand_as(images)
    assert torch.equal(one[kept], images[kept])
    difference = (one - impute(images, missing, noise=0.0))[~kept]
    assert float(difference.std()) == pytest.approx(NOISE, rel=0.1)


def test_a_plain_patch_is_filled_with_its_own_value_and_an_empty_one_with_the_mean():
    images = torch.full((2, 2, 16, 16), 3.0)
    missing = torch.zeros(2, 16, 16, dtype=torch.bool)
    missing[0, 2:13, 3:14] = True
    missing[1] = True
    found = impute(images, missing, noise=0.0)
    np.testing.assert_allclose(found[0].numpy(), 3.0, atol=1e-3)
    np.testing.assert_array_equal(found[1].numpy(), 0.0)
