"""Bands of files in one order: chosen by name, put right, or refused; never called what the file denies."""

import h5py
import numpy as np
import pytest
import rasterio
from affine import Affine
from rasterio.control import GroundControlPoint

from core.data.readers import ReaderOptions, ingest, iterate_patches
from core.data.store import open_dataset
from core.errors import DataError
from core.progress import drain


def tif(path, names, values=None, dtype=np.uint16):
    values = values or [100 * (i + 1) for i in range(len(names))]
    path.parent.mkdir(parents=True, exist_ok=True)
    with rasterio.open(
        path, "w", driver="GTiff", count=len(names), height=8, width=8, dtype=dtype, crs="EPSG:32645",
        transform=Affine(10, 0, 350_000 + 1000 * int(path.stem[1:]), 0, -10, 3_070_000 + 1000 * ord(path.stem[0])),
    ) as file:  # fmt: skip
        file.write(np.broadcast_to(np.array(values, dtype)[:, None, None], (len(names), 8, 8)))
        file.descriptions = names


def run(source, format="geotiff", **options):
    out = source.parent / "out.h5"
    report = drain(ingest(format, source, out, ReaderOptions(positive="landslide", **options)))
    return report, open_dataset(out)


def means(dataset):
    return [dict(zip(dataset.band_names, row, strict=True)) for row in dataset.images().mean((2, 3)).round().tolist()]


SENTINEL = ("B2", "B3", "B4", "B8")


@pytest.fixture
def source(tmp_path):
    for i in range(4):
        tif(tmp_path / "src" / ("landslide" if i % 2 else "stable") / f"a{i}.tif", SENTINEL)
    return tmp_path / "src"


@pytest.mark.parametrize("format", ["geotiff", "folders"])
@pytest.mark.parametrize("bands", [None, "red,green,blue,nir", "nir,red", "B8,B4", "b4"])
def test_every_reader_takes_bands_by_their_names(source, format, bands):
    report, dataset = run(source, format, bands=bands)
    wanted = {"blue": 100, "green": 200, "red": 300, "nir": 400}
    assert len(dataset) == 4 and all(row.items() <= wanted.items() for row in means(dataset))
    assert any("taken as blue, green, red, nir (Sentinel-2)" in text for text in report.warnings)
    assert all(band.unit == "DN" and band.modality == "optical" for band in dataset.bands)
    moved = "4 files hold the bands" in " ".join(report.warnings)  # told where the user's words are not the files'
    assert moved == (bands in ("red,green,blue,nir", "nir,red"))
    order = [part.strip() for part in (bands or "blue,green,red,nir").split(",")]
    ours = {"B8": "nir", "B4": "red", "b4": "red"}
    assert dataset.band_names == tuple(ours.get(name, name) for name in order)


def test_names_that_the_files_deny_are_refused_not_given(source):
    with pytest.raises(DataError, match=r"names its bands B2, B3, B4, B8 \(that is blue, green, red, nir\); swir_1 is"):
        run(source, bands="red,green,blue,swir_1")
    with pytest.raises(DataError, match="swir_1 is not among them"):
        run(source, bands="swir_1")


def test_files_in_two_ways_of_naming_are_put_in_one_order(tmp_path):
    for i in range(3):
        tif(tmp_path / "src" / "stable" / f"a{i}.tif", ("red", "green", "blue"), [300, 200, 100])
        tif(tmp_path / "src" / "landslide" / f"b{i}.tif", ("B4", "B3", "B2"), [300, 200, 100])
        tif(tmp_path / "src" / "landslide" / f"c{i}.tif", ("SR_B2", "SR_B3", "SR_B4"), [100, 200, 300])
    report, dataset = run(tmp_path / "src")
    assert len(dataset) == 9 and not report.rejected
    assert all(row == {"red": 300, "green": 200, "blue": 100} for row in means(dataset))


