"""The simulated scene: repeatable, its landslides each inside one place, there after and not before, with a place."""

import numpy as np
import pytest
import rasterio

from core.data.bands import ZINDI_BANDS
from core.data.demo import scene as demo_scene
from core.data.demo.ground import CELL
from core.data.demo.scene import AFTER, BEFORE, CRS, scene_steps, simulate_scene
from core.errors import ConfigError
from core.progress import drain

GRID = (2, 3)


@pytest.fixture(scope="module")
def scene():
    return simulate_scene(seed=5, grid=GRID, share=0.5)


def test_the_same_seed_gives_the_same_scene_and_another_one_another(scene):
    again = simulate_scene(seed=5, grid=GRID, share=0.5)
    assert (again.after == scene.after).all() and again.cells == scene.cells
    assert (simulate_scene(seed=6, grid=GRID, share=0.5).after != scene.after).any()


def test_each_landslide_lies_inside_its_place_and_there_are_as_many_as_asked(scene):
    assert scene.scars.shape == (GRID[0] * CELL, GRID[1] * CELL) == scene.after.shape[1:] == scene.before.shape[1:]
    assert len(scene.cells) == 3 and set(np.unique(scene.scars)) == {0, 1, 2, 3}
    for number, (row, column) in enumerate(scene.cells, 1):
        rows, columns = np.nonzero(scene.scars == number)
        assert set(rows // CELL) == {row} and set(columns // CELL) == {column}


def test_the_rasters_name_their_bands_and_lie_somewhere(tmp_path, monkeypatch):
    monkeypatch.setattr(demo_scene, "simulate_scene", lambda seed: simulate_scene(seed, GRID, 0.5))
    made = drain(scene_steps(tmp_path / "scene", 5))
    with rasterio.open(tmp_path / "scene" / AFTER) as after, rasterio.open(tmp_path / "scene" / BEFORE) as before:
        assert after.descriptions == tuple(band.name for band in ZINDI_BANDS) and after.crs.to_string() == CRS
        assert before.descriptions == ("red", "green", "blue") and before.transform == after.transform
        assert np.allclose(after.read(), made.after) and after.tags()["SIMULATED"] == "yes"


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_a_scene_without_a_place_of_either_kind_is_refused(share):
    with pytest.raises(ConfigError, match="leaves no cell"):
        simulate_scene(grid=GRID, share=share)
