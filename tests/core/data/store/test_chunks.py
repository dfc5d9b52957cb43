import os

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.data.bands import RGB_BANDS, ZINDI_BANDS
from core.data.store import DatasetWriter, chunks
from core.data.store.chunks import patch_places
from core.errors import DataError

N = 23


def write(path, images, bands, dtype="float32"):
    options = dict(bands=bands, shape_hw=images.shape[2:], class_names=("stable", "landslide"), source="made here")
    with DatasetWriter(path, dtype=dtype, **options) as writer:
        for start in range(0, len(images), 4):
            part = images[start : start + 4]
            writer.append(part, [0] * len(part), [f"p{start + i}" for i in range(len(part))])
        return writer.finish()


@pytest.fixture(scope="module", params=["float32", "uint8"])
def both(request, tmp_path_factory):
    """A dataset that is read straight from the file, and its images as HDF5 itself reads them."""
    bands = ZINDI_BANDS if request.param == "float32" else RGB_BANDS
    images = np.random.default_rng(0).integers(0, 256, (N, len(bands), 5, 7)).astype(request.param)
    dataset = write(tmp_path_factory.mktemp("chunks") / "made.h5", images, bands, request.param)
    with h5py.File(dataset.path) as file:
        yield dataset, file["images"][()].astype(np.float32)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(-N, N - 1), max_size=40), st.lists(st.sampled_from(["red", "green", "blue"]), unique=True))
def test_any_rows_and_bands_equal_what_hdf5_reads(both, rows, bands):
    dataset, images = both
    assert dataset._patch_file is not None
    wanted = images[np.array(rows, int)]
    np.testing.assert_array_equal(dataset.images(rows), wanted)
    if bands:
        np.testing.assert_array_equal(
            dataset.images(rows, bands), wanted[:, [dataset.band_names.index(b) for b in bands]]
        )


def test_several_threads_and_many_calls_fill_the_same_array(both, monkeypatch):
    dataset, images = both
    monkeypatch.setattr(chunks, "READ_BYTES", 1000)
    monkeypatch.setattr(chunks, "WORTH_THREADS", 1)
    monkeypatch.setattr(chunks, "THREADS", 3)
    order = np.random.default_rng(1).permutation(N)
    np.testing.assert_array_equal(dataset.images(order), images[order])


@pytest.mark.parametrize(
    "options",
    [
        {"compression": "lzf"},
        {"chunks": (2, 3, 4, 4)},
        {"chunks": None},
        {"dtype": ">f4"},
        {"fletcher32": True},
    ],
)
def test_what_does_not_lie_plain_in_the_file_is_left_to_hdf5(tmp_path, options):
    values = np.arange(6 * 48, dtype=np.float32).reshape(6, 3, 4, 4)
    options = {"chunks": (1, 3, 4, 4), "dtype": "f4"} | options
    with h5py.File(tmp_path / "a.h5", "w") as file:
        data = file.create_dataset("images", data=values.astype(options.pop("dtype")), **options)
        assert patch_places(data) is None


def test_a_patch_that_was_never_written_is_left_to_hdf5(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        data = file.create_dataset("images", (4, 3, 4, 4), "f4", chunks=(1, 3, 4, 4))
        data[:3] = 1.0
        assert patch_places(data) is None
        data[3] = 2.0
        file.flush()
        assert patch_places(data).shape == (4,)


def test_a_user_block_is_left_to_hdf5(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w", userblock_size=512) as file:
        data = file.create_dataset("images", data=np.ones((4, 3, 4, 4), "f4"), chunks=(1, 3, 4, 4))
        file.flush()
        assert patch_places(data) is None


def test_a_file_cut_after_it_was_opened_is_told_of(tmp_path):
    images = np.ones((N, 3, 8, 8), np.float32)
    dataset = write(tmp_path / "cut.h5", images, RGB_BANDS)
    assert dataset.images([N - 1]).shape == (1, 3, 8, 8)
    patches = dataset._patch_file
    os.truncate(dataset.path, int(patches.places.max()) + 10)
    with pytest.raises(DataError, match="has changed since it was opened"):
        dataset.images([N - 1])
    with pytest.raises(DataError, match="ends too early"):
        patches.read(np.array([N - 1]), np.empty((1, 3, 8, 8), np.float32))
    dataset.path.unlink()
    with pytest.raises(DataError, match="is gone"):
        dataset.images([0])
    with pytest.raises(DataError, match="cannot be read"):
        patches.read(np.array([0]), np.empty((1, 3, 8, 8), np.float32))
