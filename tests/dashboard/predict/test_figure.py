"""The pictures of a scene: what the colours mean, what was not seen, and the picture for a report."""

import io

import numpy as np
import pytest
from PIL import Image

from dashboard import theme
from dashboard.predict.figure import Place, as_uri, drawn, greyed, hover, over, png, top_of, unseen_over
from tests.dashboard.predict.conftest import cells_table


def test_lengths_are_kilometres_where_the_place_is_known():
    place = Place.of((60, 80), (10, 20))
    assert place.unit == "km" and place.size == (pytest.approx(0.8), pytest.approx(1.2))
    assert Place.of((60, 80), None).unit == "pixels" and Place.of((60, 80), None).size == (80, 60)


def test_the_overlay_is_denser_where_the_value_is_higher_and_clear_where_nothing_is_known():
    found = over(np.array([[0.0, 0.25, 0.5, np.nan]], np.float32), 0.5)
    assert found[0, :, 3].tolist() == [0, 128, 255, 0]
    assert "#{:02X}{:02X}{:02X}".format(*found[0, 2, :3]) == theme.POSITIVE


def test_what_was_not_seen_is_grey():
    assert unseen_over(np.array([[0, 1, 2]], np.uint8))[0, :, 3].tolist() == [0, 191, 191]
    before = np.array([[[0, 0, 0], [0, 0, 1]]], np.uint8)
    found = greyed(before)
    assert "#{:02X}{:02X}{:02X}".format(*found[0, 0]) == theme.UNLABELLED and found[0, 1].tolist() == [0, 0, 1]
    assert not before[0, 0].any()


def test_a_picture_for_a_report_shows_layers_outlines_and_cells():
    after = np.full((60, 60, 3), 90, np.uint8)
    layer = over(np.ones((60, 60), np.float32), 1.0)
    outline = np.array([[30, 30], [50, 30], [50, 50], [30, 30], [np.nan, np.nan]])
    plain = drawn(after, [], (60, 60), None, None)
    assert plain.shape == (1200, 1200, 3) and (plain == 90).all()
    assert (np.asarray(Image.open(io.BytesIO(png(plain)))) == plain).all()
    made = drawn(after, [(layer, 50)], (60, 60), outline, cells_table().head(1))
    ink = np.array([int(theme.POSITIVE[i : i + 2], 16) for i in (1, 3, 5)])
    np.testing.assert_allclose(made[1100, 200], (90 + ink) / 2, atol=1.5)
    assert made[600, 800].tolist() == ink.tolist() and made[0, 200].tolist() == [255, 255, 255]


def test_a_cell_is_told_in_lines():
    rows = cells_table().to_dict("records")
    assert hover(rows[0]).split("\n")[0] == "Cell 1-1: rank 1" and "not seen" in hover(rows[8])


def test_the_scale_ends_at_the_highest_probability_and_pictures_are_small_files():
    assert top_of(np.array([0.12, np.nan])) == 0.12 and top_of(np.array([1.0])) == 1
    assert top_of(np.array([0.0])) == 0.01 and top_of(np.array([np.nan])) == 1
    assert as_uri(np.zeros((4, 4, 4), np.uint8)).startswith("data:image/webp;base64,")
