"""Rasters of one ground as the bands of a run: taken by name, computed as differences, hidden by clouds, or refused."""

import numpy as np
import pytest
from rasterio.crs import CRS

from core.data.bands import bands_named
from core.errors import ConfigError, FormatError
from core.predict.scene.inputs import SceneInput
from tests.core.predict.scene.test_layers import UTM46, WGS84, X, Y, at, ramp, raster


def constant(path, values, names, shape=(20, 24), pixel=10.0, dtype=np.float32, **profile):
    pixels = np.stack([np.full(shape, value, dtype) for value in values])
    return raster(path, pixels, names, transform=at(X, Y, pixel), **profile)


def stack_of(names, told=None, units=None, **asked):
    return SceneInput(**asked).stack("a run", bands_named(names, units=units), [] if told is None else told)


def test_bands_come_from_several_rasters_by_name(tmp_path):
    optical = constant(tmp_path / "o.tif", (3000, 2000, 1000), ("nir", "red", "green"))
    radar = constant(tmp_path / "r.tif", (-18, -11), ("vh", "vv"), shape=(10, 12), pixel=20.0)
    told = []
    stack = stack_of(["red", "vv", "nir"], told, scene=optical, also=(radar,))
    view = stack.read((2, 3, 5, 6))
    assert view.images.shape == (3, 5, 6) and view.cloudy is None
    assert [np.unique(band).tolist() for band in view.images] == [[2000], [-11], [3000]]
    assert any("r.tif was brought to the grid of o.tif" in text and "2 times as large" in text for text in told)
    assert stack.files == [optical, radar]


def test_before_and_after_are_two_sets_of_bands_and_their_change_is_computed(tmp_path):
    after = constant(tmp_path / "a.tif", (-10, 1500), ("desc_vv", "red"))
    before = constant(tmp_path / "b.tif", (-8, 1200), ("desc_vv", "red"))
    told = []
    stack = stack_of(["red", "red_pre", "desc_dvv", "red_change"], told, scene=after, before=before)
    assert [band.flat[0] for band in stack.read((0, 0, 20, 24)).images] == [1500, 1200, -2, 300]
    assert "desc_dvv was computed as desc_vv less desc_vv_pre." in told
    with pytest.raises(FormatError, match="the scene has no desc_dvv "):
        stack_of(["red", "desc_dvv"], scene=after)


def test_a_change_within_one_raster_is_computed_too(tmp_path):
    both = constant(tmp_path / "a.tif", (-10, -7), ("vv", "vv_pre"))
    assert stack_of(["dvv"], scene=both).read((0, 0, 2, 2)).images[0].tolist() == [[-3, -3]] * 2


def test_bands_from_before_without_names_are_taken_by_their_number(tmp_path):
    after = constant(tmp_path / "a.tif", (1, 2), ())
    before = constant(tmp_path / "b.tif", (3, 4), ())
    stack = stack_of(["nir", "red", "nir_pre", "red_pre"], scene=after, before=before)
    assert stack.read((0, 0, 1, 1)).images.ravel().tolist() == [1, 2, 3, 4]


def test_names_may_be_given_for_every_raster(tmp_path):
    one = constant(tmp_path / "a.tif", (1, 2), ())
    two, three = constant(tmp_path / "b.tif", (3,), ()), constant(tmp_path / "c.tif", (4, 5), ())
    asked = dict(scene=one, also=(two, three), bands=("vv", "vh"), also_bands=(("slope",), ("dem", "twi")))
    assert stack_of(["twi", "slope", "vh"], **asked).read((0, 0, 1, 1)).images.ravel().tolist() == [5, 3, 2]
    with pytest.raises(ConfigError, match="more rasters than --also names"):
        stack_of(["vv"], scene=one, also_bands=(("a",),))


def test_a_band_that_is_missing_or_in_another_unit_is_named(tmp_path):
    scene = constant(tmp_path / "s.tif", (1, 2), ("red", "green"))
    radar = constant(tmp_path / "r.tif", (1,), ("vv",))
    with pytest.raises(FormatError, match=r"has no nir, slope \(s.tif: red, green; r.tif: vv\). Add the raster"):
        stack_of(["red", "nir", "slope", "vv"], scene=scene, also=(radar,))
    with pytest.raises(FormatError, match="found red in 'DN' instead of '0-255'"):
        stack_of(["red"], units={"red": "0-255"}, scene=scene)


def test_dn_and_reflectance_are_converted_and_it_is_told(tmp_path):
    scene, told = constant(tmp_path / "s.tif", (1500,), ("red",)), []
    found = stack_of(["red"], told, units={"red": "reflectance"}, scene=scene).read((0, 0, 2, 2)).images
    assert np.allclose(found, 0.15) and "converted from DN to reflectance" in told[0]


