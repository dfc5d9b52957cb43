"""Tiles side by side are the raster that they were cut from, wherever they overlap or leave holes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import FormatError
from core.predict.scene.inputs import SceneInput
from core.predict.scene.layers import open_layer
from core.predict.scene.mosaic import open_mosaic
from tests.core.predict.scene.test_layers import WGS84, X, Y, at, other_grid, ramp, raster
from tests.core.predict.scene.test_stack import stack_of

SHAPE = (50, 60)
boxes = st.tuples(st.integers(0, 40), st.integers(0, 50), st.integers(4, 30), st.integers(4, 30))


def whole_of(seed=0):
    return np.random.default_rng(seed).normal(50, 5, (2, *SHAPE)).astype(np.float32)


def cut(folder, pixels, places):
    folder.mkdir()
    seen = np.zeros(SHAPE, bool)
    for k, (row, col, height, width) in enumerate(places):
        part = pixels[:, row : row + height, col : col + width]
        raster(folder / f"t{k}.tif", part, transform=at(X + 10 * col, Y - 10 * row), nodata=-1)
        seen[row : row + height, col : col + width] = True
    return folder, seen


@settings(max_examples=20)
@given(st.lists(boxes, min_size=1, max_size=5), st.integers(0, 9))
def test_a_mosaic_is_what_its_tiles_were_cut_from(tmp_path_factory, places, seed):
    pixels = whole_of(seed)
    folder, seen = cut(tmp_path_factory.mktemp("tiles") / "t", pixels, places)
    mosaic = open_mosaic(folder, open_layer)
    rows, cols = np.flatnonzero(seen.any(axis=1)), np.flatnonzero(seen.any(axis=0))
    around = np.s_[rows[0] : rows[-1] + 1, cols[0] : cols[-1] + 1]
    assert mosaic.grid.shape == seen[around].shape
    assert mosaic.grid.place.at(0, 0) == (X + 10 * cols[0], Y - 10 * rows[0])
    found = mosaic.on(mosaic.grid, (0, 0, *mosaic.grid.shape))
    expected = np.where(seen, pixels, np.nan)[(slice(None), *around)]
    assert np.array_equal(found, expected, equal_nan=True)
    height, width = mosaic.grid.shape
    part = mosaic.on(mosaic.grid, (height // 3, width // 4, height - height // 3, width // 2), [1])
    assert np.array_equal(part[0], found[1, height // 3 :, width // 4 : width // 4 + width // 2], equal_nan=True)


def test_where_the_first_tile_saw_nothing_the_next_one_fills(tmp_path):
    pixels = np.full((2, *SHAPE), 7, np.float32)
    folder, _ = cut(tmp_path / "t", pixels, [(0, 0, 50, 60)])
    hole = np.full((2, *SHAPE), -1, np.float32)
    hole[:, :20] = 3
    raster(folder / "a.tif", hole, nodata=-1)
    mosaic = open_mosaic(folder, open_layer)
    found = mosaic.on(mosaic.grid, (0, 0, *SHAPE))
    assert (found[:, :20] == 3).all() and (found[:, 20:] == 7).all()


def test_a_folder_of_tiles_is_asked_as_one_raster(tmp_path):
    pixels = whole_of()
    folder, _ = cut(tmp_path / "t", pixels, [(0, 0, 50, 33), (0, 27, 50, 33)])
    one = raster(tmp_path / "one.tif", pixels, nodata=-1)
    radar = raster(tmp_path / "r.tif", np.full((1, 200, 200), -9, np.float32), ("vv",), transform=at(X - 300, Y + 200))
    stacks = [stack_of(["green", "vv"], scene=path, also=(radar,)) for path in (folder, one)]
    first, second = (stack.read((10, 5, 30, 50)).images for stack in stacks)
    assert np.array_equal(first, second) and (first[1] == -9).all()
    reverse = stack_of(["vv", "green"], scene=radar, also=(folder,)).read((20, 30, *SHAPE)).images
    assert np.array_equal(reverse[1], pixels[1])
    assert len(SceneInput(scene=folder, also=(radar,)).files) == 3


def test_what_holds_for_all_tiles_is_told_once(tmp_path):
    (tmp_path / "t").mkdir()
    for k in range(3):
        raster(tmp_path / "t" / f"t{k}.tif", np.ones((2, 9, 9), np.float32), (), transform=at(X + 90 * k, Y))
    told = []
    stack_of(["red", "nir"], told, scene=tmp_path / "t")
    (text,) = told
    assert text.startswith("t0.tif does not name its bands") and text.endswith("So it is with 2 more in t.")


def test_before_the_event_may_be_tiles_too(tmp_path):
    folder, _ = cut(tmp_path / "t", whole_of(), [(0, 0, 50, 33), (0, 27, 50, 33)])
    one = raster(tmp_path / "one.tif", whole_of(1), nodata=-1)
    images = stack_of(["red", "red_pre"], scene=one, before=folder).read((0, 0, *SHAPE)).images
    assert np.array_equal(images, np.stack([whole_of(1)[0], whole_of()[0]]))


def test_tiles_in_another_system_are_brought_to_the_first_ones_grid(tmp_path):
    folder, _ = cut(tmp_path / "t", ramp((50, 60), at(X, Y)), [(0, 0, 50, 60)])
    raster(
        folder / "z.tif", np.full((2, 40, 40), 5, np.float32), crs=WGS84, transform=at(93.004, 22.606, 1e-4), nodata=-1
    )
    mosaic = open_mosaic(folder, open_layer)
    height, width = mosaic.grid.shape
    assert width > 60
    found = mosaic.on(mosaic.grid, (0, 0, height, width))
    assert (np.isfinite(found).all(axis=0)).sum() > 50 * 60 + 500 and (
        found[:, np.isfinite(found[0])][:, -5:] == 5
    ).all()


def test_tiles_that_do_not_belong_together_are_refused(tmp_path):
    folder, _ = cut(tmp_path / "t", whole_of(), [(0, 0, 20, 20)])
    raster(folder / "z.tif", np.ones((2, 9, 9), np.float32), ("red", "nir"))
    with pytest.raises(FormatError, match=r"z.tif has the bands Red \(DN\), Near infrared \(DN\), t0.tif Red"):
        open_mosaic(folder, open_layer)
    (folder / "z.tif").unlink()
    raster(folder / "z.tif", np.ones((2, 9, 9), np.float32), transform=at(X + 90_000, Y))
    with pytest.raises(FormatError, match="lie too far apart"):
        open_mosaic(folder, open_layer)
    raster(folder / "z.tif", np.ones((2, 9, 9), np.float32), crs=None)
    with pytest.raises(FormatError, match="z.tif .*cannot be laid beside the others"):
        open_mosaic(folder, open_layer)
    (tmp_path / "empty").mkdir()
    with pytest.raises(FormatError, match="empty holds no GeoTIFF"):
        open_mosaic(tmp_path / "empty", open_layer)


def test_another_grid_is_filled_from_all_tiles(tmp_path):
    pixels = ramp((50, 60), at(X, Y))
    folder, _ = cut(tmp_path / "t", pixels, [(0, 0, 50, 33), (0, 27, 50, 33)])
    grid = other_grid(5.0, (60, 80), (50.0, -50.0))
    found = open_mosaic(folder, open_layer).on(grid, (0, 0, *grid.shape))
    assert np.isfinite(found).all() and np.abs(found - ramp(grid.shape, at(X + 50, Y - 50, 5.0))).max() < 12
