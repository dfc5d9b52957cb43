"""One raster: nan where nothing was seen, and the same value for a pixel in whichever window and grid it is read."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rasterio.crs import CRS

from core.data.readers.geo.placement import Placement, to_system
from core.errors import DataError, FormatError
from core.predict.scene import layers
from core.predict.scene.ground import Grid
from core.predict.scene.layers import classes_layer, open_layer
from tests.core.data.readers.geo.test_raster import at, write

UTM46, WGS84 = "EPSG:32646", "EPSG:4326"
X, Y = 500_000, 2_500_000


def raster(path, pixels, names=("red", "green"), crs=UTM46, transform=None, **profile):
    write(path, pixels, names, crs=crs, transform=transform or at(X, Y), **profile)
    return path


def ramp(shape, transform, n=2):
    """(n, H, W) float32 that grows linearly with x and y of a pixel's centre."""
    rows, cols = np.mgrid[: shape[0], : shape[1]] + 0.5
    x, y = transform.a * cols + transform.c, transform.e * rows + transform.f
    return np.stack([(x - X) / 10 + k + 2 * (Y - y) / 10 + 100 for k in range(n)]).astype(np.float32)


def test_what_was_not_seen_is_nan(tmp_path):
    pixels = np.full((2, 4, 5), 7, np.int16)
    pixels[:, 0, 0] = -9999
    pixels[0, 1, 1] = -9999
    pixels[:, 2, 2] = 0
    tagged = open_layer(raster(tmp_path / "a.tif", pixels, nodata=-9999)).read((0, 0, 4, 5))
    assert np.argwhere(np.isnan(tagged)).tolist() == [[0, 0, 0], [0, 1, 1], [1, 0, 0]] and tagged[1, 1, 1] == 7
    silent = open_layer(raster(tmp_path / "b.tif", pixels)).read((0, 0, 4, 5))  # 0 in all bands: nobody says otherwise
    assert np.argwhere(np.isnan(silent)).tolist() == [[0, 2, 2], [1, 2, 2]]
    stated = open_layer(tmp_path / "b.tif", nodata=7).read((0, 0, 4, 5))
    assert np.isfinite(stated)[:, [0, 1, 2], [0, 1, 2]].tolist() == [[True, True, True], [True, False, True]]
    floats = pixels.astype(np.float64)
    floats[0, 3, 3], floats[1, 3, 4] = np.inf, 1e300
    far = open_layer(raster(tmp_path / "c.tif", floats, nodata=-9999)).read((3, 0, 1, 5))
    assert np.argwhere(np.isnan(far)).tolist() == [[0, 0, 3], [1, 0, 4]]


def test_flat_ground_is_no_hole(tmp_path):
    slope = np.zeros((1, 4, 5), np.float32)
    assert np.isfinite(open_layer(raster(tmp_path / "s.tif", slope, ("slope",))).read((0, 0, 4, 5))).all()
    assert np.isnan(open_layer(raster(tmp_path / "r.tif", slope, ("red",))).read((0, 0, 4, 5))).all()


def test_bands_are_found_by_name_and_by_number_where_there_is_no_name(tmp_path):
    pixels = np.arange(3 * 4 * 5, dtype=np.float32).reshape(3, 4, 5) + 1
    named = open_layer(raster(tmp_path / "a.tif", pixels, ("B2", "B3", "B4")))
    assert named.names == ("blue", "green", "red") and np.array_equal(named.read((1, 2, 2, 2)), pixels[:, 1:3, 2:4])
    chosen = open_layer(tmp_path / "a.tif", bands=("red", "blue"))
    assert chosen.names == ("red", "blue") and np.array_equal(chosen.read((0, 0, 4, 5)), pixels[[2, 0]])
    assert np.array_equal(chosen.read((0, 0, 4, 5), [1]), pixels[[0]])
    told = []
    silent = open_layer(
        raster(tmp_path / "b.tif", pixels, ()), expected=[("a", "b"), ("nir", "slope", "vv")], warnings=told
    )
    assert silent.names == ("nir", "slope", "vv") and "by their number they were taken as nir, slope, vv" in told[0]
    assert open_layer(tmp_path / "b.tif", bands=("x", "y", "z")).names == ("x", "y", "z")


