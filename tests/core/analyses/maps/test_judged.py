"""Judged cells as training patches: which windows a label follows for, and what is left out and said so."""

from collections import Counter

import numpy as np
import pytest
import rasterio

from core.analyses.maps.judged import (
    ANALYSIS,
    _with_landslide,
    groups_of,
    labelled_windows,
    subject_of,
    verdict_of,
    verdicts,
)
from core.analyses.maps.opened import open_map
from core.analyses.scene_map import ANALYSIS as SCENE_MAP
from core.analyses.scene_map import folder
from core.data.store import open_dataset
from core.errors import ConfigError, DataError
from core.progress import drain
from core.review.judgements import Judgements
from tests.core.analyses.test_scene import scene_file
from tests.trained_runs import copied


@pytest.fixture(scope="module")
def scene(trained_run, tmp_path_factory):
    """A scene of 200 x 160 pixels in cells of 70, so that windows of 32 fit twice in a cell, and some less."""
    home = tmp_path_factory.mktemp("judged")
    run = copied(trained_run, home / "studio")
    path = scene_file(home / "after.tif", shape=(200, 160))
    value = drain(SCENE_MAP.start(run, {"scene": str(path), "cell_m": 700}), lambda step: None)
    return run, value["name"], path


@pytest.fixture
def judged(scene, tmp_path_factory):
    """Judge cells: judge(cell, verdict, by, lonlat)."""
    run, name, _ = scene
    own = folder(run, name)
    (own.path / "judgements.sqlite").unlink(missing_ok=True)

    def judge(cell, verdict, by="Ada", lonlat=None):
        place = {"lonlat": lonlat} if lonlat else None
        Judgements(own.path).add("cell", subject_of(own.json("report.json"), cell), verdict, by, place=place)

    return judge


def windows(scene):
    run, name, _ = scene
    opened, left = open_map(run, name), Counter()
    found = labelled_windows(opened, verdicts(opened.own.path, opened.report), left)
    return {(one.row, one.col): one.label for one in found}, +left


def test_a_cell_without_a_landslide_is_cut_side_by_side(scene, judged):
    judged("1-1", "not")
    assert windows(scene) == ({(0, 0): 0, (0, 32): 0, (32, 0): 0, (32, 32): 0}, {})


def test_of_a_cell_with_one_the_patch_around_its_marked_place_is_taken(scene, judged):
    opened = open_map(*scene[:2])
    lon, lat = opened.stack.grid.degrees_at(np.array([80.5]), np.array([20.5]))[0]
    judged("2-1", "landslide", lonlat=(lon, lat))
    judged("1-2", "landslide")
    assert windows(scene) == ({(64, 4): 1}, {"no place": 1})


def test_a_cell_that_a_patch_covers_needs_no_place(scene, judged):
    judged("1-3", "landslide")  # 70 rows of 20 columns
    assert windows(scene)[1] == {"no place": 1}
    opened = open_map(*scene[:2])
    small = opened.cell("1-3").copy()
    small["bottom"] = 30
    assert _with_landslide(opened, small, []) == [(0, 128)]  # moved to stay on the scene


def test_a_small_cell_without_one_counts_where_its_neighbours_are_clear_too(scene, judged):
    judged("1-3", "not")  # 20 columns wide: a patch around it reaches into 1-2
    assert windows(scene) == ({}, {"part judged": 1})
    judged("1-2", "not")
    found, left = windows(scene)
    assert found.pop((19, 128)) == 0 and len(found) == 4 and left == {}


def test_what_is_unsure_or_disputed_is_left_out(scene, judged):
    judged("1-1", "unsure")
    judged("2-1", "not")
    judged("2-1", "landslide", by="Ben")
    judged("2-2", "not")
    judged("2-2", "unsure", by="Ben")
    assert windows(scene) == ({}, {"unsure": 2, "disagree": 1})


def test_the_dataset_holds_the_pixels_labels_places_and_groups(scene, judged, tmp_path):
    run, name, path = scene
    opened = open_map(run, name)
    lon, lat = opened.stack.grid.degrees_at(np.array([80.5]), np.array([20.5]))[0]
    judged("1-1", "not")
    judged("2-1", "landslide", lonlat=(lon, lat))
    judged("3-1", "unsure")
    value = drain(ANALYSIS.start(run, {"map": name, "name": "first"}), lambda step: None)
    assert (value["n"], value["positive"], value["negative"]) == (5, 1, 4)
    assert "Left out: 1 cells that somebody is unsure of." in value["message"]
    data = open_dataset(value["dataset"])
    assert data.path.parent == run.checkpoints / "datasets" and data.shape == (3, 32, 32)
    assert data.class_names == tuple(run.summary()["class_names"]) and data.band_names == ("red", "green", "blue")
    row = int(np.flatnonzero(data.labels == 1)[0])
    with rasterio.open(path) as file:
        np.testing.assert_array_equal(data.images([row])[0], file.read()[:, 64:96, 4:36])
    assert data.columns["cell"][row] == "2-1" and data.columns["judged_by"][row] == "Ada"
    np.testing.assert_allclose(data.lonlat[row], opened.stack.grid.degrees_at(np.array([80]), np.array([20]))[0])
    assert "people judged" in data.source and data.facts["judged"]["map"] == name
    with pytest.raises(ConfigError, match="'first' already"):
        ANALYSIS.check(run, ANALYSIS.options({"map": name, "name": "first"}))


def test_without_a_usable_judgement_nothing_is_written(scene, judged):
    run, name, _ = scene
    with pytest.raises(DataError, match="No cell of this map has been judged yet"):
        ANALYSIS.check(run, ANALYSIS.options({"map": name}))
    judged("1-1", "landslide")
    with pytest.raises(DataError, match="1 cells with a landslide that are larger than a patch.*click the landslide"):
        drain(ANALYSIS.start(run, {"map": name, "name": "none"}), lambda step: None)
    assert not (run.checkpoints / "datasets" / "none.h5").exists()


def test_cells_of_another_size_are_other_ground(scene, judged):
    run, name, _ = scene
    judged("1-1", "not")
    own = folder(run, name)
    report = own.json("report.json")
    assert list(verdicts(own.path, report)) == ["1-1"]
    report["options"]["cell_m"] = 400
    assert verdicts(own.path, report) == {}


def test_blocks_that_share_ground_are_one_group():
    joined = groups_of(np.array([[0, 20], [0, 50], [0, 300]]), (32, 32), (64, 64), "after")
    assert joined[0] == joined[1] != joined[2] and joined[0].startswith("after block")


def test_one_person_unsure_makes_a_cell_unsure(scene, judged):
    judged("1-1", "landslide")
    judged("1-1", "unsure", by="Ben")
    own = folder(*scene[:2])
    assert verdict_of(verdicts(own.path, own.json("report.json"))["1-1"]) == "unsure"
