"""CAS Landslide's layout, on small pictures."""

import numpy as np
import pytest
from PIL import Image

from core.data.readers import ReaderOptions, ingest, iterate_patches, recognise
from core.data.store import open_dataset
from core.errors import FormatError


def picture(seed, side=20):
    return np.random.default_rng(seed).integers(0, 255, (side, side, 3), np.uint8)


def save(path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def mask(n):
    marked = np.zeros((20, 20), np.uint8)
    marked.flat[:n] = 1
    return marked


@pytest.fixture
def source(tmp_path):
    """Two sub-datasets of three images: masks of 0, 40 and 2 of 400 pixels; one of Palu's has none."""
    root = tmp_path / "cas"
    for s, subset in enumerate(("Palu", "Lombok")):
        for i, n in enumerate((0, 40, 2)):
            save(root / subset / "img" / f"{subset}{i:04d}.tiff", picture(3 * s + i))
            save(root / subset / "label" / f"{subset}{i:04d}.tiff", mask(7))
            if (subset, i) != ("Palu", 0):
                save(root / subset / "mask" / f"{subset}{i:04d}.tiff", mask(n))
    return root


def run(source, **options):
    steps = ingest("cas", source, source.parent / "x.h5", ReaderOptions(**options))
    while True:
        try:
            next(steps)
        except StopIteration as done:
            return done.value, open_dataset(done.value.dataset)


def test_labels_come_from_the_area_of_the_masks(source):
    report, dataset = run(source)
    assert dict(zip(dataset.ids, dataset.labels, strict=True)) == {
        "Lombok0000": 0,
        "Lombok0001": 1,
        "Palu0000": -1,
        "Palu0001": 1,
    }
    assert dataset.columns["source"].tolist() == ["Lombok", "Lombok", "Palu", "Palu"]
    assert dataset.groups.tolist() == dataset.ids.tolist() and dataset.band_names == ("red", "green", "blue")
    assert dataset.columns["mask_fraction"][1] == 0.1 and dataset.masks([1]).sum() == 40
    np.testing.assert_array_equal(dataset.images([3])[0], picture(1).transpose(2, 0, 1))
    assert report.warnings == (
        "1 image has no mask and stays unlabelled: Palu/img/Palu0000.tiff.",
        "The folders 'label' were not used: what they encode is not documented. Labels come from 'mask'.",
        "2 patches were dropped: a mask that covers something, but less than 1.00% of the area.",
    )


def test_the_threshold_is_stated(source):
    assert run(source, mask_threshold=0.005)[0].n_positive == 4
    assert dict(run(source, mask_threshold=0.5, between="negative")[1].facts["patches_from_masks"])["negative"] == 5


def test_tiles_of_one_image_are_one_group(source):
    _, dataset = run(source, tile=10)
    assert (
        (len(dataset), (dataset.labels == 1).sum()) == (24, 6)
        and dataset.shape == (3, 10, 10)
        and len(set(dataset.groups)) == 6
    )
    assert dataset.columns["source"][0] == "Lombok"


def test_white_may_be_no_data_and_is_counted(source):
    pixels = picture(0)
    pixels[:5] = 255
    save(source / "Palu" / "img" / "Palu0000.tiff", pixels)
    _, dataset = run(source, nodata=255)
    assert dataset.nodata == 255 and dataset.statistics[0]["n_nodata"] == 100
    assert dataset.columns["nodata_fraction"].tolist() == [0, 0, 0.25, 0]
    assert run(source)[1].nodata is None


def test_one_sub_dataset_alone_is_read_too(source):
    report, dataset = run(source / "Lombok")
    assert report.n == 2 and set(dataset.columns["source"]) == {"Lombok"}


def test_images_of_the_same_name_in_two_sub_datasets_stay_apart(source):
    for subset in ("Palu", "Lombok"):
        save(source / subset / "img" / "0001.tiff", picture(9))
    _, dataset = run(source)
    assert {"Palu_0001", "Lombok_0001"} <= set(dataset.ids)


def test_the_layout_is_recognised_and_predicted_without_masks(source, tmp_path):
    assert recognise(source) == recognise(source / "Palu") == "cas"
    bands, batches = iterate_patches(source)
    assert len(bands) == 3 and sum(len(ids) for ids, _ in batches) == 6


def test_flat_pictures_are_read_when_asked_for(tmp_path):
    for name in ("Palu0117", "Haiti_Planet286"):
        save(tmp_path / "flat" / f"{name}.tiff", picture(1))
    report, dataset = run(tmp_path / "flat")
    assert report.n_unlabelled == 2 and dataset.columns["source"].tolist() == ["Haiti_Planet", "Palu"]
    assert recognise(tmp_path / "flat") == "folders"


def test_other_layouts_and_spare_masks_are_told(source, tmp_path):
    save(source / "Palu" / "mask" / "spare.tiff", mask(1))
    assert "1 mask has no image and was left out: Palu/mask/spare.tiff." in run(source)[0].warnings
    (tmp_path / "empty").mkdir()
    with pytest.raises(FormatError, match="not laid out as CAS"):
        run(tmp_path / "empty")
    with pytest.raises(FormatError, match="no folder"):
        run(tmp_path / "nowhere")
