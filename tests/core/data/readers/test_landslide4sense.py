"""Landslide4Sense in its two layouts, its masks, tiles and single files (FAULTS 14)."""

import h5py
import numpy as np
import pytest

from core.data.bands import LANDSLIDE4SENSE_BANDS, composites
from core.data.check import check
from core.data.readers import ReaderOptions, ingest, iterate_patches, recognise
from core.data.store import open_dataset
from core.errors import DataError, FormatError
from core.progress import drain

SIDE = 20


def image(path, seed=0, key="img", shape=(SIDE, SIDE, 14)):
    path.parent.mkdir(parents=True, exist_ok=True)
    values = np.random.default_rng(seed).uniform(0.2, 4, shape)
    with h5py.File(path, "w") as file:
        file[key] = values
    return values.transpose(2, 0, 1)


def mask(path, covered):
    """A mask whose first ``covered`` pixels, row by row, are 1."""
    path.parent.mkdir(parents=True, exist_ok=True)
    values = np.zeros(SIDE * SIDE, np.uint8)
    values[:covered] = 1
    with h5py.File(path, "w") as file:
        file["mask"] = values.reshape(SIDE, SIDE)
    return values.reshape(SIDE, SIDE)


def run(source, out=None, **options):
    steps = ingest("landslide4sense", source, out or source.parent / "out.h5", ReaderOptions(**options))
    while True:
        try:
            next(steps)
        except StopIteration as done:
            return done.value, open_dataset(done.value.dataset)


@pytest.fixture
def train(tmp_path):
    """img and mask: a landslide of 4 pixels in 400 (1 %), one of 3, and none."""
    source = tmp_path / "l4s"
    pixels = [image(source / f"img/image_{n}.h5", n) for n in (1, 2, 3)]
    for number, covered in ((1, 4), (2, 3), (3, 0)):
        mask(source / f"mask/mask_{number}.h5", covered)
    return source, pixels


def test_bands_are_named_so_that_colours_can_be_drawn():
    names = [band.name for band in LANDSLIDE4SENSE_BANDS]
    assert len(names) == 14 and [names.index(name) for name in ("red", "green", "blue")] == [3, 2, 1]  # B4, B3, B2
    assert names[7] == "nir" and names[12:] == ["slope", "elevation"]
    assert LANDSLIDE4SENSE_BANDS[3].title == "Red, B4 665 nm" and LANDSLIDE4SENSE_BANDS[11].title.endswith(
        "B12 2190 nm"
    )
    assert all("reflectance" not in band.unit for band in LANDSLIDE4SENSE_BANDS)
    assert "True colour" in [composite.name for composite in composites(LANDSLIDE4SENSE_BANDS)]


def test_values_masks_and_the_stated_threshold(train):
    source, pixels = train
    report, dataset = run(source)
    assert dataset.ids.tolist() == ["image_1", "image_3"] and dataset.labels.tolist() == [1, 0]
    np.testing.assert_array_equal(dataset.images(), np.float32([pixels[0], pixels[2]]))
    assert dataset.masks().sum((1, 2)).tolist() == [4, 0]
    assert dataset.columns["mask_fraction"].tolist() == [0.01, 0]
    assert dataset.bands == LANDSLIDE4SENSE_BANDS and any("1 patch was dropped" in text for text in report.warnings)
    assert run(source, mask_threshold=0.0075)[1].labels.tolist() == [1, 1, 0]
    assert run(source, between="unlabelled")[1].labels.tolist() == [1, -1, 0]


def test_the_other_layout_keeps_the_split(tmp_path):
    source = tmp_path / "l4s"
    for number, split in enumerate(("train", "validation", "test")):
        image(source / f"images/{split}/image_1.h5", number)
        mask(source / f"annotations/{split}/mask_1.h5", 100 * (number == 1))
    assert recognise(source) == "landslide4sense"
    _, dataset = run(source)
    assert dict(zip(dataset.split.tolist(), dataset.labels.tolist(), strict=True)) == {
        "train": 0,
        "validation": 1,
        "test": 0,
    }
    assert set(dataset.ids) == {f"images/{split}/image_1" for split in ("train", "validation", "test")}


