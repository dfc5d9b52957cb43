"""Folders of GeoTIFFs: bands by name, nodata, places, masks, scenes (FAULTS 12, 13, 15)."""

import numpy as np
import pytest
from affine import Affine
from PIL import Image

from core.data.readers import ReaderOptions, ingest, iterate_patches
from core.data.store import open_dataset
from core.errors import DataError, FormatError
from tests.core.data.readers.geo.test_raster import UTM46, at, numbers, opened, write

RGBN = ("red", "green", "blue", "nir")


def run(source, **options):
    steps = ingest("geotiff", source, source.parent / "out.h5", ReaderOptions(**options))
    while True:
        try:
            next(steps)
        except StopIteration as done:
            return done.value, open_dataset(done.value.dataset)


def images(dataset):
    return dict(zip(dataset.ids.tolist(), dataset.images(), strict=True))


@pytest.fixture
def classes(tmp_path):
    """Two class folders of 4-band patches with a place, 10 m pixels, 1 km apart."""
    source, pixels = tmp_path / "classes", {}
    for number, name in enumerate(("landslide/a", "landslide/b", "stable/c")):
        values = numbers(4, 6, 8, np.float64, number)
        profile = {"crs": UTM46, "transform": at(500_000 + 1000 * number, 2_500_000)}
        pixels[name[-1]] = write(source / f"{name}.tif", values, RGBN, **profile)
    return source, pixels


# -------------------------------------------------------------------------------------------- values and places


def test_pixels_names_places_and_labels_are_kept(classes):
    source, pixels = classes
    report, dataset = run(source)
    assert (report.n, report.n_positive, report.rejected, report.warnings) == (3, 2, (), ())
    assert dataset.band_names == RGBN and dataset.bands[3].sensor == "Sentinel-2" and dataset.nodata == 0
    for name, image in images(dataset).items():
        np.testing.assert_array_equal(image, pixels[name].astype(np.float32))
    np.testing.assert_array_equal(dataset.columns["x"], [500_040, 501_040, 502_040])
    np.testing.assert_array_equal(dataset.columns["y"], [2_499_970] * 3)
    assert dataset.columns["crs"].tolist() == ["EPSG:32646"] * 3
    # UTM 46N has its central meridian, easting 500 000 m, at 93 degrees.
    assert 93 < dataset.lonlat[0, 0] < 93.001 and np.all(np.diff(dataset.lonlat[:, 0]) > 0.009)


@pytest.mark.fault(15)
def test_without_a_system_there_are_map_units_but_no_degrees(tmp_path):
    write(tmp_path / "src" / "landslide" / "a.tif", numbers(4))
    (tmp_path / "src" / "landslide" / "a.tfw").write_text("10\n0\n0\n-10\n500005\n199995\n")
    write(tmp_path / "src" / "landslide" / "b.tif", numbers(4, seed=1))
    report, dataset = run(tmp_path / "src")
    assert dataset.lonlat is None
    np.testing.assert_array_equal(dataset.columns["x"], [500_040, np.nan])
    assert any("1 files have a place but no coordinate system" in text for text in report.warnings)
    assert any("1 files do not say where they are" in text for text in report.warnings)


def test_a_table_labels_and_groups_rasters(classes):
    source, _ = classes
    (source / "landslide").rename(source / "x")
    (source / "labels.csv").write_text("id,label,scene\na,1,s1\nb,0,s1\nc,0,s2\n")
    _, dataset = run(source, labels="labels.csv", group_column="scene")
    assert dict(zip(dataset.ids.tolist(), dataset.labels.tolist(), strict=True)) == {"a": 1, "b": 0, "c": 0}
    assert dict(zip(dataset.ids.tolist(), dataset.groups.tolist(), strict=True)) == {"a": "s1", "b": "s1", "c": "s2"}
    assert dataset.lonlat.shape == (3, 2)


# --------------------------------------------------------------------------------------------------------- bands


def test_bands_are_brought_into_one_order_by_name(classes):
    source, pixels = classes
    write(source / "stable" / "d.tif", pixels["c"][::-1], RGBN[::-1])
    _, dataset = run(source)
    np.testing.assert_array_equal(images(dataset)["d"], pixels["c"].astype(np.float32))


def test_bands_asked_for_by_name_are_chosen(classes):
    source, pixels = classes
    _, dataset = run(source, bands=("nir", "red"))
    assert dataset.band_names == ("nir", "red")
    np.testing.assert_array_equal(images(dataset)["a"], pixels["a"][[3, 0]].astype(np.float32))