def test_the_first_raster_that_has_a_band_gives_it_and_idle_ones_are_told(tmp_path):
    one = constant(tmp_path / "a.tif", (1, 2), ("red", "green"))
    two, three = constant(tmp_path / "b.tif", (3,), ("red",)), constant(tmp_path / "c.tif", (4,), ("vv",))
    told = []
    stack = stack_of(["red", "green"], told, scene=one, also=(two, three))
    assert stack.read((0, 0, 1, 1)).images.ravel().tolist() == [1, 2]
    assert "red is in a.tif and in b.tif; that of a.tif is used." in told
    assert (
        "Run 'a run' reads no band of b.tif and c.tif." in told or "Run 'a run' reads no band of b.tif, c.tif." in told
    )


def test_a_raster_elsewhere_or_nowhere_is_refused(tmp_path):
    scene = constant(tmp_path / "s.tif", (1,), ("red",))
    far = raster(tmp_path / "f.tif", np.ones((1, 9, 9), np.float32), ("vv",), transform=at(X + 90_000, Y))
    with pytest.raises(FormatError, match=r"f.tif \(9x9 pixels, EPSG:32646\) does not lie on the ground of s.tif"):
        stack_of(["red", "vv"], scene=scene, also=(far,))
    nowhere = raster(tmp_path / "n.tif", np.ones((1, 9, 9), np.float32), ("vv",), crs=None, transform=at(X + 3, Y))
    with pytest.raises(
        FormatError, match="n.tif .*cannot be laid on s.tif .*both need a place and a coordinate system"
    ):
        stack_of(["red", "vv"], scene=scene, also=(nowhere,))


def test_a_raster_without_a_system_whose_pixels_fit_is_taken_with_a_warning(tmp_path):
    scene = constant(tmp_path / "s.tif", (1,), ("red",))
    silent = raster(tmp_path / "n.tif", np.ones((1, 9, 9), np.float32), ("vv",), crs=None)
    told = []
    stack_of(["red", "vv"], told, scene=scene, also=(silent,))
    assert "n.tif states no coordinate system; its numbers were taken to be those of s.tif." in told


def test_a_band_has_no_value_where_its_raster_ends(tmp_path):
    scene = raster(tmp_path / "s.tif", ramp((20, 24), at(X, Y), 1), ("red",), nodata=-1)
    radar = raster(tmp_path / "r.tif", np.full((1, 9, 24), -9, np.float32), ("vv",), crs=UTM46)
    view = stack_of(["red", "vv"], scene=scene, also=(radar,)).read((0, 0, 20, 24))
    assert np.array_equal(view.seen(True), np.arange(20)[:, None].repeat(24, 1) < 9) and view.seen(False).all()


def test_clouds_hide_optical_bands_and_not_radar(tmp_path):
    scene = constant(tmp_path / "s.tif", (1000, -9), ("red", "vv"))
    classes = np.zeros((1, 10, 12), np.uint8)
    classes[0, :2, :3], classes[0, 5, 5] = 9, 4
    cloud = raster(tmp_path / "scl.tif", classes, ("SCL",), transform=at(X, Y, 20.0))
    every = stack_of(["red", "vv"], scene=scene, clouds=(cloud,)).read((0, 0, 20, 24))
    assert every.cloudy.sum() == 4 * (6 + 1) and np.isnan(every.images[0]).sum() == 28
    some = stack_of(["red", "vv"], scene=scene, clouds=(cloud,), cloud_values=(8.0, 9.0)).read((0, 0, 20, 24))
    assert some.cloudy[:4, :6].all() and some.cloudy.sum() == 24
    assert np.isfinite(some.images[1]).all() and not some.seen(True)[0, 0] and some.seen(False).all()
    radar = stack_of(["vv"], scene=scene, clouds=(cloud,)).read((0, 0, 20, 24))
    assert radar.cloudy is None and radar.seen(True).all()


def test_rasters_without_a_place_fit_by_their_size(tmp_path):
    one = raster(
        tmp_path / "a.tif", np.ones((1, 6, 6), np.float32), ("red",), crs=None, transform=at(0, 0, 1.0) @ ~at(0, 0, 1.0)
    )
    two = raster(
        tmp_path / "b.tif",
        np.full((1, 6, 6), 2, np.float32),
        ("vv",),
        crs=None,
        transform=at(0, 0, 1.0) @ ~at(0, 0, 1.0),
    )
    told = []
    assert stack_of(["red", "vv"], told, scene=one, also=(two,)).read((0, 0, 1, 1)).images.ravel().tolist() == [1, 2]
    assert "have no place; as they are of one size" in told[-1]


def test_systems_by_another_name_are_one(tmp_path):
    assert CRS.from_string(WGS84) == CRS.from_epsg(4326)
    one = constant(tmp_path / "a.tif", (1,), ("red",))
    two = constant(tmp_path / "b.tif", (2,), ("vv",), crs="+proj=utm +zone=46 +datum=WGS84 +units=m +no_defs")
    told = []
    assert stack_of(["red", "vv"], told, scene=one, also=(two,)).read((0, 0, 1, 1)).images.ravel().tolist() == [1, 2]
