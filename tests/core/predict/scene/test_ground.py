"""Grids that are the same, and areas that agree with what is known of the ellipsoid."""

import math

import numpy as np
import pytest
from rasterio.crs import CRS

from core.data.readers.geo.placement import Placement
from core.predict.scene.ground import Grid, Tally

UTM54, DEGREES = CRS.from_epsg(32654).to_wkt(), CRS.from_epsg(4326).to_wkt()
A, E2 = 6378137.0, 0.0066943799901413165


def grid(crs, x, y, pixel, shape):
    return Grid(Placement((pixel, 0, x, 0, -pixel, y), crs), shape)


def zone_km2(south, north, degrees_wide):
    """Between two parallels on the ellipsoid (Snyder, 1987, 3-12 and 3-13)."""

    def q(latitude):
        s, e = math.sin(math.radians(latitude)), math.sqrt(E2)
        return (1 - E2) * (s / (1 - E2 * s * s) - math.log((1 - e * s) / (1 + e * s)) / (2 * e))

    return A * A / 2 * math.radians(degrees_wide) * (q(north) - q(south)) / 1e6


def test_on_the_central_meridian_a_map_pixel_is_smaller_than_the_ground():
    middle = grid(UTM54, 500_000 - 320, 4_700_000, 10, (64, 64))
    assert middle.pixel_km2[0, 0] == pytest.approx(1e-4 / 0.9996**2, rel=1e-6)
    assert middle.pixel_m() == pytest.approx(10 / 0.9996, rel=1e-5)


@pytest.mark.parametrize("latitude", [0.0, 22.5, 43.0, 70.0])
def test_pixels_in_degrees_add_up_to_the_zone(latitude):
    here = grid(DEGREES, 91.0, latitude + 1, 0.01, (100, 150))
    tally = Tally(here)
    tally.add(0, {"all": np.ones((100, 150), bool)})
    assert tally.km2["all"] == pytest.approx(zone_km2(latitude, latitude + 1, 1.5), rel=1e-5)


def test_a_tally_does_not_depend_on_how_rows_come():
    here = grid(UTM54, 572_840, 4_735_740, 10, (150, 203))
    marked = np.random.default_rng(0).uniform(size=(150, 203)) < 0.3
    whole, parts = Tally(here), Tally(here)
    whole.add(0, {"a": marked, "none": np.zeros_like(marked)})
    for top, bottom in ((0, 7), (7, 70), (70, 150)):
        parts.add(top, {"a": marked[top:bottom]})
    assert whole.pixels == {"a": marked.sum(), "none": 0} and parts.pixels["a"] == marked.sum()
    assert parts.km2["a"] == pytest.approx(whole.km2["a"], rel=1e-12) and whole.km2["none"] == 0
    assert whole.km2["a"] == pytest.approx(marked.sum() * 1e-4, rel=2e-3)


def test_without_a_place_there_are_pixels_but_no_area():
    tally = Tally(Grid(None, (4, 5)))
    tally.add(0, {"all": np.ones((4, 5), bool)})
    assert tally.pixels == {"all": 20} and tally.km2 is None and Grid(None, (4, 5)).pixel_m() is None


def test_grids_are_the_same_by_their_corners():
    one = grid(UTM54, 572_840, 4_735_740, 10, (100, 80))
    assert one.is_same(grid(UTM54, 572_840.05, 4_735_740, 10, (100, 80)))  # rounding of a writer
    assert not one.is_same(grid(UTM54, 572_845, 4_735_740, 10, (100, 80)))
    assert not one.is_same(grid(UTM54, 572_840, 4_735_740, 10, (100, 81)))
    assert not one.is_same(grid(UTM54, 572_840, 4_735_740, 10.01, (100, 80)))
    assert not one.is_same(grid(DEGREES, 572_840, 4_735_740, 10, (100, 80))) and not one.is_same(Grid(None, (100, 80)))
    assert Grid(None, (3, 4)).is_same(Grid(None, (3, 4)))


def test_degrees_lead_to_pixels():
    here = grid(DEGREES, 91.0, 23.0, 0.1, (10, 10))
    rows, cols = here.at_degrees(np.array([[91.25, 22.5], [95.0, 22.5]]))
    assert np.allclose(rows, [5, 5]) and np.allclose(cols, [2.5, 40])