def test_bands_without_names_go_by_position_with_a_warning_when_the_number_is_right(classes):
    source, pixels = classes
    write(source / "stable" / "d.tif", pixels["c"])
    write(source / "stable" / "e.tif", numbers(5))
    write(source / "stable" / "f.tif", pixels["c"], ("red", "green", "blue", "thermal"))
    report, dataset = run(source)
    np.testing.assert_array_equal(images(dataset)["d"], pixels["c"].astype(np.float32))
    assert any("1 file does not name its bands so; taken by position" in text for text in report.warnings)
    assert {item.file: item.reason for item in report.rejected} == {
        "stable/e.tif": "It has 5 bands; accepted: 4 (red, green, blue, nir).",
        "stable/f.tif": "Its bands are red, green, blue, thermal; accepted: red, green, blue, nir.",
    }


def test_no_names_at_all_are_suggested_by_the_number_or_given(tmp_path):
    write(tmp_path / "src" / "landslide" / "a.tif", numbers(7))
    report, dataset = run(tmp_path / "src")
    assert dataset.band_names[0] == "band_1" and any("7 bands without names" in text for text in report.warnings)
    names = ("blue", "green", "red", "dem", "thermal_inertia", "slope", "grey")
    report, dataset = run(tmp_path / "src", bands=names)
    assert dataset.band_names == names and not any("without names" in text for text in report.warnings)
    with pytest.raises(DataError, match=r"It has 7 bands; accepted: 2 \(red, nir\)"):
        run(tmp_path / "src", bands=("red", "nir"))


def test_palettes_and_inks_are_no_brightness(classes):
    source, _ = classes
    Image.fromarray(np.zeros((6, 8), np.uint8), "L").convert("P").save(source / "stable" / "p.tif")
    Image.fromarray(np.zeros((6, 8, 3), np.uint8)).convert("CMYK").save(source / "stable" / "k.tif")
    report, dataset = run(source)
    assert len(dataset) == 3 and {item.file for item in report.rejected} == {"stable/k.tif", "stable/p.tif"}
    assert all("palette or inks" in item.reason for item in report.rejected)


# -------------------------------------------------------------------------------------------------------- nodata


def nodata_files(source, *tags):
    """One patch a tag; its first pixel was not seen, its second lacks one band."""
    for number, tag in enumerate(tags):
        pixels = numbers(3, seed=number)
        pixels[:, 0, 0] = pixels[0, 0, 1] = 0 if tag is None else tag
        write(source / "landslide" / f"f{number}.tif", pixels, RGBN[:3], nodata=tag)


def test_without_a_tag_0_in_all_bands_was_not_seen(tmp_path):
    nodata_files(tmp_path / "src", None)
    _, dataset = run(tmp_path / "src")
    assert dataset.nodata == 0 and dataset.statistics[0]["n_nodata"] == 1 and dataset.images()[0, 0, 0, 1] == 0


def test_a_tag_is_the_datasets_nodata_and_a_single_band_without_data_is_nan(tmp_path):
    nodata_files(tmp_path / "src", -9999, -9999)
    report, dataset = run(tmp_path / "src")
    assert dataset.nodata == -9999 and dataset.statistics[0]["n_nodata"] == 2
    assert (dataset.stored_images()[:, :, 0, 0] == -9999).all() and np.isnan(dataset.images()[:, 0, 0, 1]).all()
    assert np.isnan(dataset.images()[:, :, 0, 0]).all()
    assert dataset.statistics[0]["n_nonfinite"] == 2 and dataset.statistics[0]["min"] > 0


@pytest.mark.fault(15)
def test_different_tags_are_brought_to_one(tmp_path):
    nodata_files(tmp_path / "src", -9999, -9999, 5000, None)
    report, dataset = run(tmp_path / "src")
    assert dataset.nodata == -9999 and (dataset.stored_images()[:3, :, 0, 0] == -9999).all()
    assert (dataset.images()[3, :, 0, 0] == 0).all()
    assert any("different nodata values (-9999.0, 5000.0)" in text for text in report.warnings)
    assert any("1 files state no nodata value; -9999.0 counts" in text for text in report.warnings)


def test_nan_as_tag_stays_nan_and_an_option_goes_before_tags(tmp_path):
    nodata_files(tmp_path / "src", float("nan"))
    _, dataset = run(tmp_path / "src")
    assert dataset.nodata is None and np.isnan(dataset.images()[0, :, 0, 0]).all()
    nodata_files(tmp_path / "other", -1)
    assert run(tmp_path / "other", nodata=-1.0)[1].statistics[0]["n_nodata"] == 1
    assert run(tmp_path / "other", nodata=7.0)[1].statistics[0]["n_nodata"] == 0


