"""The picture of a scene: where things lie, what is drawn, and what the overlay's colours mean."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from dashboard import theme
from dashboard.predict.figure import Place, boxes, over, photo, scene_figure
from tests.dashboard.predict.conftest import cells_table


def pixels(uri):
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))))


def test_axes_are_kilometres_up_from_the_bottom():
    place = Place.of((60, 80), (10, 20))
    assert place.unit == "km" and place.size == (pytest.approx(0.8), pytest.approx(1.2))
    x, y = place.xy(np.array([0, 80]), np.array([60, 0]))
    assert x.tolist() == [0, pytest.approx(0.8)] and y.tolist() == [0, pytest.approx(1.2)]
    assert Place.of((60, 80), None).unit == "pixels" and Place.of((60, 80), None).size == (80, 60)


def test_the_overlay_is_denser_where_the_value_is_higher_and_grey_where_nothing_was_seen():
    values = np.array([[0.0, 0.5, 1.0, np.nan]], np.float32)
    ink = pixels(over(values, np.array([[0, 0, 0, 1]], np.uint8), 1.0, 80))
    assert ink[0, :3, 3].tolist() == [0, 102, 204]
    assert f"#{ink[0, 1, 0]:02X}{ink[0, 1, 1]:02X}{ink[0, 1, 2]:02X}" == theme.POSITIVE
    assert ink[0, 3, 3] > 0 and f"#{ink[0, 3, 0]:02X}{ink[0, 3, 1]:02X}{ink[0, 3, 2]:02X}" == theme.UNLABELLED
    assert not pixels(over(None, np.zeros((2, 2), np.uint8), 1.0, 80))[..., 3].any()


def test_the_swipe_shows_before_on_the_left():
    after, before = np.full((8, 40, 3), 200, np.uint8), np.full((8, 40, 3), 20, np.uint8)
    found = pixels(photo(after, before, 50))
    assert found[:, :16].mean() < 40 and found[:, 24:].mean() > 180
    assert pixels(photo(after, None, 50)).mean() > 180 and (after == 200).all()


def test_first_cells_polygons_and_the_chosen_cell_are_drawn():
    place, cells = Place.of((60, 60), (10, 10)), cells_table()
    outlines = np.array([[0, 0], [10, 0], [10, 10], [0, 0], [np.nan, np.nan]])
    made = scene_figure(place, ["data:,"], "probability", 70, outlines, cells, 3, "3-3", 40)
    names = [trace.name for trace in made.data if trace.showlegend is not False and trace.name]
    assert names == ["Landslide polygons", "Cells to look at first", "Chosen cell"]
    first = next(trace for trace in made.data if trace.name == "Cells to look at first")
    assert np.isnan(np.asarray(first.x, float)).sum() == 3
    points = next(trace for trace in made.data if trace.name == "cells")
    assert len(points.customdata) == 9 and "not seen" in points.text[8] and "rank 1" in points.text[0]
    assert made.layout.xaxis.title.text == "km from the left edge" and len(made.layout.shapes) == 1
    assert made.layout.yaxis.scaleanchor == "x"


def test_without_cells_and_polygons_the_picture_alone_is_drawn():
    made = scene_figure(Place.of((60, 60), None), ["data:,"], "none", 70, None, None, 0, None)
    assert not made.data and made.layout.xaxis.title.text == "pixels from the left edge"


def test_a_box_is_its_corners_and_a_gap():
    x, y = boxes(Place.of((60, 60), None), cells_table().head(1))
    np.testing.assert_array_equal(x, [0, 20, 20, 0, 0, np.nan])
    np.testing.assert_array_equal(y, [60, 60, 40, 40, 60, np.nan])
