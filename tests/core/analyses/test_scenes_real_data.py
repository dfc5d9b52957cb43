"""Real files through predict-scene, with runs that have their bands: Chittagong, Mars in seven bands, CAS tiles.

The networks learn for one epoch: what is tested is the way of the files, not the answers.
"""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import rasterio
import tifffile

from core.analyses.scene import ANALYSIS as SCENE
from core.analyses.scenes import ANALYSIS as SCENES
from core.config import RunConfig
from core.data.readers import ReaderOptions, ingest
from core.errors import FormatError
from core.progress import drain
from tests.builders import TINY
from tests.trained_runs import QUICK, train_tiny

FOLDER = os.environ.get("LANDSLIDE_REAL_DATA")
pytestmark = [
    pytest.mark.skipif(not FOLDER, reason="LANDSLIDE_REAL_DATA names no folder of real data"),
    pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning"),
]
DATA = Path(FOLDER or ".")
CHITTAGONG = DATA / "chittagong-s2-4band"
SHAPE = {"driver": "GTiff", "photometric": "MINISBLACK"}
MARS = ("blue", "green", "red", "dem", "thermal_inertia", "slope", "grey")


def trained_on(home, dataset):
    """A run of one epoch on a real set."""
    config = RunConfig().with_overrides([*TINY, *QUICK, "smote.enabled=false", "heads.lgbm=false"])
    return train_tiny(home, dataset, config, "run")


def answered(run, scene, out, **options):
    return drain(SCENE.start(run, {"scene": str(scene), "out": str(out), **options}))


@pytest.fixture(scope="module")
def chittagong(tmp_path_factory):
    labels = {"labels": "labels.csv", "id_column": "file", "group_column": "row_block", "positive": "1"}
    home = tmp_path_factory.mktemp("chittagong")
    options = ReaderOptions(bands=("red", "green", "blue", "nir"), **labels)
    return trained_on(home, drain(ingest("folders", CHITTAGONG, home / "x.h5", options)).dataset)


def test_chittagongs_tiles_are_one_scene_and_each_a_scene_of_its_own(chittagong, tmp_path):
    tiles = sorted((CHITTAGONG / "raw" / "images").glob("*.tif"))
    whole = answered(chittagong, tiles[0].parent, tmp_path / "whole.tif", polygons=str(tmp_path / "whole.geojson"))
    with rasterio.open(tmp_path / "whole.tif") as made:
        probability, grid = made.read(1), made.transform
        assert made.crs == "EPSG:4326" and (grid.a, grid.e) == pytest.approx((8.983152841e-5, -8.983152841e-5))
        lefts, tops = zip(*(_corner(path) for path in tiles), strict=True)
        assert (grid.c, grid.f) == pytest.approx((min(lefts), max(tops)), abs=1e-9)
    assert any("by their number they were taken as red, green, blue, nir" in text for text in whole["warnings"])
    assert any("So it is with 15 more in images" in text for text in whole["warnings"])
    assert 0 < whole["km2"]["no data"] < whole["km2"]["all"] and whole["polygons"]["n"] >= 0
    asked = {"scenes": [str(tiles[3]), str(tiles[13])], "out": str(tmp_path / "each")}
    value = drain(SCENES.start(chittagong, asked))
    assert [Path(one["out"]).name for one in value["scenes"]] == [tiles[3].name, tiles[13].name]
    for path, one in zip((tiles[3], tiles[13]), value["scenes"], strict=True):
        with rasterio.open(path) as given, rasterio.open(one["out"]) as made:
            zero = (given.read() == 0).all(axis=0)
            assert (made.transform, made.crs, made.shape) == (given.transform, given.crs, given.shape)
            assert np.isnan(made.read(1)[zero]).all() and one["pixels"]["no data"] == zero.sum()
    assert np.isfinite(probability).any()


def _corner(path):
    with rasterio.open(path) as file:
        return file.transform.c, file.transform.f


def test_a_place_that_only_a_world_file_tells_is_kept_and_gives_no_polygons(chittagong, tmp_path):
    tile = CHITTAGONG / "raw" / "images" / "000000000003.tif"
    with rasterio.open(tile) as given:
        pixels, place = given.read(), given.transform
    with rasterio.open(
        tmp_path / "t.tif", "w", driver="GTiff", height=256, width=256, count=4, dtype="float64"
    ) as bare:
        bare.write(pixels)
    shutil.copy(tile.with_suffix(".tfw"), tmp_path / "t.tfw")
    answered(chittagong, tmp_path / "t.tif", tmp_path / "p.tif")
    with rasterio.open(tmp_path / "p.tif") as made:
        assert np.allclose(made.transform, place, atol=1e-12) and made.crs is None
    with pytest.raises(FormatError, match="t.tif has no coordinate system, so that its polygons would lie nowhere"):
        answered(chittagong, tmp_path / "t.tif", tmp_path / "q.tif", polygons=str(tmp_path / "q.geojson"))


def test_seven_bands_of_mars_are_answered_though_they_are_spread_over_pages(marsls_tiles, tmp_path):
    run = trained_on(tmp_path, marsls_tiles)
    scene = sorted((DATA / "marsls-7band" / "test" / "images").glob("*.tif"))[0]
    value = answered(run, scene, tmp_path / "p.tif", bands=MARS)
    assert value["shape"] == [128, 128] and value["n_answered"] == 9 and value["km2"] is None
    ordinary = tmp_path / "ordinary.tif"
    pixels = tifffile.imread(scene).transpose(2, 0, 1)
    with rasterio.open(ordinary, "w", **SHAPE, height=128, width=128, count=7, dtype="float32") as file:
        file.write(pixels)
        file.descriptions = MARS
    answered(run, ordinary, tmp_path / "q.tif")
    with rasterio.open(tmp_path / "p.tif") as one, rasterio.open(tmp_path / "q.tif") as other:
        assert np.array_equal(one.read(1), other.read(1)) and np.isfinite(one.read(1)).all()
    with pytest.raises(FormatError, match="nir is not among them"):
        answered(run, ordinary, tmp_path / "r.tif", bands=(*MARS[:6], "nir"))


def test_cas_tiles_have_no_place_and_are_answered_in_pixels(trained_run_copy, tmp_path):
    tiles = sorted((DATA / "cas-landslide-samples").glob("*.tiff"))
    value = drain(
        SCENES.start(trained_run_copy, {"scenes": [str(p) for p in tiles], "out": str(tmp_path), "stride": 32})
    )
    assert len(value["scenes"]) == len(tiles) == 8 and not value["failed"]
    for one in value["scenes"]:
        assert one["shape"] == [512, 512] and one["km2"] is None and one["pixels"]["all"] == 512 * 512
        with rasterio.open(one["out"]) as made:
            assert made.crs is None and np.isfinite(made.read(1)).sum() == one["pixels"]["answered"]
