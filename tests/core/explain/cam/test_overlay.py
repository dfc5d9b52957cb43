"""Dead maps are named, scaling is per patch, drawing keeps values in place."""

import numpy as np

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
