"""Footprints: what ground patches show, and how much of it they share."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.data.bands import RGB_BANDS
from core.data.leakage.footprints import EARTH, Footprints, footprints, metres_per_degree, nearest, overlaps
from core.data.store import DatasetWriter

SIDE = 640.0


def made(path, n, lonlat=None, columns=None, facts=None):
    writer = DatasetWriter(
        path / "x.h5", bands=RGB_BANDS, shape_hw=(64, 64), class_names=("a", "b"), source="", facts=facts
    )
    with writer:
        images = np.random.default_rng(0).normal(size=(n, 3, 64, 64))
        writer.append(images, np.arange(n) % 2, [f"p{k}" for k in range(n)], lonlat=lonlat, columns=columns)
        return writer.finish()


def on_earth(metres, origin=(141.9, 42.7), side=SIDE):
    """Footprints at (east, north) metres from a place."""
    per_lon, per_lat = metres_per_degree(origin[1])
    center = np.asarray(origin) + np.asarray(metres, float) / [per_lon, per_lat]
    n = len(center)
    return Footprints(np.full(n, EARTH), center, np.full((n, 2), side), np.ones(n, bool))


def grid(step, n=5):
    return np.stack(np.meshgrid(np.arange(n), np.arange(n)), -1).reshape(-1, 2) * step


def test_tiles_that_touch_share_nothing_and_half_a_stride_shares_half():
    assert not len(overlaps(on_earth(grid(SIDE))))
    found = overlaps(on_earth(grid(SIDE / 2, 3)))
    straight = (found["dx"].abs() < 1) | (found["dy"].abs() < 1)
    beside = found[straight & ((found["dx"] + found["dy"]).abs() < 400)]
    np.testing.assert_allclose(beside["share"], 0.5, atol=0.01)
    np.testing.assert_allclose(found.loc[~straight, "share"], 0.25, atol=0.01)
    assert len(found) == 12 + 8 and (found["a"] < found["b"]).all()


@pytest.mark.parametrize("origin", [(179.9999, 10.0), (0.0, 0.0), (-179.999, -60.0), (20.0, 78.0)])
def test_shares_are_right_anywhere_also_across_the_date_line(origin):
    found = overlaps(on_earth([[0, 0], [160, -320]], origin))
    assert found["share"].tolist() == pytest.approx([0.75 * 0.5], abs=0.01)
    assert found[["dx", "dy"]].to_numpy()[0] == pytest.approx([160, 320], abs=3)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.floats(0, 2000))
def test_what_is_found_is_what_comparing_all_pairs_finds(seed, reach):
    rng = np.random.default_rng(seed)
    a = on_earth(rng.uniform(0, 4000, (30, 2)), side=rng.uniform(100, 900, (30, 2)))
    b = on_earth(rng.uniform(0, 4000, (20, 2)), side=rng.uniform(100, 900, (20, 2)))
    shares, gaps = np.zeros((30, 20)), np.full((30, 20), np.inf)
    per = np.array(metres_per_degree(42.7))
    for i in range(30):
        for j in range(20):
            apart = np.abs((a.center[i] - b.center[j]) * per) - (a.size[i] + b.size[j]) / 2
            gaps[i, j] = np.hypot(*np.maximum(apart, 0))
            common = np.minimum(np.maximum(-apart, 0), np.minimum(a.size[i], b.size[j]))
            shares[i, j] = common.prod() / min(a.size[i].prod(), b.size[j].prod())
    found = overlaps(a, b, at_least=0.05)
    dense = np.zeros((30, 20))
    dense[found["a"], found["b"]] = found["share"]
    clear = np.abs(shares - 0.05) > 0.01
    np.testing.assert_allclose(dense[clear], np.where(shares > 0.05, shares, 0)[clear], atol=0.01)
    gap, share = nearest(a, b, reach)
    within = gaps.min(axis=1)
    sure = np.abs(within - reach) > 5
    np.testing.assert_allclose(gap[sure], np.where(within <= reach, within, np.inf)[sure], atol=10)


def test_sizes_come_from_columns_then_the_stated_pixel_then_ten_metres_which_is_told(tmp_path):
    lonlat = np.tile([90.0, 22.0], (4, 1))
    lonlat[3] = np.nan
    plain = footprints(made(tmp_path, 4, lonlat))
    assert plain.size[0].tolist() == [640, 640] and plain.known.tolist() == [True] * 3 + [False]
    assert "3 patches only the centre is known" in plain.note and "640 x 640 m" in plain.note
    stated = footprints(made(tmp_path, 4, lonlat, facts={"pixel_m": 0.5}))
    assert stated.size[0].tolist() == [32, 32] and not stated.note
    columns = {"ground_width_m": [100.0, 100, 100, 100], "ground_height_m": [50.0, 50, 50, 50]}
    own = footprints(made(tmp_path, 4, lonlat, columns, {"pixel_m": 0.5}))
    assert own.size[0].tolist() == [100, 50] and not own.note
    assert not footprints(made(tmp_path, 4)).known.any()


def test_tiles_of_a_picture_without_a_place_are_placed_in_it(tmp_path):
    columns = {"image": ["a", "a", "b", "a"], "row": [0, 32, 0, 128], "col": [0, 0, 0, 128]}
    data = made(tmp_path, 4, columns=columns, facts={"patches_from_masks": {"tile": 64}})
    found = overlaps(footprints(data))
    assert found[["a", "b"]].to_numpy().tolist() == [[0, 1]] and found["share"][0] == 0.5
    assert not footprints(data).in_metres.any()
    # columns of these names mean what they mean here only where this import cut the tiles
    assert not footprints(made(tmp_path, 4, columns=columns)).known.any()
    # the place of the whole picture, repeated for every tile, is not the tile's
    same = made(tmp_path, 4, np.tile([90.0, 22.0], (4, 1)), columns, {"patches_from_masks": {"tile": 64}})
    assert len(overlaps(footprints(same))) == 1
