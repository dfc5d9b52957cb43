"""Real scenes: Hokkaido before and after the earthquake of 2018, and Chittagong's tiles in degrees."""

import os
from pathlib import Path

import numpy as np
import pytest
import rasterio

from benchmarks.speed.scene import network_ensemble
from core.data.bands import bands_named
from core.errors import FormatError
from core.predict.scene.inputs import SceneInput, windows_of
from core.predict.scene.layers import open_layer
from core.predict.scene.rasters import KINDS, path_of
from core.predict.scene.scan import Scan, scan_scene
from core.progress import drain

FOLDER = os.environ.get("LANDSLIDE_REAL_DATA")
pytestmark = pytest.mark.skipif(not FOLDER, reason="LANDSLIDE_REAL_DATA names no folder of real data")
HOKKAIDO = Path(FOLDER or ".") / "hokkaido-2018-s2-scene"
CHITTAGONG = Path(FOLDER or ".") / "chittagong-s2-4band" / "raw" / "images"


def answered(asked, names, tmp_path, stride=64):
    bands = bands_named(names)
    ensemble = network_ensemble("demo", bands, 2)
    stack = asked.stack("a run", bands, [])
    scan = Scan(stack, windows_of(stack.layers[0], (64, 64), stride), ensemble, tmp_path / "stripes", np.array)
    return drain(scan_scene(scan, tmp_path / "p.tif", 0.5, {})), tmp_path / "p.tif"


def test_hokkaido_after_the_earthquake_has_answers_wherever_it_was_seen(tmp_path):
    scene = HOKKAIDO / "post_event_rgb.tif"
    found, out = answered(SceneInput(scene=scene), ("red", "green", "blue"), tmp_path)
    with rasterio.open(scene) as given, rasterio.open(out) as made:
        hole = (given.read() == given.nodata).all(axis=0)
        assert (made.crs, made.transform, made.shape) == (given.crs, given.transform, given.shape)
        probability = made.read(1)
    assert np.isnan(probability[hole]).all() and found.pixels["no data"] == hole.sum()
    assert np.isfinite(probability[~hole]).mean() > 0.98
    assert found.km2["all"] == pytest.approx(982 * 1139 * 1e-4, rel=2e-3)
    for kind in KINDS:
        with rasterio.open(path_of(kind, out)) as made:
            assert made.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"


def test_hokkaido_before_and_after_is_seen_where_both_were(tmp_path):
    """The scene from before covers the southern two thirds only."""
    asked = SceneInput(scene=HOKKAIDO / "post_event_rgb.tif", before=HOKKAIDO / "pre_event_rgb.tif")
    names = ("red", "green", "blue", "red_pre", "green_pre", "blue_pre")
    found, out = answered(asked, names, tmp_path)
    holes = []
    for path in (asked.scene, asked.before):
        with rasterio.open(path) as given:
            holes.append((given.read() == given.nodata).any(axis=0))
    assert found.n_missing["red"] <= holes[0].sum() < found.n_missing["red_pre"] <= holes[1].sum()
    assert found.pixels["no data"] == (holes[0] | holes[1]).sum()
    assert 0.2 < found.km2["no data"] / found.km2["all"] < 0.5
    with rasterio.open(out) as made:
        assert np.isnan(made.read(1)[holes[0] | holes[1]]).all()


def test_hokkaidos_nine_bands_are_taken_by_name():
    asked = SceneInput(scene=HOKKAIDO / "scene_pre_post_dem.tif")
    names = ("red", "green", "blue", "red_pre", "green_pre", "blue_pre", "elevation", "red_change")
    images = asked.stack("a run", bands_named(names), []).read((600, 500, 64, 64)).images
    apart = SceneInput(scene=HOKKAIDO / "post_event_rgb.tif", before=HOKKAIDO / "pre_event_rgb.tif")
    assert np.array_equal(images[:6], apart.stack("a run", bands_named(names[:6]), []).read((600, 500, 64, 64)).images)
    assert np.array_equal(images[7], images[0] - images[3]) and 0 < images[6].mean() < 1500
    with pytest.raises(FormatError, match="the scene has no nir "):
        asked.stack("a run", bands_named(("red", "nir")), [])


def test_chittagongs_tiles_have_zeros_for_no_data_and_areas_in_degrees(tmp_path):
    tiles = sorted(CHITTAGONG.glob("*.tif"))
    names = ("red", "green", "blue", "nir")
    holes = 0
    for path in tiles:
        layer = open_layer(path, expected=[names])
        images = layer.read((0, 0, *layer.grid.shape))
        with rasterio.open(path) as given:
            zero = (given.read() == 0).all(axis=0)
        assert np.array_equal(np.isnan(images).all(axis=0), zero) and layer.names == names
        holes += zero.sum()
        assert layer.grid.pixel_m() == pytest.approx(9.7, abs=0.3)  # 10 m at the equator, less along the parallel
    assert holes
    found, out = answered(SceneInput(scene=tiles[0]), names, tmp_path)
    assert found.km2["all"] == pytest.approx(256 * 256 * (8.983152841196e-5 * 111.0) ** 2 * 0.924, rel=0.02)
    with rasterio.open(tiles[0]) as given, rasterio.open(out) as made:
        assert made.transform == given.transform and made.crs == given.crs


def test_chittagongs_tiles_lie_on_each_other_where_they_meet():
    """A neighbour that is brought to a tile's grid shows the same values where both were seen."""
    tiles = [open_layer(path, bands=("red", "green", "blue", "nir")) for path in sorted(CHITTAGONG.glob("*.tif"))]
    compared = 0
    for one in tiles[:4]:
        own = one.read((0, 0, *one.grid.shape))
        for other in tiles:
            if other is one or other.beneath(one.grid, (0, 0, *one.grid.shape)) is None:
                continue
            there = other.on(one.grid, (0, 0, *one.grid.shape))
            both = np.isfinite(there).all(axis=0) & np.isfinite(own).all(axis=0)
            compared += both.sum()
            if both.any():
                assert np.abs(there - own)[:, both].max() <= 1.0
    assert compared > 0


def test_chittagongs_overlapping_tiles_are_one_scene(tmp_path):
    names = ("red", "green", "blue", "nir")
    found, out = answered(SceneInput(scene=CHITTAGONG), names, tmp_path)
    with rasterio.open(out) as made:
        probability, seen = made.read(1), np.zeros(made.shape, bool)
        for path in sorted(CHITTAGONG.glob("*.tif")):
            with rasterio.open(path) as tile:
                row, col = rasterio.transform.rowcol(made.transform, tile.transform.c, tile.transform.f, op=round)
                seen[row : row + tile.height, col : col + tile.width] |= (tile.read() != 0).any(axis=0)
    assert np.isnan(probability[~seen]).all() and np.isfinite(probability[seen]).mean() > 0.9
    assert found.pixels["no data"] == (~seen).sum() and found.km2["answered"] > 10
