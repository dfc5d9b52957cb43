"""Rasters on one grid: nodata, scale, place, slopes, refusals."""

import numpy as np
import pytest
import rasterio
from affine import Affine

from core.errors import FormatError
from core.predict.maps.grid import grid_of, read_band, read_onto, read_probability, read_terrain, slope_degrees, tags_of
from tests.core.predict.maps.making import NORTH, UTM, grid, write_raster


def test_nodata_is_nan_and_the_grid_is_the_files(tmp_path):
    probs = np.array([[0.1, np.nan], [0.5, 1.0]], np.float32)
    values, where = read_probability(write_raster(tmp_path / "p.tif", probs))
    assert np.array_equal(values, probs, equal_nan=True) and where == grid(2, 2)
    assert where.pixel_m == pytest.approx((10 / 0.9996, 10 / 0.9996), rel=1e-5)
    lon, lat = where.to_lonlat(np.array([[0, 0]]))[0]
    assert lon == pytest.approx(141, abs=1e-9) and 42.4 < lat < 42.5


def test_what_is_no_map_of_probabilities_is_refused_in_words(tmp_path):
    with pytest.raises(FormatError, match="values from 0 to 3 in band 1; probabilities lie in 0-1"):
        read_probability(write_raster(tmp_path / "p.tif", [[0, 3.0]]))
    with pytest.raises(FormatError, match="holds no data at all"):
        read_probability(write_raster(tmp_path / "p.tif", [[np.nan, np.nan]]))
    with pytest.warns(rasterio.errors.NotGeoreferencedWarning):
        write_raster(tmp_path / "q.tif", [[0.5]], crs=None, transform=Affine.identity())
    with pytest.raises(FormatError, match="does not say where it lies"):
        grid_of(tmp_path / "q.tif")
    with pytest.raises(FormatError, match="has no band 'slope'. It has 1: band 1"):
        read_band(write_raster(tmp_path / "p.tif", [[0.5]]), "slope")


def test_a_band_is_found_by_its_name_and_scaled(tmp_path):
    path = write_raster(tmp_path / "t.tif", np.stack([np.zeros((2, 2)), np.full((2, 2), 3000)]))
    with rasterio.open(path, "r+") as out:
        out.descriptions, out.scales, out.offsets = ("a", "slope"), (1, 0.01), (0, 1)
        out.update_tags(ACQUISITION_DATE="2018-09-11")
    assert (read_band(path, "slope")[0] == 31).all() and (read_band(path, "2")[0] == 31).all()
    assert tags_of(path)["ACQUISITION_DATE"] == "2018-09-11"


def test_another_grid_is_brought_onto_this_one(tmp_path):
    coarse = np.tile(np.arange(6, dtype=np.float32), (4, 1))
    path = write_raster(tmp_path / "d.tif", coarse, transform=NORTH @ Affine.scale(2))
    fine = read_onto(path, grid(8, 12))
    assert fine[4, 2:10] == pytest.approx((np.arange(2, 10) - 0.5) / 2, abs=1e-5)
    other = read_onto(path, grid(4, 4, transform=NORTH @ Affine.translation(100, 0)))
    assert np.isnan(other).all()


def test_a_slope_of_thirty_degrees_is_thirty_degrees(tmp_path):
    where = grid(9, 9)
    plane = (np.arange(9)[None] * where.pixel_m[0] * np.tan(np.radians(30)) * np.ones((9, 1))).astype(np.float32)
    assert slope_degrees(plane, where) == pytest.approx(30, abs=1e-3)
    assert slope_degrees(plane.T, where) == pytest.approx(30, abs=1e-3)
    terrain = read_terrain(where, write_raster(tmp_path / "dem.tif", plane))
    assert terrain.slope == pytest.approx(30, abs=1e-3) and np.array_equal(terrain.elevation, plane)
    hole = plane.copy()
    hole[4, 4] = np.nan
    assert np.isnan(slope_degrees(hole, where)[3:6, 3:6]).sum() == 8  # its own differences do not need it


def test_slopes_in_hundredths_need_their_unit(tmp_path):
    path = write_raster(tmp_path / "s.tif", np.full((3, 3), 3000.0))
    with pytest.raises(FormatError, match="--slope-unit"):
        read_terrain(grid(3, 3), slope=path)
    assert (read_terrain(grid(3, 3), slope=path, slope_unit=0.01).slope == 30).all()


def test_an_own_oracle_agrees_on_ground(tmp_path):
    from rasterio.warp import transform

    where = grid(50, 70, UTM)
    pixels = np.array([[0, 0], [70, 50], [3.5, 7.25]])
    xs, ys = zip(*[NORTH @ tuple(p) for p in pixels], strict=True)
    lon, lat = transform(UTM, "EPSG:4326", xs, ys)
    assert where.to_lonlat(pixels) == pytest.approx(np.column_stack([lon, lat]), abs=1e-9)