def test_the_competitions_own_folders_keep_the_split_and_stay_unlabelled_without_masks(tmp_path):
    source = tmp_path / "l4s"
    image(source / "TrainData/img/image_1.h5")
    mask(source / "TrainData/mask/mask_1.h5", 50)
    image(source / "TestData/img/image_9.h5", 9)
    report, dataset = run(source)
    found = dict(
        zip(dataset.ids.tolist(), zip(dataset.labels.tolist(), dataset.split.tolist(), strict=True), strict=True)
    )
    assert found == {"image_1": (1, "train"), "image_9": (-1, "test")} and report.n_unlabelled == 1
    assert any("1 image has no mask and stays unlabelled: TestData/img/image_9.h5" in t for t in report.warnings)


def test_tiles_of_one_image_are_one_group(train):
    source, pixels = train
    _, dataset = run(source, tile=10)
    groups, counts = np.unique(dataset.groups, return_counts=True)
    assert groups.tolist() == ["image_1", "image_2", "image_3"] and counts.tolist() == [4, 4, 4]
    row = dataset.index_of(["image_2_r00010_c00000"])[0]
    np.testing.assert_array_equal(dataset.images([row])[0], np.float32(pixels[1][:, 10:, :10]))
    assert dataset.labels.sum() == 2 and dataset.labels[dataset.index_of(["image_1_r00000_c00000"])[0]] == 1


def test_a_spike_in_the_cirrus_band_is_warned_of_and_kept(tmp_path):
    source = tmp_path / "l4s"
    values = image(source / "img/image_1.h5")
    values[9, 3, 3] = 49.29  # as in the real image_37
    with h5py.File(source / "img/image_1.h5", "w") as file:
        file["img"] = values.transpose(1, 2, 0)
    report, dataset = run(source)
    assert dataset.images()[0, 9, 3, 3] == np.float32(49.29) and not report.rejected
    (unusual,) = [row for row in drain(check(dataset)).rows if "usual range" in row.what]
    assert unusual.severity == "warning" and "cirrus" in unusual.where


def test_unusable_files_are_set_aside(train):
    source, _ = train
    image(source / "img/image_4.h5", shape=(SIDE, SIDE, 13))
    image(source / "img/image_5.h5", key="other")
    (source / "img/image_6.h5").write_bytes(b"no HDF5")
    with h5py.File(source / "img/image_7.h5", "w") as file:
        file["img"] = h5py.ExternalLink("image_1.h5", "/img")
    with h5py.File(source / "img/image_8.h5", "w") as file:
        file.create_dataset("img", (2**14, 2**14, 14), np.float32, chunks=(64, 64, 14))
    report, dataset = run(source)
    reasons = {item.file: item.reason for item in report.rejected}
    assert len(dataset) == 2 and len(reasons) == 5
    for number, text in {
        4: "It has 13 bands; accepted: 14",
        5: "no array of numbers 'img'. It has: other",
        6: "cannot be read as an HDF5 file",
        7: "link",
        8: "claims 14.0 GiB",
    }.items():
        assert text in reasons[f"img/image_{number}.h5"]


def test_a_damaged_mask_leaves_its_patch_out(train):
    source, _ = train
    (source / "mask/mask_1.h5").write_bytes(b"no HDF5")
    report, dataset = run(source)
    assert dataset.ids.tolist() == ["image_3"] and [item.file for item in report.rejected] == ["img/image_1.h5"]


def test_another_folder_is_told(tmp_path):
    (tmp_path / "x").mkdir()
    with pytest.raises(FormatError, match="not laid out as Landslide4Sense"):
        run(tmp_path / "x")
    image(tmp_path / "x/image_1.h5", key="data")
    with pytest.raises(DataError, match="image_1.h5 has no array of numbers 'img'. It has: data"):
        run(tmp_path / "x")


def test_images_to_predict_come_without_masks_and_single_files_too(train):
    source, pixels = train
    bands, batches = iterate_patches(source)
    ids, images = next(batches)
    assert ids.tolist() == ["image_1", "image_2", "image_3"] and bands == LANDSLIDE4SENSE_BANDS
    np.testing.assert_array_equal(images, np.float32(pixels))
    _, batches = iterate_patches(source / "img/image_2.h5")
    assert next(batches)[0].tolist() == ["image_2"]
