"""One cell and one pixel: the same numbers as the map's rasters, and refusals in plain words."""

import numpy as np
import pytest
import rasterio

from core.analyses.maps.cell import answer_cell, windows_in
from core.analyses.maps.opened import open_map
from core.analyses.scene_map import folder
from core.errors import DataError, RunError
from core.predict.scene.windows import WindowGrid
from core.workers.model_server import ModelCache
from tests.core.analyses.maps.conftest import asked


def test_a_pixel_has_the_values_of_the_rasters_and_a_place(mapped):
    run, name, path = mapped
    answer = asked(mapped, "scene_pixel", row=50, col=61)["answer"]
    with rasterio.open(path) as file:
        own = file.read()[:, 50, 61]
    with rasterio.open(folder(run, name).path / "probability.tif") as file:
        assert answer["probability"] == pytest.approx(float(file.read(1)[50, 61]))
    assert [row["value"] for row in answer["bands"]] == own.tolist() and answer["unseen"] == ""
    assert [row["unit"] for row in answer["bands"]] == ["0-255"] * 3
    assert all(row["trained_q05"] < row["trained_q95"] for row in answer["bands"])
    lon, lat = answer["lonlat"]
    again = asked(mapped, "scene_pixel", lon=lon, lat=lat)["answer"]
    assert (again["row"], again["col"]) == (50, 61)


def test_a_pixel_that_was_not_seen_says_why_and_one_outside_is_refused(mapped):
    answer = asked(mapped, "scene_pixel", row=3, col=150)["answer"]
    assert answer["unseen"] == "no data" and not np.isfinite(answer["probability"])
    assert "outside of the scene" in asked(mapped, "scene_pixel", row=160, col=0)["error"]
    assert "outside of the scene" in asked(mapped, "scene_pixel", lon=0, lat=0)["error"]


def test_a_cell_is_answered_as_the_map_was(mapped):
    run, name, _ = mapped
    answer = asked(mapped, "scene_cell", cell="1-1", fold=1)["answer"]
    probs, at = np.array(answer["probs"]), [tuple(corner) for corner in answer["windows"]]
    assert answer["n_windows"] == 4 and probs.shape == (4, 2) and np.array(answer["maps"]).shape[0] == 4
    with rasterio.open(folder(run, name).path / "probability.tif") as file:
        corner = float(file.read(1)[0, 0])  # under the first window alone
    assert probs[at.index((0, 0))].mean() == pytest.approx(corner, abs=1e-5)
    near = answer["near"]
    assert len(near["rows"]) == 6 and (np.diff(near["distance"]) >= 0).all() and 0 <= near["unlike"] <= 1
    oof = run.oof()
    assert set(oof["fold"].to_numpy()[near["rows"]]) == {0}  # fold 1's training part is fold 0
    scene = open_map(run, name)
    top, left, height, width = scene.pixels_of(scene.cell("1-1"))
    red = scene.images(top, left, height, width)[0]
    assert answer["bands"][0]["q50"] == np.median(red) and answer["bands"][0]["n"] == 1600


def test_a_cell_that_was_not_seen_has_no_windows_and_an_unknown_one_is_refused(mapped):
    answer = asked(mapped, "scene_cell", cell="1-4")["answer"]
    assert answer["windows"] == [] and answer["near"] is None
    assert all(row["q50"] is None and row["n"] == 0 for row in answer["bands"])
    assert "no cell '9-9'" in asked(mapped, "scene_cell", cell="9-9")["error"]


def test_windows_of_a_cell_have_their_middle_in_it_and_a_small_cell_takes_the_nearest():
    grid = WindowGrid.over((96, 96), (32, 32), 16)
    assert windows_in(grid, {"top": 0, "bottom": 40, "left": 0, "right": 40}) == [(0, 0), (0, 16), (16, 0), (16, 16)]
    assert windows_in(grid, {"top": 33, "bottom": 38, "left": 60, "right": 66}) == [(16, 48)]


def test_a_scene_that_is_gone_or_has_changed_is_said(mapped, tmp_path):
    run, name, path = mapped
    kept = path.rename(tmp_path / "kept.tif")
    try:
        with pytest.raises(DataError, match="after.tif, which the map was made from, is not where it was"):
            open_map(run, name)
    finally:
        kept.rename(path)
    with pytest.raises(RunError, match="no map of a scene called 'other'. Known: after-"):
        open_map(run, "other")


def test_a_run_that_was_never_explained_has_attention_all_the_same(mapped, tmp_path):
    run, _, _ = mapped
    kept = (run.path / "cam").rename(tmp_path / "cam")
    try:
        answer = asked(mapped, "scene_cell", cell="2-2")["answer"]
    finally:
        kept.rename(run.path / "cam")
    assert answer["method"] == "gradcam" and answer["layer"] and len(answer["maps"]) == 4


def test_answers_need_no_warm_process_of_their_own(mapped):
    run, name, _ = mapped
    models = ModelCache()
    answer_cell(run, {"map": name, "cell": "3-3"}, models)
    assert len(models.views) == 2
