"""The picture of a scene: where things lie, what is drawn, and what the overlay's colours mean."""

import numpy as np
import pytest

from dashboard import theme
from dashboard.predict.figure import Place, as_uri, boxes, photo, scene_figure, top_of, with_over
from tests.dashboard.predict.conftest import cells_table


def test_axes_are_kilometres_up_from_the_bottom():
    place = Place.of((60, 80), (10, 20))
    assert place.unit == "km" and place.size == (pytest.approx(0.8), pytest.approx(1.2))
    x, y = place.xy(np.array([0, 80]), np.array([60, 0]))
    assert x.tolist() == [0, pytest.approx(0.8)] and y.tolist() == [0, pytest.approx(1.2)]
    assert Place.of((60, 80), None).unit == "pixels" and Place.of((60, 80), None).size == (80, 60)


def test_the_overlay_is_denser_where_the_value_is_higher_and_grey_where_nothing_was_seen():
    values, black = np.array([[0.0, 0.5, 1.0, np.nan]], np.float32), np.zeros((1, 4, 3), np.uint8)
    found = with_over(black, values, np.array([[0, 0, 0, 1]], np.uint8), 1.0, 100)
    assert not found[0, 0].any() and "#{:02X}{:02X}{:02X}".format(*found[0, 2]) == theme.POSITIVE
    np.testing.assert_allclose(found[0, 1], found[0, 2] / 2, atol=1)
    assert np.ptp(found[0, 3].astype(int)) < 20 and found[0, 3].min() > 90
    assert not with_over(black, None, np.zeros((1, 4), np.uint8), 1.0, 80).any()


def test_the_swipe_shows_before_on_the_left():
    after, before = np.full((8, 40, 3), 200, np.uint8), np.full((8, 40, 3), 20, np.uint8)
    found = photo(after, before, 50)
    assert (found[:, :20] == 20).all() and (found[:, 20:] == 200).all() and (after == 200).all()
    before[:, :4] = 0
    assert "#{:02X}{:02X}{:02X}".format(*photo(after, before, 50)[0, 0]) == theme.UNLABELLED
    assert photo(after, None, 50) is after and as_uri(after).startswith("data:image/jpeg;base64,")


def test_first_cells_polygons_and_the_chosen_cell_are_drawn():
    place, cells = Place.of((60, 60), (10, 10)), cells_table()
    outlines = np.array([[0, 0], [10, 0], [10, 10], [0, 0], [np.nan, np.nan]])
    made = scene_figure(place, "data:,", "probability", 0.7, 70, outlines, cells, 3, "3-3", 40)
    names = [trace.name for trace in made.data if trace.showlegend is not False and trace.name]
    assert names == ["Landslide polygons", "Cells to look at first"]
    assert "Chosen cell" in [trace.name for trace in made.data]
    first = next(trace for trace in made.data if trace.name == "first")
    assert np.isnan(np.asarray(first.x, float)).sum() == 3
    points = next(trace for trace in made.data if trace.name == "cells")
    assert len(points.customdata) == 9 and "not seen" in points.text[8] and "rank 1" in points.text[0]
    assert made.layout.xaxis.title.text == "km from the left edge" and len(made.layout.shapes) == 1
    assert made.layout.yaxis.scaleanchor == "x" and made.layout.hoverdistance > points.marker.size / 2**0.5


def test_without_cells_and_polygons_the_picture_alone_is_drawn():
    made = scene_figure(Place.of((60, 60), None), "data:,", "none", 1.0, 70, None, None, 0, None)
    assert not made.data and made.layout.xaxis.title.text == "pixels from the left edge"


def test_a_box_is_its_corners_and_a_gap():
    x, y = boxes(Place.of((60, 60), None), cells_table().head(1))
    np.testing.assert_array_equal(x, [0, 20, 20, 0, 0, np.nan])
    np.testing.assert_array_equal(y, [60, 60, 40, 40, 60, np.nan])


def test_the_scale_ends_at_the_highest_probability():
    assert top_of(np.array([0.12, np.nan])) == 0.12 and top_of(np.array([1.0])) == 1
    assert top_of(np.array([0.0])) == 0.01 and top_of(np.array([np.nan])) == 1