def test_a_hole_in_the_bands_that_are_not_read_is_no_hole(tmp_path):
    pixels = np.ones((2, 3, 3), np.float32)
    pixels[1] = 0
    assert np.array_equal(
        open_layer(raster(tmp_path / "a.tif", pixels), bands=("green",)).read((0, 0, 3, 3)), pixels[1:]
    )


def test_before_the_event_bands_have_other_names_and_terrain_keeps_its_own(tmp_path):
    layer = open_layer(raster(tmp_path / "a.tif", np.ones((3, 3, 3), np.uint8), ("red", "desc_vv", "slope"))).before()
    assert layer.names == ("red_pre", "desc_vv_pre", "slope") and layer.bands[0].unit == "0-255"


def test_what_is_no_raster_is_refused(tmp_path):
    (tmp_path / "a.tif").write_text("no raster")
    (tmp_path / "a.png").write_text("no raster")
    with pytest.raises(DataError, match="a.tif cannot be read as a GeoTIFF"):
        open_layer(tmp_path / "a.tif")
    with pytest.raises(FormatError, match="a.png is no GeoTIFF; accepted: .tif, .tiff"):
        open_layer(tmp_path / "a.png")
    with pytest.raises(FormatError, match=r"^b.tif: It has 2 bands; accepted: 3 \(a, b, c\).$"):
        open_layer(raster(tmp_path / "b.tif", np.ones((2, 3, 3), np.float32), ()), bands=("a", "b", "c"))


def test_decoding_in_pieces_changes_nothing(tmp_path, monkeypatch):
    layer = open_layer(
        raster(tmp_path / "a.tif", np.random.default_rng(0).normal(9, 1, (2, 20, 30)).astype(np.float32))
    )
    whole = layer.read((3, 4, 15, 20))
    monkeypatch.setattr(layers, "PIECE_BYTES", 2 * 20 * 4 * 3)
    assert np.array_equal(layer.read((3, 4, 15, 20)), whole)


def other_grid(pixel, shape=(24, 30), shift=(45.0, -35.0), crs=UTM46):
    return Grid(Placement((pixel, 0, X + shift[0], 0, -pixel, Y + shift[1]), CRS.from_string(crs).to_wkt()), shape)


@pytest.mark.parametrize("pixel", [5.0, 10.0])
def test_on_another_grid_a_linear_ground_keeps_its_values(tmp_path, pixel):
    layer = open_layer(raster(tmp_path / "a.tif", ramp((60, 60), at(X, Y)), nodata=-1))
    grid = other_grid(pixel)
    expected = ramp(grid.shape, at(X + 45, Y - 35, pixel))
    assert np.abs(layer.on(grid, (0, 0, *grid.shape)) - expected).max() < 0.02


def test_coarser_pixels_are_means_of_finer_ones(tmp_path):
    layer = open_layer(raster(tmp_path / "a.tif", ramp((120, 120), at(X, Y, 2.5), 2), transform=at(X, Y, 2.5)))
    grid = other_grid(10.0, (20, 20), (40.0, -40.0))
    expected = ramp(grid.shape, at(X + 40, Y - 40))
    assert np.abs(layer.on(grid, (0, 0, *grid.shape)) - expected).max() < 0.02


