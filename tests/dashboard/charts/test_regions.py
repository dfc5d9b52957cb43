"""The picture of a decision's regions and the line between them."""

from __future__ import annotations

import base64
import io

import numpy as np
from PIL import Image

from dashboard.charts import regions

COLOURS = ("#3E84B8", "#D9622B")


def decoded(values, near) -> np.ndarray:
    text = regions.picture(values, near, COLOURS, (0.4, 0.2), ("#808080", 0.1)).partition(",")[2]
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(text))))


def test_cells_have_the_colour_of_their_side_and_those_without_patches_one_of_their_own():
    near = np.array([[True, True], [True, False]])
    drawn = decoded(np.array([[-2.0, 1.0], [3.0, 1.0]]), near)
    side = regions.FINER
    assert drawn.shape == (2 * side, 2 * side, 4)
    assert (drawn[:side, side:] == [128, 128, 128, 26]).all()  # the second row of the raster is above the first
    assert tuple(drawn[-1, 0, :3]) == (0x3E, 0x84, 0xB8) and tuple(drawn[0, 0, :3]) == (0xD9, 0x62, 0x2B)
    assert drawn[-1, 0, 3] > 0.19 * 255 and drawn[..., 3].max() <= 0.41 * 255


def test_the_line_of_a_slope_is_straight_and_in_one_piece():
    x, y = np.linspace(0, 4, 9), np.linspace(10, 20, 11)
    values = np.repeat((x - 1.3)[None], len(y), axis=0)
    found = regions.zero_line(x, y, values, np.ones_like(values, bool))
    assert np.isnan(found[0]).sum() == 1
    np.testing.assert_allclose(found[0][:-1], 1.3, atol=1e-5)
    assert {float(found[1][:-1].min()), float(found[1][:-1].max())} == {10.0, 20.0}
    assert (np.diff(found[1][:-1]) != 0).all() and len(np.unique(np.sign(np.diff(found[1][:-1])))) == 1


def test_a_circle_closes_and_follows_its_radius():
    axis = np.linspace(-2, 2, 41)
    values = np.hypot(*np.meshgrid(axis, axis)) - 1.2
    x, y = (part[:-1] for part in regions.zero_line(axis, axis, values, np.ones_like(values, bool)))
    np.testing.assert_allclose(np.hypot(x, y), 1.2, atol=0.02)
    assert (x[0], y[0]) == (x[-1], y[-1])


def test_saddles_and_unknown_cells():
    axis = np.arange(2.0)
    saddle = np.array([[1.0, -1.0], [-1.0, 1.0]])
    assert np.isnan(regions.zero_line(axis, axis, saddle, np.ones((2, 2), bool))[0]).sum() == 2
    near = np.array([[True, True], [True, False]])
    assert regions.zero_line(axis, axis, saddle, near)[0].size == 0
    assert regions.zero_line(axis, axis, np.full((2, 2), np.nan), np.ones((2, 2), bool))[0].size == 0
