"""Real rasters and HDF5 patches, value for value, where the machine has them (LANDSLIDE_REAL_DATA)."""

import os
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
import rasterio
import tifffile

from core.data.bands import LANDSLIDE4SENSE_BANDS
from core.data.check import check
from core.data.readers import ReaderOptions, ingest, iterate_patches, recognise
from core.data.store import open_dataset
from core.progress import drain

ROOT = os.environ.get("LANDSLIDE_REAL_DATA")
pytestmark = pytest.mark.skipif(not ROOT, reason="LANDSLIDE_REAL_DATA is not set: real data are not on this machine")
MARS = ("blue", "green", "red", "dem", "thermal_inertia", "slope", "grey")


def run(name, out, format=None, **options):
    source = Path(ROOT) / name
    steps = ingest(format, source, out / "x.h5", ReaderOptions(**options))
    while True:
        try:
            next(steps)
        except StopIteration as done:
            return source, done.value, open_dataset(done.value.dataset)


def test_marsls_is_read_value_for_value(tmp_path):
    """50 patches whose 7 bands are spread over 128 pages, as tifffile wrote them."""
    source, report, dataset = run("marsls-7band", tmp_path, bands=MARS)
    assert recognise(source) == "geotiff" and (report.n, report.rejected) == (50, ())
    assert dataset.shape == (7, 128, 128) and dataset.dtype == np.float32 and dataset.band_names == MARS
    files = [source / name for name in dataset.columns["file"]]
    expected = np.stack([tifffile.imread(path).transpose(2, 0, 1) for path in files])
    np.testing.assert_array_equal(dataset.images(), expected)
    masks = [path.parents[1] / "masks" / path.name.replace("Image", "Mask") for path in files]
    np.testing.assert_array_equal(dataset.masks(), np.stack([tifffile.imread(path) != 0 for path in masks]))
    assert dict(zip(*np.unique(dataset.split, return_counts=True), strict=True)) == {
        "test": 18,
        "train": 24,
        "validation": 8,
    }
    assert dataset.split.tolist() == [path.parents[1].name for path in files] and dataset.lonlat is None


def test_marsls_tiles_cover_what_its_table_says(marsls_tiles):
    dataset = open_dataset(marsls_tiles)
    table = pd.read_csv(Path(ROOT) / "marsls-7band" / "tiles64.csv")
    assert len(dataset) == len(table) == 200 and len(set(dataset.groups)) == 50
    wanted = {(r.image, r.row, r.col): r.mask_fraction for r in table.itertuples()}
    names = [Path(file).name for file in dataset.columns["file"]]
    corners = zip(names, dataset.columns["row"] // 64, dataset.columns["col"] // 64, strict=True)
    np.testing.assert_allclose(dataset.columns["mask_fraction"], [wanted[corner] for corner in corners], atol=6e-5)
    assert dataset.labels.tolist() == (dataset.columns["mask_fraction"] >= 0.01).astype(int).tolist()


def test_chittagong_scenes_are_read_value_for_value_and_placed(tmp_path):
    """16 scenes in degrees with world files beside them; 0 in all bands is nodata; neighbours overlap by half."""
    names = ("red", "green", "blue", "nir")
    source, report, dataset = run(
        "chittagong-s2-4band/raw", tmp_path, bands=names, mask_value=1.0, between="negative", mask_threshold=0.001
    )
    assert recognise(source) == "geotiff" and (report.n, report.rejected) == (16, ()) and dataset.nodata == 0
    for row, file in enumerate(dataset.columns["file"]):
        with rasterio.open(source / file) as raster:
            pixels = raster.read()
            np.testing.assert_array_equal(dataset.stored_images([row])[0], pixels.astype(np.float32))
            np.testing.assert_allclose(dataset.lonlat[row], raster.xy(127.5, 127.5), atol=1e-9)  # (lon, lat)
        with rasterio.open(source / file.replace("images", "labels")) as raster:
            np.testing.assert_array_equal(dataset.masks([row])[0], raster.read(1) == 1)
        # The world file, of ten decimals, says the same of the first pixel's centre.
        x, y = map(float, (source / file).with_suffix(".tfw").read_text().split()[4:])
        np.testing.assert_allclose(dataset.lonlat[row], (x + 127.5 * 8.98315e-5, y - 127.5 * 8.98315e-5), atol=1e-7)
    assert set(dataset.columns["crs"]) == {"EPSG:4326"}
    assert any(text.startswith("16 files show ground that another one shows too") for text in report.warnings)


def test_chittagong_tiles_are_placed_one_by_one(tmp_path):
    source, report, dataset = run(
        "chittagong-s2-4band/raw", tmp_path, tile=64, mask_value=1.0, between="negative", max_nodata=1.0
    )
    assert len(dataset) == 256 and len(set(dataset.groups)) == 16
    row = dataset.index_of(["000000000003_r00128_c00064"])[0]
    with rasterio.open(source / dataset.columns["file"][row]) as raster:
        expected = raster.read(window=((128, 192), (64, 128)))
        np.testing.assert_allclose(dataset.lonlat[row], raster.transform @ (96, 160), atol=1e-9)
    np.testing.assert_array_equal(dataset.stored_images([row])[0], expected.astype(np.float32))
    nodata = dataset.statistics[0]["n_nodata"]
    assert nodata == int(np.isnan(dataset.images()).all(axis=1).sum()) > 100_000


def test_landslide4sense_samples_are_read_value_for_value(tmp_path):
    source, report, dataset = run("landslide4sense-h5-samples", tmp_path)
    assert recognise(source) == "landslide4sense" and (report.n, report.n_unlabelled, report.rejected) == (14, 14, ())
    assert dataset.bands == LANDSLIDE4SENSE_BANDS and dataset.shape == (14, 128, 128)
    for name, image in zip(dataset.ids, dataset.images(), strict=True):
        with h5py.File(source / f"{name}.h5") as file:
            np.testing.assert_array_equal(image, file["img"][()].transpose(2, 0, 1).astype(np.float32))
    (unusual,) = [row for row in drain(check(dataset)).rows if "usual range" in row.what]
    assert unusual.where.startswith("bands cirrus;") and unusual.n == 3  # spikes of B10 up to 50: warned of, kept


def test_landslide4sense_samples_are_tiled_and_read_by_the_general_format_too(tmp_path):
    source, _, dataset = run("landslide4sense-h5-samples", tmp_path, tile=64)
    assert len(dataset) == 56 and len(set(dataset.groups)) == 14
    bands, batches = iterate_patches(source, "hdf5")
    assert len(bands) == 14 and bands[3].name == "band_4"
    general = np.concatenate([images for _, images in batches])
    np.testing.assert_array_equal(dataset.images([3])[0], general[0, :, 64:, 64:])


def test_real_sources_can_be_predicted():
    for name, n_bands in (("marsls-7band", 7), ("chittagong-s2-4band/raw", 4), ("landslide4sense-h5-samples", 14)):
        bands, batches = iterate_patches(Path(ROOT) / name, batch_size=4)
        ids, images = next(batches)
        assert len(bands) == n_bands == images.shape[1] and len(ids) == 4
    bands, batches = iterate_patches(Path(ROOT) / "landslide4sense-h5-samples" / "image_37.h5")
    assert bands == LANDSLIDE4SENSE_BANDS and next(batches)[1].shape == (1, 14, 128, 128)
