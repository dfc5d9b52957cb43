"""No data is nan for whoever reads patches, by one meaning: the nodata value, what is not finite, what is absurd."""

import numpy as np
import pytest
import rasterio
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st

from core.data.bands import RGB_BANDS, ZINDI_BANDS, Band
from core.data.readers import ReaderOptions, ingest
from core.data.store import DatasetWriter, open_dataset
from core.data.store.missing import blank_patches, equals_nodata, has_data, plausible, valid_pixels
from core.progress import drain

PLACE = {"transform": Affine(10, 0, 0, 0, -10, 0)}
LOWEST = float(np.finfo(np.float32).min)


def written(path, images, nodata=None, bands=RGB_BANDS, dtype="float32"):
    names = [f"p{i}" for i in range(len(images))]
    writer = DatasetWriter(
        path / "x.h5", bands=bands, shape_hw=images.shape[2:], class_names=("no", "yes"), source="", dtype=dtype,
        nodata=nodata,
    )  # fmt: skip
    with writer:
        writer.append(images, np.arange(len(images)) % 2, names)
        return writer.finish()


def pictures(n=12, side=16, seed=0):
    return np.random.default_rng(seed).uniform(10, 200, (n, 3, side, side)).astype(np.float32)


@pytest.mark.fault(12)
@pytest.mark.parametrize("nodata", [0.0, 255.0, -9999.0, LOWEST, -3.40282e38])
def test_a_pixel_with_the_nodata_value_in_all_bands_is_nan_and_one_band_of_it_is_a_value(tmp_path, nodata):
    images = pictures()
    images[2, :, :4] = LOWEST if nodata == -3.40282e38 else nodata
    images[3, 1, 0, 0] = 0.0
    dataset = written(tmp_path, images, nodata)
    read = dataset.images()
    assert np.isnan(read[2, :, :4]).all() and np.isnan(read).sum() == 3 * 4 * 16
    np.testing.assert_array_equal(dataset.stored_images(), images)
    assert dataset.statistics[0]["n_nodata"] == 64 and dataset.statistics[0]["min"] >= 10
    # Some bands are judged by all of them, in any order of rows.
    np.testing.assert_array_equal(dataset.images([3, 2, 0], ["blue", "red"]), read[[3, 2, 0]][:, [2, 0]])
    np.testing.assert_array_equal(dataset.images([2], ["green"]), read[2:3, 1:2])


def test_bytes_and_files_that_hdf5_must_read_go_the_same_way(tmp_path, monkeypatch):
    images = pictures().astype(np.uint8)
    images[0, :, 5] = 255
    dataset = written(tmp_path, images, 255.0, dtype="uint8")
    straight = dataset.images()
    assert np.isnan(straight[0, :, 5]).all() and np.isfinite(straight[1:]).all()
    monkeypatch.setattr("core.data.store.dataset.patch_places", lambda data: None)
    other = type(dataset)(**{name: getattr(dataset, name) for name in dataset.__dataclass_fields__})
    np.testing.assert_array_equal(other.images(), straight)
    np.testing.assert_array_equal(other.images(bands=["blue"]), straight[:, 2:])


@pytest.mark.parametrize("value", [LOWEST, -3.4e38, 1e30, 1e9, np.inf])
def test_a_wild_value_spoils_neither_statistics_nor_what_is_read(tmp_path, value):
    clean = pictures()
    dirty = clean.copy()
    dirty[4, 0, :2] = value
    (tmp_path / "a").mkdir(), (tmp_path / "b").mkdir()
    dataset, expected = written(tmp_path / "a", dirty), written(tmp_path / "b", clean).statistics[0]
    found = dataset.statistics[0]
    assert abs(found["mean"] - expected["mean"]) < 2 and abs(found["std"] - expected["std"]) < 2 and found["max"] < 201
    assert found["n_absurd"] + found["n_nonfinite"] == 32 and np.isnan(dataset.images([4])[0, 0, :2]).sum() in (0, 32)
    assert np.isfinite(dataset.images()[:, 1:]).all() and not (np.abs(dataset.images([4])[0, 0, 2:]) > 201).any()