def test_for_prediction_what_was_not_seen_is_nan(tmp_path):
    nodata_files(tmp_path / "src", -9999, None)
    _, batches = iterate_patches(tmp_path / "src", "geotiff")
    (_, found), *_ = list(batches)
    assert np.isnan(found[0, :, 0, 0]).all() and np.isfinite(found[:, :, 1:]).all()


# ------------------------------------------------------------------------------------------------ masks and tiles


@pytest.fixture
def scene(tmp_path):
    """One scene of 40 x 60 pixels with a mask of classes 1 and 2 beside it, and a part without data."""
    pixels = numbers(4, 40, 60, np.float32)
    pixels[:, :, 50:] = 0
    mask = np.zeros((1, 40, 60), np.uint16)
    mask[0, 0:10, 0:20] = 1
    mask[0, 20:40, 20:40] = 2
    write(tmp_path / "src/train/images/Image_s.tif", pixels, RGBN, crs=UTM46, transform=at(500_000, 2_500_000))
    write(tmp_path / "src/train/masks/Mask_s.tif", mask)
    return tmp_path / "src", pixels, mask


def test_a_scene_is_cut_labelled_and_placed_tile_by_tile(scene):
    source, pixels, mask = scene
    report, dataset = run(source, tile=20)
    assert len(dataset) == 6 and not report.rejected and dataset.split.tolist() == ["train"] * 6
    assert dict(zip(dataset.ids.tolist(), dataset.labels.tolist(), strict=True))["Image_s_r00020_c00020"] == 1
    assert set(dataset.groups) == {"Image_s"} and dataset.labels.tolist() == [1, 0, 0, 0, 1, 0]
    rows, cols = dataset.columns["row"], dataset.columns["col"]
    for row, col, image, truth, x, y in zip(
        rows, cols, dataset.stored_images(), dataset.masks(), dataset.columns["x"], dataset.columns["y"], strict=True
    ):
        np.testing.assert_array_equal(image, pixels[:, row : row + 20, col : col + 20])
        np.testing.assert_array_equal(truth, mask[0, row : row + 20, col : col + 20] != 0)
        assert (x, y) == (500_000 + 10 * (col + 10), 2_500_000 - 10 * (row + 10))
    assert np.isfinite(dataset.lonlat).all() and len(np.unique(dataset.lonlat, axis=0)) == 6


def test_one_value_of_a_mask_may_be_the_landslide(scene):
    source, _, _ = scene
    told = (
        "Masks hold the values 1 (8.3%), 2 (16.7%); all of them were taken for landslide. Say --mask-value V if only "
        "one is."
    )
    assert told in run(source, tile=20)[0].warnings and told not in run(source, tile=20, mask_value=1.0)[0].warnings
    assert run(source, tile=20, mask_value=1.0)[1].labels.tolist() == [1, 0, 0, 0, 0, 0]
    _, dataset = run(source, tile=20, mask_threshold=0.6)
    assert len(dataset) == 5  # half of one tile is covered: between, and dropped


def test_empty_tiles_are_dropped_by_their_share_without_data(scene):
    source, _, _ = scene
    report, dataset = run(source, tile=20, max_nodata=0.4)
    assert len(dataset) == 4 and any("2 patches were dropped" in text for text in report.warnings)


def test_a_scene_of_65_000_pixels_is_read_window_by_window(tmp_path):
    source = tmp_path / "src"
    (source / "images").mkdir(parents=True)
    (source / "labels").mkdir()
    wide = dict(driver="GTiff", width=65_000, height=64, dtype="uint8", compress="deflate", tiled=True)
    with opened(source / "images/w.tif", "w", count=5, photometric="minisblack", **wide) as raster:
        raster.write(np.full((5, 64, 64), 7, np.uint8), window=((0, 64), (64_000, 64_064)))
    with opened(source / "labels/w.tif", "w", count=1, **wide) as raster:
        raster.write(np.ones((1, 32, 64), np.uint8), window=((0, 32), (64_000, 64_064)))
    report, dataset = run(source, tile=64, max_nodata=0.9)
    assert dataset.labels.tolist() == [1] and dataset.columns["col"].tolist() == [64_000]
    assert (dataset.images() == 7).all() and dataset.masks().mean() == 0.5


def test_what_leaves_nothing_says_why(scene):
    source, _, _ = scene
    with pytest.raises(DataError, match="No patch is left of 1 image. 1 patch was dropped: a mask that covers"):
        run(source, mask_threshold=0.9)


def test_images_without_a_mask_stay_unlabelled(scene):
    source, pixels, _ = scene
    write(source / "test/images/Image_t.tif", pixels)
    report, dataset = run(source)
    assert dataset.labels.tolist() == [-1, 1] and dataset.split.tolist() == ["test", "train"]
    assert any("1 image has no mask and stays unlabelled: test/images/Image_t.tif" in t for t in report.warnings)


