"""The real scene of Hokkaido 2018: a made answer on its true grid, terrain and missing ground becomes a map."""

import os
from pathlib import Path

import fiona
import numpy as np
import pandas as pd
import pytest
import shapely
from scipy.ndimage import uniform_filter

from core.predict.maps.grid import read_band, read_terrain, same, slope_degrees
from core.predict.polygons.describe import polygons
from core.predict.polygons.files import write
from core.predict.triage_grid.cells import BELOW, UNSEEN, triage_cells
from core.predict.triage_grid.workload import workload
from tests.core.predict.maps.making import grid, promise

REAL = os.environ.get("LANDSLIDE_REAL_DATA")
pytestmark = pytest.mark.skipif(not REAL, reason="LANDSLIDE_REAL_DATA is not set: no real data here")


@pytest.fixture(scope="module")
def scene():
    """Folder, made answer ("bright and steep", blurred), grid, terrain."""
    folder = Path(REAL) / "hokkaido-2018-s2-scene"
    whole = folder / "scene_pre_post_dem.tif"
    red, where = read_band(whole, "post_red")
    terrain = read_terrain(where, whole, "elevation", whole, "slope_centideg", 0.01)
    rule = ((red > 900) & (terrain.slope > 15)).astype(np.float32)
    probs = np.clip(uniform_filter(rule, 16) * 2, 0, 1).astype(np.float32)
    probs[np.isnan(red)] = np.nan
    return folder, probs, where, terrain


def test_the_missing_swath_of_the_earlier_scene_is_unseen_and_never_clear(scene):
    folder, _, where, _ = scene
    before, own = read_band(folder / "pre_event_rgb.tif", "red")
    assert same(own, where) and own.transform == where.transform
    probs = np.where(np.isfinite(before), np.float32(0.01), np.float32(np.nan))
    cells = triage_cells(probs, where, 1280, probs >= 0.5)
    assert 0.2 < cells.unseen_km2.sum() / cells.area_km2.sum() < 0.5  # the northern third
    assert (cells.status == UNSEEN).sum() >= 16 and not (cells.status[cells.unseen_km2 > 1e-9] == BELOW).any()
    assert cells.area_km2.sum() == pytest.approx(1139 * 982 * 1e-4, rel=2e-3)


def test_polygons_of_the_scene_open_elsewhere_and_lie_on_seen_ground(scene, tmp_path):
    _, probs, where, terrain = scene
    found = polygons(probs, where, promise(0.4), 32, terrain=terrain)
    paths = write(found, tmp_path / "p.geojson", 0.4, {})
    with fiona.open(paths[0]) as layer:
        shapes = [shapely.geometry.shape(record["geometry"]) for record in layer]
        west, south, east, north = layer.bounds
    assert len(shapes) > 50 and all(shape.is_valid for shape in shapes)
    assert 141.8 < west < east < 142.1 and 42.6 < south < north < 42.8
    above = np.sum(probs >= np.float32(0.4)) * 100
    assert sum(found.columns["above_m2"]) == pytest.approx(above, rel=2e-3)
    assert above < sum(found.columns["area_m2"]) < 1.3 * above
    steep = [value for value in found.columns["slope_deg"] if value is not None]
    assert np.median(steep) > 15 and len(steep) == len(found)


def test_our_slope_agrees_with_the_scenes_own(scene):
    _, _, where, terrain = scene
    ours = slope_degrees(terrain.elevation, where)
    known = np.isfinite(ours) & np.isfinite(terrain.slope)
    assert np.corrcoef(ours[known], terrain.slope[known])[0, 1] > 0.9
    assert np.median(np.abs(ours[known] - terrain.slope[known])) < 3


def test_cells_are_ranked_as_the_counted_landslides_are(scene):
    folder, probs, where, terrain = scene
    table = pd.read_csv(folder / "sen12_cells.csv")
    table = table[table["written"] == 1]
    boxes = [(r, c, probs[r : r + 128, c : c + 128]) for r, c in zip(table["row"], table["col"], strict=True)]
    expected = []
    for row, col, part in boxes:
        own = grid(128, 128, transform=where.affine @ where.affine.translation(col, row))
        cells = triage_cells(part, own, 1280, part >= 0.4, terrain.slope[row : row + 128, col : col + 128])
        expected.append(float(cells.expected_km2.sum() / cells.seen_km2.sum()))
    assert np.corrcoef(expected, table["landslide_fraction"])[0, 1] > 0.5
    dial = workload(triage_cells(probs, where, 1280, probs >= 0.4, terrain.slope))
    assert dial.at_share(0.8).cells < len(dial.share) - 1
