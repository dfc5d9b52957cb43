"""The order of axes: read where their lengths leave one, refused with the option where not (issue 13, K8)."""

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.data.readers import ReaderOptions, ingest, iterate_patches
from core.data.readers.axes import axes_of, channels_first, turned
from core.data.store import open_dataset
from core.errors import DataError, FormatError
from tests.builders import returned

PATCH = np.random.default_rng(0).uniform(1, 9, (4, 64, 48)).astype(np.float32)  # (C, H, W)
ORDERS = {"CHW": (0, 1, 2), "HWC": (1, 2, 0)}


def run(source, format="folders", **options):
    report = returned(ingest(format, source, source.parent / "out.h5", ReaderOptions(**options)))
    return open_dataset(report.dataset)


@given(st.integers(1, 20), st.integers(2, 80), st.integers(2, 80))
def test_both_orders_of_fewer_bands_than_pixels_a_side_are_told_apart(bands, height, width):
    if bands >= min(height, width):
        return
    for axes, order in ORDERS.items():
        shape = tuple((bands, height, width)[axis] for axis in order)
        assert axes_of(shape, "x") == axes and channels_first(shape, axes) == (bands, height, width)


@given(st.tuples(*[st.integers(1, 40)] * 3), st.integers(1, 40))
def test_a_known_number_of_bands_is_never_contradicted_where_it_fits(shape, n_bands):
    try:
        axes = axes_of(shape, "x", n_bands)
    except FormatError:
        assert shape[0] != n_bands or shape[2] == n_bands
        return
    if (shape[0] == n_bands) != (shape[2] == n_bands):
        assert channels_first(shape, axes)[0] == n_bands


@pytest.mark.parametrize("order", ORDERS.values(), ids=ORDERS)
@pytest.mark.parametrize("stack", [False, True], ids=["one patch", "a stack of one"])
def test_npy_that_is_not_square(tmp_path, order, stack):
    (tmp_path / "src").mkdir()
    values = PATCH.transpose(order)
    np.save(tmp_path / "src/a.npy", values[None] if stack else values)
    np.testing.assert_array_equal(run(tmp_path / "src").images()[0], PATCH)
    _, batches = iterate_patches(tmp_path / "src")
    np.testing.assert_array_equal(next(batches)[1][0], PATCH)


def test_npy_of_one_band_and_of_what_is_no_patch(tmp_path):
    (tmp_path / "src").mkdir()
    np.save(tmp_path / "src/a.npy", PATCH[0])
    np.testing.assert_array_equal(run(tmp_path / "src").images()[0], PATCH[:1])
    for values, words in (
        (np.zeros((5, 64, 48, 4)), r"accepted: one patch of \(H, W, C\)"),
        (PATCH > 5, "as masks do"),
    ):
        np.save(tmp_path / "src/a.npy", values)
        with pytest.raises(DataError, match=words):
            run(tmp_path / "src")


def test_what_the_lengths_leave_open_is_decided_by_the_bands_or_the_layout(tmp_path):
    (tmp_path / "src").mkdir()
    cube = np.random.default_rng(1).uniform(1, 9, (8, 9, 10)).astype(np.float32)
    np.save(tmp_path / "src/a.npy", cube.transpose(1, 2, 0))  # (9, 10, 8): the bands are the shortest
    np.testing.assert_array_equal(run(tmp_path / "src").images()[0], cube)
    np.save(tmp_path / "src/a.npy", cube.transpose(2, 0, 1))  # (10, 8, 9): the lengths tell nothing
    with pytest.raises(DataError, match="a.npy has the shape .10, 8, 9.*Say --layout NCHW if they come first"):
        run(tmp_path / "src")
    names = [f"b{i}" for i in range(10)]
    assert run(tmp_path / "src", bands=tuple(names)).shape == (10, 8, 9)
    assert run(tmp_path / "src", bands=tuple(names[:9])).shape == (9, 10, 8)
    assert run(tmp_path / "src", layout="NCHW").shape == (10, 8, 9)
    with pytest.raises(DataError, match="with --layout NHW a patch has the axes HW"):
        run(tmp_path / "src", layout="NHW")


@pytest.mark.parametrize("order", ORDERS.values(), ids=ORDERS)
def test_hdf5_a_file_a_patch_and_all_in_one(tmp_path, order):
    (tmp_path / "src").mkdir()
    with h5py.File(tmp_path / "src/a.h5", "w") as file:
        file["image"] = PATCH.transpose(order)[None]
    with h5py.File(tmp_path / "all.h5", "w") as file:
        file["images"], file["labels"] = np.stack([PATCH.transpose(order)] * 2), [0, 1]
    np.testing.assert_array_equal(run(tmp_path / "all.h5", "hdf5").images()[1], PATCH)
    np.testing.assert_array_equal(run(tmp_path / "src", "hdf5").images()[0], PATCH)


def test_turned_puts_the_bands_first():
    for axes, order in ORDERS.items():
        np.testing.assert_array_equal(turned(PATCH.transpose(order), axes), PATCH)
    np.testing.assert_array_equal(turned(PATCH[0], "HW"), PATCH[:1])
