"""Windows cover the scene, stripes share its rows among them, and overlapping answers are blended by hand-made sums."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import FormatError
from core.predict.scene.windows import WindowGrid, tent, window_shares

scenes = st.tuples(st.integers(4, 40), st.integers(4, 40), st.integers(2, 4), st.integers(2, 4), st.integers(1, 4)).map(
    lambda t: WindowGrid.over((t[0], t[1]), (t[2], t[3]), min(t[4], t[2], t[3]))
)


def answers_of(grid, seed=0, lost=0.2, n=2):
    rng = np.random.default_rng(seed)
    found = rng.uniform(size=(len(grid.rows), len(grid.cols), n))
    found[rng.uniform(size=found.shape[:2]) < lost] = np.nan
    return found


def by_hand(grid, answers):
    """Every window's answer added to its pixels, one window after the other."""
    total, weight = np.zeros((answers.shape[2], *grid.shape)), np.zeros(grid.shape)
    tents = np.outer(tent(grid.side[0]), tent(grid.side[1]))
    for i, row in enumerate(grid.rows):
        for j, col in enumerate(grid.cols):
            if np.isfinite(answers[i, j, 0]):
                part = np.s_[row : row + grid.side[0], col : col + grid.side[1]]
                weight[part] += tents
                total[(slice(None), *part)] += answers[i, j][:, None, None] * tents
    with np.errstate(invalid="ignore"):
        return total / weight


@given(scenes)
def test_windows_cover_every_pixel_and_stay_inside(grid):
    for begins, side, length in zip((grid.rows, grid.cols), grid.side, grid.shape, strict=True):
        covered = np.zeros(length, bool)
        for begin in begins:
            assert 0 <= begin <= length - side
            covered[begin : begin + side] = True
        assert covered.all()


@given(scenes, st.integers(1, 60))
def test_stripes_take_every_row_of_windows_and_of_pixels_once(grid, most):
    stripes = grid.stripes(most)
    assert [k for s in stripes for k in range(s.first, s.last)] == list(range(len(grid.rows)))
    assert [row for s in stripes for row in range(*s.final)] == list(range(grid.shape[0]))
    for s in stripes:
        assert s.top <= s.final[0] and s.final[1] <= s.bottom and (s.bottom - s.top <= most or s.last == s.first + 1)


@given(scenes, st.integers(0, 5), st.integers(1, 60))
def test_blended_answers_are_weighted_sums_and_do_not_depend_on_the_stripes(grid, seed, most):
    answers = answers_of(grid, seed)
    whole = grid.blended(answers, 0, 0, grid.shape[0])
    assert np.allclose(whole, by_hand(grid, answers), equal_nan=True, rtol=1e-12)
    for stripe in grid.stripes(most):
        needed = grid.touching(*stripe.final)
        part = grid.blended(answers[needed.start : needed.stop], needed.start, *stripe.final)
        assert np.array_equal(part, whole[:, stripe.final[0] : stripe.final[1]], equal_nan=True)


@given(scenes, st.integers(0, 5))
def test_where_one_window_covers_its_answer_stands(grid, seed):
    answers = answers_of(grid, seed, lost=0.6)
    count, last = np.zeros(grid.shape, int), np.full((2, *grid.shape), np.nan)
    for i, row in enumerate(grid.rows):
        for j, col in enumerate(grid.cols):
            if np.isfinite(answers[i, j, 0]):
                part = np.s_[row : row + grid.side[0], col : col + grid.side[1]]
                count[part] += 1
                last[(slice(None), *part)] = answers[i, j][:, None, None]
    found = grid.blended(answers, 0, 0, grid.shape[0])
    assert np.allclose(found[:, count == 1], last[:, count == 1], rtol=1e-12)
    assert np.isnan(found[:, count == 0]).all() and np.isfinite(found[:, count > 0]).all()


def test_between_two_centres_the_answer_is_interpolated():
    grid = WindowGrid.over((4, 8), (4, 4), 4)
    half = WindowGrid.over((4, 6), (4, 4), 2)
    assert np.allclose(grid.blended(np.array([[[0.0], [1.0]]]), 0, 0, 4)[0, 0], [0, 0, 0, 0, 1, 1, 1, 1])
    assert np.allclose(half.blended(np.array([[[0.0], [1.0]]]), 0, 0, 4)[0, 0], [0, 0, 0.25, 0.75, 1, 1])


def test_shares_of_windows_are_counted():
    marked = np.zeros((4, 6), bool)
    marked[:2, :3] = True
    assert window_shares(marked, [0, 2], [0, 2, 4], (2, 2)).tolist() == [[1, 0.5, 0], [0, 0, 0]]


@given(scenes, st.integers(1, 9))
def test_some_windows_are_windows_and_not_too_many(grid, most):
    some = list(grid.some(most))
    assert some and len(some) == len(set(some)) <= most
    assert all(row in grid.rows and col in grid.cols for row, col in some)


def test_a_scene_smaller_than_a_patch_and_a_stride_with_gaps_are_refused():
    with pytest.raises(FormatError, match="a.tif is 3x9 pixels, smaller than one patch of the run \\(4x4\\)"):
        WindowGrid.over((3, 9), (4, 4), 2, "a.tif")
    with pytest.raises(FormatError, match="stride of 5 pixels does not fit"):
        WindowGrid.over((9, 9), (4, 4), 5)
