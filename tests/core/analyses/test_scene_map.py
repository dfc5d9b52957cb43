"""From a scene to a map in one job: what lies in its folder, drawing it again, and scenes without a place."""

import json

import numpy as np
import pytest
import rasterio

from core.analyses.scene_map import ANALYSIS, folder, read
from core.errors import ConfigError, FormatError, RunError
from core.predict.scene_map.overview import step_of
from core.progress import drain
from tests.core.analyses.test_scene import scene_file
from tests.trained_runs import copied


@pytest.fixture(scope="module")
def mapped(trained_run, tmp_path_factory):
    """A run and what came of a scene with a landslide's worth of bright ground and a corner without data."""
    home = tmp_path_factory.mktemp("mapped")
    run = copied(trained_run, home / "studio")
    pixels = np.random.default_rng(3).normal(100, 10, (3, 160, 160)).clip(1, 255).astype(np.uint8)
    pixels[0, 32:90, 32:90] += 80
    pixels[:, :40, 120:] = 0
    scene = scene_file(home / "after.tif", pixels)
    before = scene_file(home / "before.tif", np.roll(pixels, 60, axis=1))
    asked = {"scene": str(scene), "before": str(before), "cell_m": 200, "date": "2018-09-11"}
    return run, asked, drain(ANALYSIS.start(run, asked), lambda step: None)


def test_one_job_leaves_rasters_cells_outlines_and_a_picture(mapped):
    run, asked, value = mapped
    report = read(run)[value["name"]]
    assert report == json.loads(json.dumps({key: one for key, one in value.items() if key not in ("run", "name")}))
    assert report["message"].startswith(("Look at these", "Nothing is expected"))
    own = folder(run, value["name"])
    picture = own.arrays("picture")
    assert {name: one.shape for name, one in picture.items()} == {
        "after": (160, 160, 3), "before": (160, 160, 3), "probability": (160, 160), "disagreement": (160, 160),
        "novelty": (160, 160), "unseen": (160, 160),
    }  # fmt: skip
    assert (picture["after"][:30, 130:] == 0).all() and (picture["unseen"][:30, 130:] == 1).all()
    assert own.json("picture.json")["step"] == 1 and own.json("picture.json")["bands"] == ["red", "green", "blue"]
    assert own.json("picture.json")["pixel_m"] == pytest.approx([10, 10], rel=0.01)
    cells = own.table("cells")
    assert len(cells) == 64 and cells["right"].max() == pytest.approx(160, abs=1e-3)
    assert sorted(cells["rank"].dropna()) == list(range(1, cells["rank"].notna().sum() + 1))
    outlines, polygons = own.arrays("outlines"), own.table("polygons")
    assert set(outlines["polygon"]) == set(range(len(polygons)))
    for name in ("", "_disagreement", "_unseen"):
        assert (own.path / f"probability{name}.tif").is_file()
    for name in ("cells.csv", "cells.gpkg", "cells.qml", "polygons.geojson", "polygons.gpkg", "polygons.qml"):
        assert (own.path / f"probability_{name}").is_file()


def test_outlines_lie_where_the_probability_is(mapped):
    run, _, value = mapped
    own = folder(run, value["name"])
    probability, polygons = own.arrays("picture")["probability"], own.table("polygons")
    assert len(polygons)
    for row in polygons.itertuples():
        inside = probability[int(row.top) : int(row.bottom) + 1, int(row.left) : int(row.right) + 1]
        assert np.nanmax(inside) == pytest.approx(row.prob_max, abs=1e-3)


def test_a_map_is_drawn_again_without_answering_again(mapped):
    run, asked, value = mapped
    out = value["scene"]["out"]
    changed = rasterio.open(out).tags(), (run.path / out).stat().st_mtime_ns
    again = drain(ANALYSIS.start(run, asked | {"out": out, "reuse": True, "cell_m": 400}), lambda step: None)
    assert again["name"] == value["name"] and len(folder(run, again["name"]).table("cells")) == 16
    assert (rasterio.open(out).tags(), (run.path / out).stat().st_mtime_ns) == changed
    with pytest.raises(RunError, match="other.tif is not there any more"):
        ANALYSIS.check(run, ANALYSIS.options(asked | {"out": "other.tif", "reuse": True}))


def test_what_does_not_fit_is_refused_before_it_waits(trained_run, tmp_path):
    two = scene_file(tmp_path / "two.tif", np.ones((2, 40, 40), np.uint8), ("red", "nir"))
    with pytest.raises(FormatError, match="has no green, blue"):
        ANALYSIS.check(trained_run, ANALYSIS.options({"scene": str(two)}))
    with pytest.raises(ConfigError, match="accepted: a name that ends in .tif"):
        ANALYSIS.options({"scene": str(two), "out": "map.png"})


def test_a_scene_without_a_place_has_a_picture_and_a_reason(trained_run_copy, tmp_path):
    scene = scene_file(tmp_path / "s.tif", crs=None, transform=None)
    value = drain(ANALYSIS.start(trained_run_copy, {"scene": str(scene)}), lambda step: None)
    assert value["triage"] is None and "does not say where it lies" in value["no_map"]
    own = folder(trained_run_copy, value["name"])
    assert own.json("picture.json")["pixel_m"] is None and own.arrays("picture")["after"].shape == (80, 70, 3)


def test_a_large_scene_is_shown_small():
    assert (step_of((160, 160)), step_of((1201, 20)), step_of((10_980, 10_980))) == (1, 2, 10)