def test_a_band_in_another_unit_than_it_says_is_as_it_is(tmp_path):
    images = pictures() * 1000  # not 0-255 at all; that is told by the check, and nothing is taken away
    dataset = written(tmp_path, images)
    assert dataset.plausible is None and np.isfinite(dataset.images()).all()
    tails = np.abs(np.random.default_rng(0).standard_cauchy((12, 1, 64, 64))).astype(np.float32).clip(0, 9e5)
    (tmp_path / "b").mkdir()
    assert written(tmp_path / "b", tails, bands=(Band("accumulation", "Flow"),)).plausible is None


def test_values_that_rest_on_a_usual_range():
    row = dict(q05=-20.0, q25=-13.0, q50=-10.0, q75=-8.0, q95=-2.0)
    low, high = plausible(ZINDI_BANDS[4], row)
    assert -9999 < low < -90 and 60 < high < 1e4
    assert plausible(ZINDI_BANDS[4], {"q05": None}) == (-np.inf, np.inf)


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from([0.0, -9999.0, -3.40282e38, LOWEST, 1e20, 0.1, np.nan, 65535.0, 3.40282e38]),
    st.sampled_from(["float32", "int16", "uint16", "float64"]),
    st.lists(
        st.sampled_from([0.0, 1.0, -9999.0, -9998.0, 65535.0, LOWEST, -LOWEST, 0.1, 1e20]), min_size=6, max_size=6
    ),
)
def test_nodata_is_what_gdal_masks(nodata, dtype, values):
    limits = np.iinfo(dtype) if dtype.endswith("int16") else np.finfo("float32")
    pixels = np.clip(values, float(limits.min), float(limits.max)).astype(dtype).reshape(1, 2, 3)
    fits = dtype.startswith("float") or (limits.min <= nodata <= limits.max and float(nodata).is_integer())
    if not fits or dtype == "float64":  # rasterio refuses such a tag; float64 patches are kept as float32
        assert equals_nodata(pixels, nodata).shape == pixels.shape
        return
    with rasterio.MemoryFile() as memory:
        with memory.open(driver="GTiff", width=3, height=2, count=1, dtype=dtype, nodata=nodata, **PLACE) as file:
            file.write(pixels)
        with memory.open() as file:
            masked = file.read_masks(1) == 0
    np.testing.assert_array_equal(equals_nodata(pixels, nodata)[0], masked)


def test_what_holds_data():
    images = np.ones((3, 2, 2, 2), np.float32)
    assert has_data(images) is None and not blank_patches(images).any()
    images[0, 0], images[1], images[2, :, 0, 0] = np.nan, np.inf, np.nan
    np.testing.assert_array_equal(has_data(images)[2], [[False, True], [True, True]])
    assert has_data(images)[0].all() and blank_patches(images).tolist() == [False, True, False]
    assert valid_pixels(np.array([[[[5.0]], [[np.nan]]]]), 5.0)[1].tolist() == [[[True]]]


@pytest.mark.fault(16)
def test_what_float32_cannot_hold_is_missing_and_nothing_is_said(tmp_path):
    signalling = np.array([0x7FF0000000000001], np.uint64).view(np.float64)[0]
    patches = np.random.default_rng(0).uniform(1, 9, (2, 16, 16, 3)).astype(np.float32).astype(np.float64)
    patches[0, 0, 0], patches[1, 1, 1] = [signalling, 1e300, 2], [-1e300, 3, signalling]
    for name, patch in zip(("a", "b"), patches, strict=True):
        np.save(tmp_path / f"{name}.npy", patch)
    (tmp_path / "labels.csv").write_text("id,label\na.npy,0\nb.npy,1\n")
    drain(ingest("folders", tmp_path, tmp_path / "read.h5", ReaderOptions(labels="labels.csv")))
    read, known = open_dataset(tmp_path / "read.h5").images([0, 1]).transpose(0, 2, 3, 1), np.abs(patches) < 10
    np.testing.assert_array_equal(np.isfinite(read), known)
    np.testing.assert_array_equal(read[known], patches[known])