def test_a_sensor_is_named_where_the_numbers_leave_a_choice(source, tmp_path):
    _, dataset = run(source, sensor="landsat-8")
    assert dataset.band_names == ("blue", "green", "red", "pan") and dataset.bands[0].sensor == "Landsat 8-9"


def test_patches_to_predict_are_read_by_the_same_names(source):
    bands, batches = iterate_patches(source, bands=("nir", "red"))
    assert [band.name for band in bands] == ["nir", "red"]
    assert next(batches)[1][0, :, 0, 0].tolist() == [400, 300]


def test_npy_has_its_names_in_a_list_beside_it(tmp_path):
    (tmp_path / "src" / "landslide").mkdir(parents=True)
    np.save(tmp_path / "src" / "landslide" / "a.npy", np.full((6, 6, 3), (300, -12, 45), np.float32))
    (tmp_path / "src" / "bands.txt").write_text("1: B04\n2: VV\n3: slope\n")
    _, dataset = run(tmp_path / "src", "folders")
    assert means(dataset) == [{"red": 300, "vv": -12, "slope": 45}]
    assert [band.unit for band in dataset.bands] == ["DN", "dB", "degrees"]
    (tmp_path / "src" / "bands.txt").unlink()
    (tmp_path / "src" / "bands.json").write_text('{"bands": ["a", "b", "c"]}')
    assert run(tmp_path / "src", "folders")[1].band_names == ("a", "b", "c")


def test_a_list_of_bands_tells_the_axes_also_where_some_are_chosen(tmp_path):
    (tmp_path / "src" / "landslide").mkdir(parents=True)
    pixels = np.random.default_rng(0).uniform(1, 9, (12, 8, 10)).astype(np.float32)
    np.save(tmp_path / "src" / "landslide" / "a.npy", pixels)
    names = [f"b{i}" for i in range(12)]
    (tmp_path / "src" / "bands.txt").write_text("\n".join(names))
    _, dataset = run(tmp_path / "src", "folders", bands="b7,b3")
    assert dataset.band_names == ("b7", "b3")
    np.testing.assert_array_equal(dataset.images()[0], pixels[[7, 3]])
    bands, batches = iterate_patches(tmp_path / "src" / "landslide" / "a.npy", bands=names)
    assert next(batches)[1].shape == (1, 12, 8, 10) and len(bands) == 12


def test_bands_of_a_format_are_chosen_by_name_and_called_otherwise_only_with_a_word(tmp_path):
    (tmp_path / "src" / "img").mkdir(parents=True)
    values = np.arange(14.0) + 1
    with h5py.File(tmp_path / "src" / "img" / "image_1.h5", "w") as file:
        file["img"] = np.broadcast_to(values, (16, 16, 14))
    _, dataset = run(tmp_path / "src", "landslide4sense", bands="nir,red")
    assert means(dataset) == [{"nir": 8, "red": 4}] and dataset.bands[0].unit == "times its mean"
    names = [f"mine_{i}" for i in range(14)]
    report, dataset = run(tmp_path / "src", "landslide4sense", bands=names)
    assert dataset.band_names == tuple(names) and any("taken by position" in text for text in report.warnings)


def test_points_instead_of_a_transform_are_told(tmp_path):
    path = tmp_path / "src" / "landslide" / "a1.tif"
    path.parent.mkdir(parents=True)
    points = [GroundControlPoint(row, col, 350_000 + col, 3_070_000 - row) for row in (0, 8) for col in (0, 8)]
    options = {"count": 2, "height": 8, "width": 8, "dtype": "uint16", "crs": "EPSG:32645", "gcps": points}
    with rasterio.open(path, "w", driver="GTiff", **options) as file:
        file.write(np.ones((2, 8, 8), np.uint16))
    report, dataset = run(tmp_path / "src")
    assert dataset.lonlat is None or np.isnan(dataset.lonlat).all()
    assert any("ground control points (GCPs), which are not applied" in text for text in report.warnings)
