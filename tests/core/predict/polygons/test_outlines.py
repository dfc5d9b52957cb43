"""Outlines: exactly the pixels before smoothing, near them after it, never on ground that was not seen."""

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from rasterio.features import rasterize

from core.predict.polygons.outlines import FINEST, MERGED, exact_pieces, outlines

SIZE = (18, 23)
masks = arrays(bool, SIZE, elements=st.booleans())
shares = st.floats(0.02, 0.5)


def burnt(shapes):
    """The pixels whose centres lie in the shapes."""
    found = np.zeros(SIZE, np.uint8)
    return (
        rasterize([(one, 1) for one in shapes if one], out_shape=SIZE, out=found).astype(bool)
        if len(shapes)
        else found > 0
    )


def sparse(seed, share):
    return np.random.default_rng(seed).random(SIZE) < share


def test_one_square_has_its_own_corners():
    above = np.zeros(SIZE, bool)
    above[2:5, 3:7] = True
    found = outlines(above, np.ones(SIZE, bool), 1)
    assert found.shapes[0].equals(shapely.box(3, 2, 7, 5)) and (found.label == above).all()


def test_two_squares_become_one_across_a_narrow_gap_and_stay_two_across_a_wide_one():
    above = np.zeros(SIZE, bool)
    above[4:8, 2:6] = above[4:8, 8:12] = True  # two pixels apart
    seen = np.ones(SIZE, bool)
    one = outlines(above, seen, 6)  # closes gaps of less than three pixels
    assert len(one) == 1 and one.shapes[0].contains(shapely.Point(7, 6)) and set(np.unique(one.label)) == {0, 1}
    assert one.exact[0].area == 32 and one.shapes[0].area == pytest.approx(40, abs=2)
    two = outlines(above, seen, 3)
    assert len(two) == 2 and not two.shapes[0].intersects(two.shapes[1])


def test_the_largest_comes_first_and_a_single_pixel_is_not_lost():
    above = np.zeros(SIZE, bool)
    above[0, 0] = True
    above[8:14, 8:14] = True
    found = outlines(above, np.ones(SIZE, bool), 8)
    assert [np.sum(found.label == i) for i in (1, 2)] == [36, 1] and all(one.area > 0 for one in found.shapes)


def test_a_small_hole_is_filled_a_large_one_stays_and_an_unseen_one_stays():
    above = np.ones(SIZE, bool)
    above[4:6, 4:6] = False
    above[4:14, 10:20] = False
    seen = np.ones(SIZE, bool)
    shape = outlines(above, seen, 4).shapes[0]
    assert shape.contains(shapely.Point(5, 5)) and not shape.contains(shapely.Point(15, 9))
    seen[4:6, 4:6] = False
    assert not outlines(above, seen, 4).shapes[0].contains(shapely.Point(5, 5))


def test_nothing_above_gives_no_outline():
    assert len(outlines(np.zeros(SIZE, bool), np.ones(SIZE, bool), 4)) == 0


@given(masks)
def test_before_smoothing_the_polygons_cover_exactly_the_pixels_above(above):
    pieces, label = exact_pieces(above)
    assert (burnt(pieces) == above).all() and ((label > 0) == above).all()
    assert sum(piece.area for piece in pieces) == above.sum() and all(piece.is_valid for piece in pieces)
    counts = np.bincount(label.ravel(), minlength=len(pieces) + 1)[1:]
    assert [piece.area for piece in pieces] == counts.tolist()


@given(st.integers(0, 10**6), shares, st.sampled_from([1.0, 2.0, 4.0, 7.5]), st.floats(0, 0.3))
def test_after_smoothing_they_are_near_the_pixels_apart_from_each_other_and_seen(seed, share, cell, unseen):
    seen = ~sparse(seed + 1, unseen)
    above = sparse(seed, share) & seen
    found = outlines(above, seen, cell)
    if not above.any():
        assert not len(found)
        return
    assert ((found.label > 0) == above).all() and set(np.unique(found.label)) - {0} == set(range(1, len(found) + 1))
    assert sum(one.area for one in found.exact) == pytest.approx(above.sum())
    hidden = shapely.union_all([shapely.box(c, r, c + 1, r + 1) for r, c in np.argwhere(~seen)])
    for shape, exact in zip(found.shapes, found.exact, strict=True):
        assert shape.is_valid and shape.area > 0 and shapely.intersection(shape, hidden).area < 1e-6
        filled = shapely.union_all([shapely.Polygon(part.exterior) for part in shapely.get_parts(exact)])
        reach = (MERGED / 2 + FINEST) * cell * 1.01 + 1e-6
        allowed = shapely.buffer(shapely.union(filled, exact), reach)
        holes = sum(shapely.difference(part, allowed).area for part in shapely.get_parts(shape))
        assert holes < cell**2 * 8 + 1e-6  # only what a filled hole covers may lie further away
    for i in range(len(found)):
        for j in range(i):
            assert shapely.intersection(found.shapes[i], found.shapes[j]).area < 1e-6
