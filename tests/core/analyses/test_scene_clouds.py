"""Clouds of a scene as a raster, which a scene's answer counts as not seen."""

import numpy as np
import pytest
import rasterio

from core.analyses.scene_clouds import ANALYSIS
from core.data.clouds.network import CloudNetwork
from core.errors import ConfigError
from core.predict.scene.clouds import cloud_raster, opened
from core.predict.scene.layers import classes_layer
from core.predict.scene.stack import Cloud
from core.progress import drain
from core.runs.targets import CheckpointsTarget
from tests.core.analyses.test_scene import scene_file
from tests.core.data.clouds.made_network import install

BANDS = ("red", "green", "blue", "nir")


def pixels(shape=(700, 90)):
    """Clear ground in DN, a cloud of 60 x 30 pixels, a shadow, and a corner that was not seen."""
    found = np.full((4, *shape), 2000, np.int16)
    found[:, 600:660, 30:60] = 6000
    found[:, 30:60, 30:60] = 300
    found[:, :15, :15] = -9999
    return found


@pytest.fixture
def asked(tmp_path, monkeypatch):
    install(tmp_path / "site", monkeypatch)
    scene = scene_file(tmp_path / "s.tif", pixels(), BANDS, nodata=-9999)
    return {"scene": str(scene), "out": str(tmp_path / "clouds.tif"), "unit": "DN"}


def test_the_raster_lies_on_the_scenes_grid_and_is_what_cloud_takes(tmp_path, asked):
    told = drain(ANALYSIS.start(CheckpointsTarget(tmp_path), asked))
    with rasterio.open(asked["scene"]) as scene, rasterio.open(asked["out"]) as file:
        found = file.read(1)
        assert (file.transform, file.crs, file.nodata) == (scene.transform, scene.crs, 255)
    expected = np.zeros((700, 90), np.uint8)
    expected[600:660, 30:60], expected[30:60, 30:60], expected[:15, :15] = 1, 2, 255
    assert np.array_equal(found, expected)
    assert told["pixels"] == {"clear": 60075, "cloud": 1800, "shadow": 900, "no data": 225}
    assert told["cloud_share"] == pytest.approx(1800 / 62775) and "Look at it before it is used" in told["message"]
    layer = classes_layer(tmp_path / "clouds.tif")
    hidden = Cloud(layer).on(layer.grid, (0, 0, 700, 90))
    assert np.array_equal(hidden, np.isin(expected, (1, 2))), "shadow too was not seen"


def test_the_scene_is_never_written_over(tmp_path, asked):
    layer = opened(tmp_path / "s.tif", None, "DN", None)
    with pytest.raises(ConfigError, match="would be written over"):
        drain(cloud_raster(layer, tmp_path / "s.tif", CloudNetwork("l2a")))


def test_a_scene_without_near_infrared_or_in_another_unit_is_refused(tmp_path, asked):
    target = CheckpointsTarget(tmp_path)
    rgb = scene_file(tmp_path / "rgb.tif", pixels()[:3], BANDS[:3])
    with pytest.raises(ConfigError, match="rgb.tif has no nir"):
        ANALYSIS.check(target, ANALYSIS.options(asked | {"scene": str(rgb)}))
    with pytest.raises(ConfigError, match="blue in '0-255'.*stretched"):
        ANALYSIS.check(target, ANALYSIS.options(asked | {"unit": "0-255"}))
    with pytest.raises(ConfigError, match="a name that ends in .tif"):
        ANALYSIS.options(asked | {"out": "clouds.png"})
