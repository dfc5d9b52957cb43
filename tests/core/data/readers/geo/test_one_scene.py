"""One GeoTIFF by itself: tiles, unlabelled where no mask is named (issue 13, D4)."""

import numpy as np
import pytest

from core.data.readers import ReaderOptions, ingest
from core.data.store import open_dataset
from core.errors import FormatError
from tests.builders import returned
from tests.core.data.readers.geo.test_raster import UTM46, at, numbers, write

RGBN = ("red", "green", "blue", "nir")


def run(source, format="geotiff", **options):
    report = returned(ingest(format, source, source.parent / "out.h5", ReaderOptions(**options)))
    return report, open_dataset(report.dataset)


@pytest.fixture
def one_scene(tmp_path):
    """A raster of 130 x 200 pixels with a place, and the mask of its north-west corner elsewhere."""
    pixels = write(tmp_path / "scene.tif", numbers(4, 130, 200), RGBN, crs=UTM46, transform=at(500_000, 2_500_000))
    mask = np.zeros((1, 130, 200), np.uint8)
    mask[:, :40, :40] = 1
    write(tmp_path / "m/scene.tif", mask, crs=UTM46, transform=at(500_000, 2_500_000))
    return tmp_path / "scene.tif", pixels


@pytest.mark.parametrize("format", ["geotiff", None])
def test_one_scene_becomes_unlabelled_tiles(one_scene, format):
    source, pixels = one_scene
    report, dataset = run(source, format)
    assert dataset.shape == (4, 64, 64) and report.n == report.n_unlabelled == 3 * 4
    for row, col, image in zip(dataset.columns["row"], dataset.columns["col"], dataset.images(), strict=True):
        np.testing.assert_array_equal(image, pixels[:, row : row + 64, col : col + 64])
    assert set(dataset.groups) == {"scene"} and np.isfinite(dataset.lonlat).all()
    told = [text for text in report.warnings if "scene.tif" in text]
    assert "130x200 pixels: it was cut into tiles of 64x64. Say --tile N" in told[0] and "unlabelled" in told[1]
    assert run(source, tile=100)[1].shape == (4, 100, 100)


@pytest.mark.parametrize("masks", ["m", "m/scene.tif"])
def test_one_scene_is_labelled_by_its_mask(one_scene, masks):
    report, dataset = run(one_scene[0], masks=masks)
    assert dataset.labels.tolist() == [1] + [0] * 11 and dataset.masks().sum() == 1600
    with pytest.raises(FormatError, match="There is no mask nowhere"):
        run(one_scene[0], masks="nowhere")


def test_one_patch_stays_a_patch(tmp_path):
    write(tmp_path / "a.tif", numbers(4, 6, 8), RGBN)
    report, dataset = run(tmp_path / "a.tif")
    assert dataset.shape == (4, 6, 8) and report.n == report.n_unlabelled == 1
