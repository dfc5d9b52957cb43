"""What files say of their numbers: scale, offset, fill, alpha; applied once, told of, never different by class."""

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rasterio.enums import ColorInterp

from core.data.readers import ReaderOptions, ingest, iterate_patches
from core.data.readers.value_tags import ValueTags, apply_tags, tags_of
from core.data.store import open_dataset
from core.errors import ConfigError, FormatError
from core.progress import drain
from tests.core.data.readers.geo.test_raster import UTM46, at, opened, write

RGBN = ("red", "green", "blue", "nir")
COLOURS = (ColorInterp.red, ColorInterp.green, ColorInterp.blue)
LOWEST = np.finfo(np.float32).min


def ingested(source, format="geotiff", **options):
    report = drain(ingest(format, source, source.parent / "out.h5", ReaderOptions(**options)))
    return report, open_dataset(report.dataset)


def raster(path, pixels, names=RGBN, scale=None, offset=None, colours=None, number=0, **profile):
    write(path, pixels, names, crs=UTM46, transform=at(500_000 + 3000 * number, 2_500_000), **profile)
    with opened(path, "r+") as file:
        if scale is not None:
            file.scales, file.offsets = (scale,) * len(pixels), (offset or 0.0,) * len(pixels)
        if colours is not None:
            file.colorinterp = colours
    return pixels


def whole_numbers(seed=0, n=4, dtype=np.int16):
    return np.random.default_rng(seed).integers(1000, 4000, (n, 16, 16)).astype(dtype)


def test_scale_and_offset_give_reflectance_and_nodata_is_not_scaled(tmp_path):
    pixels = [whole_numbers(i) for i in range(4)]
    for i, values in enumerate(pixels):
        values[:, :3], values[0, 5, 5] = -32768, -32768
        folder = "landslide" if i % 2 else "stable"
        raster(tmp_path / "src" / folder / f"a{i}.tif", values, scale=1e-4, offset=-0.1, nodata=-32768, number=i)
    report, dataset = ingested(tmp_path / "src", positive="landslide")
    read = dataset.images(dataset.index_of(["a0"]))[0]
    np.testing.assert_allclose(read[:, 3:][:, 4:], pixels[0][:, 7:] * 1e-4 - 0.1, atol=1e-6)
    assert np.isnan(read[:, :3]).all() and np.isnan(read[0, 5, 5]) and dataset.statistics[1]["n_nodata"] == 4 * 48
    assert {band.unit for band in dataset.bands} == {"reflectance"}
    assert any("scale 0.0001, offset -0.1, which was applied" in text for text in report.warnings)
    assert dataset.facts["warnings"] == list(report.warnings)  # for whoever opens the file later
    assert {b.unit for b in ingested(tmp_path / "src", positive="landslide", unit="DN")[1].bands} == {"DN"}


def test_scales_that_tell_the_classes_apart_are_refused_and_others_are_told(tmp_path):
    for i in range(6):
        folder = "landslide" if i % 2 else "stable"
        raster(tmp_path / "src" / folder / f"a{i}.tif", whole_numbers(i), scale=1e-4 if i % 2 else 1e-2, number=i)
    with pytest.raises(FormatError, match="two classes state different scales.*gdal_edit.py"):
        ingested(tmp_path / "src", positive="landslide")
    raster(tmp_path / "src" / "stable" / "a0.tif", whole_numbers(0), scale=1e-4)
    report, dataset = ingested(tmp_path / "src", positive="landslide")
    assert len(dataset) == 6 and any("state different scales; each file's own" in text for text in report.warnings)
    assert dataset.images(dataset.index_of(["a2"])).max() > 9 and dataset.images(dataset.index_of(["a0"])).max() < 1


def test_a_tag_that_one_class_has_and_the_other_has_not_is_refused_too(tmp_path):
    for i in range(4):
        folder = "landslide" if i % 2 else "stable"
        raster(tmp_path / "src" / folder / f"a{i}.tif", whole_numbers(i), scale=1e-4 if i % 2 else None, number=i)
    with pytest.raises(FormatError, match="no scale in 2 files"):
        ingested(tmp_path / "src", positive="landslide")


def test_decibels_kept_as_hundredths(tmp_path):
    for i in range(4):
        values = -whole_numbers(i, 2)
        raster(tmp_path / "src" / "ab"[i % 2] / f"a{i}.tif", values, ("desc_vv", "desc_vh"), scale=0.01, number=i)
    _, dataset = ingested(tmp_path / "src", positive="a")
    assert -40 <= dataset.images().min() and dataset.images().max() <= -10 and dataset.bands[0].unit == "dB"


