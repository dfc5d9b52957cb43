"""The picture of a scene: means of what was seen, in true colour where there is one."""

import numpy as np

from core.predict.scene_map.overview import picture, shrunk, step_of
from core.progress import drain
from tests.core.analyses.test_scene import scene_file


def shown(path, step, bands=None):
    from core.predict.scene.layers import open_layer

    layer = open_layer(path, bands)
    return drain(picture(layer, layer.grid, step), lambda step: None)


def test_blocks_are_means_of_what_was_seen():
    values = np.arange(12, dtype=np.float32).reshape(1, 3, 4)
    values[0, 0, 0] = np.nan
    np.testing.assert_allclose(shrunk(values, 2), [[[10 / 3, 4.5], [8.5, 10.5]]])
    values[:] = np.nan
    assert np.isnan(shrunk(values, 2)).all()


def test_red_green_and_blue_are_shown_by_name(tmp_path):
    pixels = np.full((4, 40, 60), 50, np.uint8)
    pixels[:, :20] = 10
    pixels[3, :, :30] = 200  # blue is the first band: its half is bright
    path = scene_file(tmp_path / "s.tif", pixels[[3, 0, 1, 2]], ("blue", "green", "red", "nir"))
    found = shown(path, 2)
    assert found.bands == ("red", "green", "blue") and found.rgb.shape == (20, 30, 3)
    assert (found.rgb[:, :15, 2] == 255).all() and (found.rgb[:, :, 0] < 100).all()


def test_clouds_do_not_darken_the_ground(tmp_path):
    ground = np.random.default_rng(0).normal(1500, 100, (3, 60, 60)).clip(1).astype(np.float32)
    cloudy = ground.copy()
    cloudy[:, :, :6] = 7000
    under = shown(scene_file(tmp_path / "s.tif", cloudy, ("red", "green", "blue")), 1).rgb
    assert (under[:, :6] == 255).all() and under[:, 6:].mean() > 30  # up to the cloud's own brightness it would be 9


def test_other_bands_are_shown_in_their_order_and_one_alone_is_grey(tmp_path):
    three = scene_file(tmp_path / "three.tif", None, ("nir", "red", "slope"))
    assert shown(three, 1).bands == ("nir", "red", "slope")
    one = scene_file(tmp_path / "one.tif", np.random.default_rng(0).integers(1, 99, (1, 40, 40), np.uint8), ("red",))
    rgb = shown(one, 1).rgb
    assert (rgb[..., 0] == rgb[..., 2]).all()


def test_a_picture_is_at_most_so_large(tmp_path):
    shape = (1300, 70)
    path = scene_file(tmp_path / "long.tif", shape=shape)
    assert shown(path, step_of(shape)).rgb.shape == (650, 35, 3)