@settings(max_examples=25)
@given(
    st.integers(0, 23), st.integers(0, 29), st.integers(1, 24), st.integers(1, 30), st.sampled_from([3.0, 10.0, 26.0])
)
def test_a_window_on_another_grid_is_a_part_of_the_whole(tmp_path_factory, row, col, height, width, pixel):
    folder = tmp_path_factory.getbasetemp() / "windows"
    folder.mkdir(exist_ok=True)
    pixels = np.random.default_rng(1).normal(50, 9, (2, 64, 70)).astype(np.float32)
    pixels[:, 10:20, 30:33] = -1
    layer = open_layer(raster(folder / f"{pixel}.tif", pixels, nodata=-1))
    grid = other_grid(pixel, (24, 30), (100.0, -100.0))
    whole = layer.on(grid, (0, 0, *grid.shape))
    part = (row, col, min(height, 24 - row), min(width, 30 - col))
    found = layer.on(grid, part)
    expected = whole[:, row : row + part[2], col : col + part[3]]
    np.testing.assert_allclose(
        found, expected, rtol=3e-7
    )  # GDAL counts from the window's corner: the last digit may differ


def test_another_system_is_found_by_its_place(tmp_path):
    """The value of a pixel is its longitude and latitude, read from a grid in metres."""
    step = 0.0001
    transform = at(92.99, 22.62, step)
    rows, cols = np.mgrid[:300, :300] + 0.5
    lon, lat = transform.a * cols + transform.c, transform.e * rows + transform.f
    degrees = np.stack([lon - 92.99, lat - 22.59]).astype(np.float32) * 1000
    layer = open_layer(raster(tmp_path / "a.tif", degrees, crs=WGS84, transform=transform, nodata=-1))
    grid = other_grid(10.0, (40, 50), (100.0, 500.0))
    found = layer.on(grid, (0, 0, *grid.shape))
    rows, cols = np.mgrid[:40, :50] + 0.5
    x, y = grid.place.at(rows, cols)
    lon, lat = to_system(grid.place.crs, CRS.from_string(WGS84).to_wkt(), x, y)
    seen = np.isfinite(found).all(axis=0)
    assert seen.mean() > 0.9
    assert np.abs(found[0] - (lon - 92.99) * 1000)[seen].max() < 0.01
    assert np.abs(found[1] - (lat - 22.59) * 1000)[seen].max() < 0.01


def test_holes_stay_holes_on_another_grid_and_there_is_nothing_outside(tmp_path):
    pixels = np.full((2, 40, 40), 5, np.int16)
    pixels[:, 10:20, 10:20] = -9999
    layer = open_layer(raster(tmp_path / "a.tif", pixels, nodata=-9999))
    found = layer.on(other_grid(5.0, (100, 100), (0.0, 0.0)), (0, 0, 100, 100))
    assert np.isnan(found[:, 22:38, 22:38]).all() and np.isnan(found[:, 81:]).all() and np.isnan(found[:, :, 81:]).all()
    assert set(np.unique(found[np.isfinite(found)])) == {5.0} and np.isfinite(found[:, :18, :78]).all()
    assert np.isnan(layer.on(other_grid(10.0, (8, 8), (9000.0, 0.0)), (0, 0, 8, 8))).all()


def test_much_finer_pixels_are_read_in_parts(tmp_path, monkeypatch):
    layer = open_layer(raster(tmp_path / "a.tif", ramp((200, 200), at(X, Y, 1.0)), transform=at(X, Y, 1.0), nodata=-1))
    grid = other_grid(10.0, (20, 20), (0.0, 0.0))
    whole = layer.on(grid, (0, 0, 20, 20))
    monkeypatch.setattr(layers, "PIECE_BYTES", 100_000)
    monkeypatch.setattr(layers, "LEAST_SPLIT", 4)
    assert np.array_equal(layer.on(grid, (0, 0, 20, 20)), whole, equal_nan=True)


def test_classes_are_never_averaged(tmp_path):
    classes = np.array([[[0, 3], [8, 4]]], np.uint8).repeat(8, 1).repeat(8, 2)
    layer = classes_layer(raster(tmp_path / "scl.tif", classes, ("SCL",)))
    found = layer.on(other_grid(3.0, (40, 40), (10.0, -10.0)), (0, 0, 40, 40))
    assert set(np.unique(found)) == {0, 3, 4, 8}
