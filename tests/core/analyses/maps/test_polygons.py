"""Polygons as an analysis of a run: thresholds, promises, what lies beside the raster, refusals."""

import json

import fiona
import numpy as np
import pytest
import rasterio

from core.analyses.maps.polygons import ANALYSIS
from core.errors import ConfigError, DataError, FormatError
from core.evaluate.prevalence import shifted
from core.predict.maps.promise import BEST_F1, promise_of
from core.progress import drain
from tests.core.predict.maps.making import write_raster
from tests.core.predict.polygons.test_files import field


def drawn(run, probability, out, **options):
    return drain(ANALYSIS.start(run, {"probability": str(probability), "out": str(out), **options}))


def rows(path):
    with fiona.open(path) as layer:
        return [dict(record["properties"]) for record in layer]


def test_the_runs_threshold_its_promise_and_intervals_go_into_the_files(balanced_run, tmp_path):
    path = write_raster(tmp_path / "p.tif", field())
    value = drawn(balanced_run, path, tmp_path / "p.geojson", date="2018-09-11")
    assert value["threshold"] == 0.5 and value["promise"] == BEST_F1 and value["run"] == balanced_run.name
    found = rows(tmp_path / "p.geojson")
    assert len(found) == value["n"] > 0 and value["area_km2"] == pytest.approx(sum(r["area_m2"] for r in found) / 1e6)
    assert all(row["share_lo"] <= row["share_hi"] and row["source_date"] == "2018-09-11" for row in found)
    assert all(row["run"] == balanced_run.name and row["promise"] == BEST_F1 for row in found)
    assert value["cell_m"] == pytest.approx(160, rel=0.01)  # half of 32 pixels of 10 m
    assert "State how frequent they are" in value["warnings"][0] and value["files"][2].endswith("p.qml")
    assert json.loads((tmp_path / "p.geojson").read_text())["landslide_lens"]["threshold"] == 0.5


def test_what_the_scene_noted_in_its_raster_is_heeded(balanced_run, tmp_path):
    path = write_raster(tmp_path / "p.tif", field())
    with rasterio.open(path, "r+") as out:
        out.update_tags(RUN=balanced_run.name, THRESHOLD="0.7", STRIDE="24", SOURCE_DATE="2020-01-02")
    write_raster(tmp_path / "p_disagreement.tif", np.full((40, 60), 0.04))
    value = drawn(balanced_run, path, tmp_path / "p.gpkg")
    assert value["threshold"] == 0.7 and "for the stated share" in value["promise"] and value["date"] == "2020-01-02"
    assert value["cell_m"] == pytest.approx(240, rel=0.01)
    assert {row["disagree"] for row in rows(tmp_path / "p.gpkg")} == {0.04}
    with rasterio.open(path, "r+") as out:
        out.update_tags(RUN="another")
    told = drawn(balanced_run, path, tmp_path / "p.gpkg")
    assert told["threshold"] == 0.5 and "run 'another' answered" in told["warnings"][0]


def test_another_share_of_landslides_moves_probability_threshold_and_interval_but_no_ground(balanced_run, tmp_path):
    path = write_raster(tmp_path / "p.tif", field())
    own = drawn(balanced_run, path, tmp_path / "a.geojson")
    rare = drawn(balanced_run, path, tmp_path / "b.geojson", prevalence=0.02)
    assert rare["n"] == own["n"] and rare["area_km2"] == own["area_km2"] and rare["share_of_landslides"] == 0.02
    share = promise_of(balanced_run).own_share
    assert rare["threshold"] == pytest.approx(shifted(np.array([0.5]), share, 0.02)[0])
    pairs = list(zip(rows(tmp_path / "a.geojson"), rows(tmp_path / "b.geojson"), strict=True))
    for a, b in pairs:
        assert b["prob_max"] == pytest.approx(shifted(np.array([a["prob_max"]]), share, 0.02)[0], abs=2e-3)
        assert b["prob_mean"] < a["prob_mean"] and b["share_hi"] <= a["share_hi"]


def test_a_safety_target_needs_the_disagreement_and_calls_all_that_any_fold_calls(balanced_run, tmp_path):
    rng = np.random.default_rng(0)
    by_fold = np.clip(field()[None] + 0.2 * rng.normal(size=(3, 40, 60)), 0, 1).astype(np.float32)
    path = write_raster(tmp_path / "p.tif", by_fold.mean(axis=0))
    with pytest.raises(ConfigError, match="Give the raster of their disagreement"):
        drawn(balanced_run, path, tmp_path / "p.geojson", miss_rate=0.5)
    write_raster(tmp_path / "p_disagreement.tif", by_fold.std(axis=0))
    value = drawn(balanced_run, path, tmp_path / "p.geojson", miss_rate=0.5, cell_m=1)
    assert "At most 50 in 100 landslide patches missed, 95 % sure, on ground like the training" in value["promise"]
    any_fold = np.nansum((by_fold >= value["threshold"]).any(axis=0))
    above = sum(row["above_m2"] for row in rows(tmp_path / "p.geojson")) / 100 * 0.9996**2
    assert above >= any_fold * 0.999
    with pytest.raises(DataError, match="are needed"):
        drawn(balanced_run, path, tmp_path / "p.geojson", missed_per_1000=0.1)


def test_what_makes_no_sense_is_refused_before_it_waits(balanced_run, tmp_path):
    path = write_raster(tmp_path / "p.tif", field())
    good = {"probability": str(path), "out": str(tmp_path / "p.geojson")}
    ANALYSIS.check(balanced_run, ANALYSIS.options(good))
    with pytest.raises(ConfigError, match="Accepted: .geojson and .gpkg"):
        ANALYSIS.check(balanced_run, ANALYSIS.options(good | {"out": str(tmp_path / "p.shp")}))
    with pytest.raises(DataError, match="nothing"):
        ANALYSIS.check(balanced_run, ANALYSIS.options(good | {"dem": str(tmp_path / "nothing.tif")}))
    with pytest.raises(ConfigError, match="each decide the threshold"):
        ANALYSIS.options(good | {"threshold": 0.3, "miss_rate": 0.1})
    wrong = write_raster(tmp_path / "wrong_disagreement.tif", np.full((40, 60), 0.9))
    with pytest.raises(FormatError, match="outside 0-0.5"):
        drawn(balanced_run, path, tmp_path / "p.geojson", disagreement=str(wrong))
    assert not (tmp_path / "p.geojson").exists()


def test_paths_do_not_depend_on_where_the_worker_stands(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    options = ANALYSIS.options({"probability": "p.tif", "out": "p.gpkg", "roads": "r.gpkg"})
    assert options.roads == str(tmp_path / "r.gpkg") and options.out == str(tmp_path / "p.gpkg")
