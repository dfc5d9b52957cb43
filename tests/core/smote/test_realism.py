"""Distances and detail of synthetic patches, against numbers worked out by hand."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from core.smote.realism import detail_expected, detail_kept, fine_detail, nearest_distance
from core.smote.resample import interpolate


def test_distances_are_root_mean_squares_to_the_nearest_that_counts():
    known = np.array([[0.0, 0.0], [3.0, 4.0], [6.0, 8.0]])
    asked = np.array([[0.0, 0.0], [3.0, 4.0]])
    nothing = np.zeros((2, 3), bool)
    assert nearest_distance(asked, known, nothing).tolist() == [0.0, 0.0]
    own = np.array([[True, False, False], [True, True, False]])
    np.testing.assert_allclose(nearest_distance(asked, known, own), [np.sqrt(12.5), np.sqrt(12.5)])
    assert np.isnan(nearest_distance(asked, known, np.ones((2, 3), bool))).all()


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 9), st.integers(1, 300), st.integers(0, 3))
def test_they_are_what_a_loop_finds(n, m, seed):
    rng = np.random.default_rng(seed)
    asked, known = rng.normal(size=(m, 2, 3)).astype(np.float32), rng.normal(size=(n, 2, 3)).astype(np.float32)
    out = rng.random((m, n)) < 0.3
    expected = [
        min((np.sqrt(((a - b) ** 2).mean()) for b, left in zip(known, row, strict=True) if not left), default=np.nan)
        for a, row in zip(asked, out, strict=True)
    ]
    np.testing.assert_allclose(nearest_distance(asked, known, out), expected, rtol=1e-5)


def test_a_plane_has_no_fine_detail_and_a_chessboard_has_almost_all_of_it():
    yy, xx = np.mgrid[:32, :32]
    images = np.stack([0.1 * xx + 0.2 * yy, (-1.0) ** (xx + yy)])[:, None]
    flat, board = fine_detail(images)[:, 0]
    assert flat < 1e-3 and 0.7 < board < 1.0  # the mean of nine takes 1/9 of it away, the square (8/9)^2


def test_averaging_what_has_nothing_in_common_leaves_half_and_a_patch_with_itself_everything():
    rng = np.random.default_rng(0)
    real = rng.normal(size=(2, 3, 64, 64)).astype(np.float32)
    detail = fine_detail(real)
    for weight in (0.1, 0.5, 0.9):
        w = np.array([weight], np.float32)
        apart = fine_detail(interpolate(real, np.array([0]), np.array([1]), w))
        same = fine_detail(interpolate(real, np.array([0]), np.array([0]), w))
        kept = detail_kept(apart, detail[[0]], detail[[1]], w)
        np.testing.assert_allclose(kept, detail_expected(w), rtol=0.05)
        np.testing.assert_allclose(detail_kept(same, detail[[0]], detail[[0]], w), 1.0, rtol=1e-5)
    assert detail_expected(np.array([0.5]))[0] == 0.5


def test_parents_without_detail_leave_it_undefined():
    zero = np.zeros((1, 2))
    assert np.isnan(detail_kept(zero, zero, zero, np.array([0.5])))[0]