@pytest.mark.parametrize(
    ("dtype", "colours", "names"),
    [
        (np.uint8, (*COLOURS, ColorInterp.alpha), RGBN[:3]),
        (np.uint16, (*COLOURS, ColorInterp.undefined, ColorInterp.alpha), RGBN),
        (np.float32, (ColorInterp.gray, ColorInterp.alpha), ("band_1",)),
        (np.uint16, (ColorInterp.alpha, ColorInterp.gray, ColorInterp.undefined), ("band_1", "band_2")),
    ],
)  # fmt: skip
def test_alpha_is_a_mask_and_no_band(tmp_path, dtype, colours, names):
    at_alpha = colours.index(ColorInterp.alpha)
    for i in range(4):
        pixels = np.random.default_rng(i).integers(30, 200, (len(colours), 16, 16)).astype(dtype)
        pixels[:, :, :5], pixels[at_alpha] = 255, 255
        pixels[at_alpha, :, :5] = 0
        raster(tmp_path / "src" / "ab"[i % 2] / f"a{i}.tif", pixels, (), colours=colours, number=i)
    _, dataset = ingested(tmp_path / "src", positive="a")
    assert dataset.band_names == names and dataset.statistics[0]["n_nodata"] == 4 * 5 * 16
    assert np.isnan(dataset.images()[..., :5]).all() and np.isfinite(dataset.images()[..., 5:]).all()
    _, batches = iterate_patches(tmp_path / "src" / "a", "geotiff")
    assert np.isnan(next(iter(batches))[1][..., :5]).all()
    if dtype != np.uint8:  # a picture with transparent pixels has nowhere to say so, and is refused in words
        _, folders = ingested(tmp_path / "src", "folders", positive="a")
        assert folders.band_names == names and np.isnan(folders.images()[..., :5]).all()


def test_the_rounded_tag_means_the_lowest_number(tmp_path):
    for i in range(4):
        pixels = whole_numbers(i).astype(np.float32)
        pixels[:, 4] = LOWEST
        raster(tmp_path / "src" / "ab"[i % 2] / f"a{i}.tif", pixels, nodata=-3.40282e38, number=i)
    _, dataset = ingested(tmp_path / "src", positive="a")
    assert dataset.statistics[0]["n_nodata"] == 64 and dataset.statistics[0]["min"] >= 1000
    assert np.isnan(dataset.images()[:, :, 4]).all()


def test_attributes_of_an_hdf5_array_are_heeded(tmp_path):
    stored = np.random.default_rng(0).integers(500, 3000, (6, 4, 8, 8)).astype(np.int16)
    stored[2, :, 0] = -999
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["images"], file["labels"] = stored, [1, 0] * 3
        file["images"].attrs.update({"scale_factor": 1e-4, "add_offset": 0.05, "_FillValue": np.int16(-999)})
    report, dataset = ingested(tmp_path / "x.h5", "hdf5", layout="NCHW")
    expected = np.where(stored == -999, np.nan, stored * 1e-4 + 0.05)
    np.testing.assert_allclose(dataset.images(), expected, atol=1e-6)
    assert dataset.bands[0].unit == "reflectance" and any("scale 0.0001" in text for text in report.warnings)


def test_optical_bands_say_the_unit_and_the_ground_does_not(tmp_path):
    for i in range(2):
        raster(tmp_path / "src" / f"a{i}.tif", whole_numbers(i), ("B4", "B3", "B8", "DEM"), number=i)
        with opened(tmp_path / "src" / f"a{i}.tif", "r+") as file:
            file.scales = (1e-4, 1e-4, 1e-4, 1.0)
    report, dataset = ingested(tmp_path / "src")
    assert [band.unit for band in dataset.bands] == ["reflectance"] * 3 + ["m"]
    np.testing.assert_allclose(dataset.images()[0, 0], whole_numbers(0)[0] * 1e-4, rtol=1e-5)
    np.testing.assert_array_equal(dataset.images()[0, 3], whole_numbers(0)[3])


def test_several_scales_of_one_array_are_refused_and_several_fills_heeded():
    with pytest.raises(FormatError, match="scale_factor of 'x' holds 2 numbers"):
        tags_of({"scale_factor": np.array([0.1, 0.2])}, "'x'")
    tags = tags_of({"scale_factor": np.array([0.1, 0.1]), "missing_value": np.array([-1, -9])})
    assert tags == ValueTags((0.1,), (0.0,), (-1.0, -9.0))


@settings(max_examples=40, deadline=None)
@given(st.floats(1e-5, 100), st.floats(-50, 50), st.sampled_from(["int16", "uint8", "float32"]))
def test_tags_are_a_line_and_nothing_else(scale, offset, dtype):
    values = np.arange(12, dtype=dtype).reshape(2, 2, 3)
    found = apply_tags(values, ValueTags((scale,), (offset,), (3.0,)))
    expected = np.where(values == 3, np.nan, values.astype(float) * scale + offset)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-4)
    by_band = apply_tags(values, ValueTags((scale, 1.0), (offset, 0.0)))
    np.testing.assert_allclose(by_band[1], values[1], rtol=1e-6)
    assert apply_tags(values, tags_of({"scale_factor": 0.0, "units": "m", "_FillValue": np.nan})) is values


@pytest.mark.parametrize("value", ["inf", "-inf", 1e39, float("inf"), "abc"])
def test_a_nodata_value_that_no_patch_can_hold_is_refused_in_words(value):
    with pytest.raises(ConfigError, match="nodata: (.* is beyond what a patch holds|Input should be a valid number)"):
        ReaderOptions(nodata=value)


def test_nan_says_nothing_more_than_it_says_by_itself_and_other_options_take_real_numbers():
    assert ReaderOptions(nodata=float("nan")).nodata is None and ReaderOptions(nodata="nan").nodata is None
    for name in ("mask_value", "mask_threshold", "max_nodata"):
        for value in (float("nan"), float("inf")):
            with pytest.raises(ConfigError, match=name):
                ReaderOptions(**{name: value})