def test_rasters_that_overlap_on_the_ground_are_told(classes):
    source, pixels = classes
    write(source / "stable/d.tif", pixels["a"], RGBN, crs=UTM46, transform=at(500_010, 2_500_010))
    report, _ = run(source)
    assert any(
        "2 files show ground that another one shows too: landslide/a.tif, stable/d.tif" in t for t in report.warnings
    )


# -------------------------------------------------------------------------------------------------- bad company


def test_unusable_files_are_set_aside_with_their_reason(classes):
    source, _ = classes
    (source / "stable/v.tif").write_text('<VRTDataset rasterXSize="4" rasterYSize="4"></VRTDataset>')
    (source / "stable/e.tif").touch()
    np.save(source / "stable/n.npy", np.zeros((6, 8, 4)))
    write(source / "stable/s.tif", numbers(4, 3, 3), RGBN)
    report, dataset = run(source)
    reasons = {item.file: item.reason for item in report.rejected}
    assert len(dataset) == 3 and set(reasons) == {f"stable/{n}" for n in ("v.tif", "e.tif", "n.npy", "s.tif")}
    assert "cannot be read as a GeoTIFF" in reasons["stable/v.tif"] and "is empty" in reasons["stable/e.tif"]
    assert "3x3 pixels" in reasons["stable/s.tif"]


def test_a_tile_that_turns_out_damaged_is_set_aside(classes):
    source, pixels = classes
    path = source / "stable/c.tif"
    path.write_bytes(path.read_bytes()[:600])
    report, dataset = run(source)
    assert dataset.ids.tolist() == ["a", "b"] and [item.file for item in report.rejected] == ["stable/c.tif"]


def test_only_the_tiles_of_a_damaged_block_are_set_aside(tmp_path):
    path = tmp_path / "src/landslide/a.tif"
    pixels = write(path, numbers(1, 64, 64), tiled=True, blockxsize=32, blockysize=32, compress="deflate")
    with opened(path) as raster:
        offset = int(raster.get_tag_item("BLOCK_OFFSET_1_1", "TIFF", bidx=1))
    content = bytearray(path.read_bytes())
    content[offset : offset + 200] = b"\xa5" * 200
    path.write_bytes(content)
    report, dataset = run(tmp_path / "src", tile=16, bands=("grey",))
    assert len(dataset) == 12 and [item.file[-24:] for item in report.rejected][0] == "a.tif (row 32, column 32)"[-24:]
    for row, col, image in zip(dataset.columns["row"], dataset.columns["col"], dataset.images(), strict=True):
        np.testing.assert_array_equal(image, pixels[:, row : row + 16, col : col + 16])


def test_nothing_usable_and_a_table_for_one_file_are_told(tmp_path, classes):
    (tmp_path / "none").mkdir()
    with pytest.raises(DataError, match="holds no patches"):
        run(tmp_path / "none")
    (tmp_path / "none/landslide").mkdir()
    (tmp_path / "none/landslide/x.tif").touch()
    with pytest.raises(FormatError, match="holds no GeoTIFF that can be used. The first reason: landslide/x.tif"):
        run(tmp_path / "none")
    with pytest.raises(FormatError, match="is one file, and a table of labels speaks of many"):
        run(classes[0] / "landslide/a.tif", labels="labels.csv")


# --------------------------------------------------------------------------------------------------- prediction


def test_patches_to_predict_leave_masks_out(scene, classes):
    _, batches = iterate_patches(scene[0])
    assert np.concatenate([ids for ids, _ in batches]).tolist() == ["Image_s"]
    bands, batches = iterate_patches(classes[0], bands=("nir", "red"))
    assert [band.name for band in bands] == ["nir", "red"] and next(batches)[1].shape == (3, 2, 6, 8)
    bands, batches = iterate_patches(classes[0] / "landslide/a.tif")
    assert next(batches)[0].tolist() == ["a"] and bands[0].name == "red"


def test_a_turned_transform_places_tiles_where_gdal_does(tmp_path):
    transform = Affine.translation(500_000, 2_500_000) @ Affine.rotation(30) @ Affine.scale(10, -10)
    pixels = numbers(4, 40, 40)
    write(tmp_path / "src/landslide/a.tif", pixels, RGBN, crs=UTM46, transform=transform)
    _, dataset = run(tmp_path / "src", tile=20)
    expected = [transform @ (col + 10, row + 10) for row in (0, 20) for col in (0, 20)]
    found = np.column_stack([dataset.columns["x"], dataset.columns["y"]])
    np.testing.assert_allclose(found, expected, rtol=1e-9)
