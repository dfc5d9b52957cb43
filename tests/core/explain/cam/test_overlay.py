"""Dead maps are named, scaling is per patch, drawing keeps values in place."""

import numpy as np
import pytest
from PIL import Image

from core.explain.cam.overlay import dead_maps, scale_maps, upsample_maps


def test_dead_maps_are_those_without_evidence():
    maps = np.zeros((4, 2, 2), dtype=np.float32)
    maps[1, 0, 1] = 1e-9
    maps[2, 1, 1] = np.nan
    np.testing.assert_array_equal(dead_maps(maps), [True, False, True, True])
    assert dead_maps(np.empty((0, 0, 0))).shape == (0,)


def test_each_map_is_scaled_by_its_own_highest_value():
    maps = np.array([[[1.0, 2.0]], [[0.0, 0.0]], [[10.0, 5.0]]])
    np.testing.assert_array_equal(scale_maps(maps), [[[0.5, 1.0]], [[0.0, 0.0]], [[1.0, 0.5]]])
    assert scale_maps(maps).dtype == np.float32


def test_upsampling_is_bilinear_between_cell_centres():
    found = upsample_maps(np.array([[[0.0, 4.0]]]), (2, 4))
    np.testing.assert_allclose(found, [[[0, 1, 3, 4], [0, 1, 3, 4]]], atol=1e-6)
    assert upsample_maps(np.empty((0, 2, 2)), (8, 8)).shape == (0, 8, 8)


@pytest.mark.parametrize(
    ("cells", "size"), [((8, 8), (64, 64)), ((3, 5), (32, 48)), ((16, 16), (6, 9)), ((1, 1), (4, 4))]
)
def test_many_maps_are_drawn_as_pillow_draws_each(cells, size):
    maps = np.random.default_rng(0).random((5, *cells)).astype(np.float32)
    each = [np.asarray(Image.fromarray(one).resize(size[::-1], Image.Resampling.BILINEAR)) for one in maps]
    np.testing.assert_allclose(upsample_maps(maps, size), each, atol=1e-6)
