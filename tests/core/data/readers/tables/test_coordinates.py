"""Coordinates as other people write them: degrees of any form are read, what is none is told apart."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.data.readers.tables.coordinates import degrees, place_columns, read_places

NAMES = ("lon", "lat")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("27.5", 27.5),
        ("27,5", 27.5),
        ("-27.5", -27.5),
        ("\u221227.5", -27.5),
        ("27.5 N", 27.5),
        ("S27,5", -27.5),
        ("27\u00b030'N", 27.5),
        ("27\u00ba30\u203200\u2033S", -27.5),
        ("27 30 00 n", 27.5),
        ("27:30:00", 27.5),
        ("27d30m0s", 27.5),
        ("27.5\u00b0", 27.5),
        ("27 61 00", math.nan),
        ("27.5 E", math.nan),
        ("-27.5 N", math.nan),
        ("27.5 NS", math.nan),
        ("1,234,5", math.nan),
        ("inf", math.nan),
        ("Kathmandu", math.nan),
        ("", math.nan),
    ],
)
def test_degrees_in_every_form(text, value):
    assert degrees(text, "latitude") == pytest.approx(value, nan_ok=True)


@settings(max_examples=60, deadline=None)
@given(st.floats(-179.9, 179.9), st.floats(-71, 71))
def test_degrees_minutes_and_seconds_are_the_same_place(lon, lat):
    def written(value, letters):
        seconds = round(abs(value) * 3600)
        return f"{seconds // 3600}\u00b0{seconds // 60 % 60:02d}'{seconds % 60:02d}\"{letters[value < 0]}"

    places = read_places([written(lon, "EW")], [written(lat, "NS")], NAMES)
    if round(abs(lon) * 3600) or round(abs(lat) * 3600):
        np.testing.assert_allclose(places.lonlat, [[lon, lat]], atol=2e-4)
        assert places.reasons == ("",)


def test_longitudes_of_0_to_360_become_west(tmp_path):
    places = read_places(["237.5", "85.1", "-122"], ["37", "27", "40"], NAMES)
    assert places.lonlat[:, 0].tolist() == [-122.5, 85.1, -122.0] and "1 longitudes of 180 to 360" in places.notes[0]


def test_columns_that_only_make_sense_the_other_way_round_are_read_so_and_told_of():
    places = read_places(["32.5", "31"], ["107.45", "104"], NAMES)
    assert places.lonlat.tolist() == [[107.45, 32.5], [104.0, 31.0]] and "other way round" in places.notes[0]
    lettered = read_places(["27.5 N", "26 N"], ["85.1 E", "84 E"], NAMES)
    assert lettered.lonlat.tolist() == [[85.1, 27.5], [84.0, 26.0]] and lettered.notes


def test_one_row_that_looks_swapped_is_left_out_with_the_reason():
    places = read_places(["107.45", "104", "31"], ["32.5", "31", "104"], NAMES)
    assert np.isnan(places.lonlat[2]).all() and "look swapped" in places.reasons[2] and not places.notes
    typo = read_places(["11", "12", "13"], ["45", "95", "44"], NAMES)
    assert np.isnan(typo.lonlat[1]).all() and np.isfinite(typo.lonlat[[0, 2]]).all()


def test_a_swap_that_the_range_allows_is_asked_about():
    assert "swapped" in read_places(["27.5", "27.6"], ["85.1", "85.2"], NAMES).notes[0]
    assert not read_places(["85.1", "85.2"], ["27.5", "27.6"], NAMES).notes


def test_metres_of_a_projection_are_no_degrees():
    places = read_places(["350000", "352000"], ["3070000", "3071000"], NAMES)
    assert np.isnan(places.lonlat).all() and "metres of a projection" in places.projected
    missing = read_places(["-9999", "85"], ["-9999", "27"], NAMES)
    assert not missing.projected and np.isfinite(missing.lonlat[1]).all() and missing.reasons[0]


def test_empty_and_zero_coordinates_are_no_place():
    places = read_places(["", "0", "85"], ["", "0.0", "27"], NAMES)
    assert np.isfinite(places.lonlat).all(axis=1).tolist() == [False, False, True]
    assert "no coordinates" in places.reasons[0] and "unknown place" in places.reasons[1]


def test_a_column_that_says_west_needs_no_sign():
    assert read_places(["122.6"], ["45"], ("Lon_W", "Lat_N")).lonlat[0, 0] == -122.6
    assert read_places(["-122.6"], ["45"], ("Lon_W", "Lat_N")).lonlat[0, 0] == -122.6


@pytest.mark.parametrize(
    ("columns", "found"),
    [
        (("id", "longitude", "latitude"), ("longitude", "latitude")),
        (("Longitude (deg)", "Latitude (deg)"), ("Longitude (deg)", "Latitude (deg)")),
        (("LNG", "LAT"), ("LNG", "LAT")),
        (("lat", "long"), ("long", "lat")),
        (("center_lon", "center_lat"), ("center_lon", "center_lat")),
        (("lon", "lat", "longitude", "latitude"), ("longitude", "latitude")),
        (("long_name", "flat"), None),
        (("x", "y"), None),
        (("lon",), None),
    ],
)
def test_columns_of_coordinates_are_known_by_their_names(columns, found):
    assert place_columns(columns) == found
