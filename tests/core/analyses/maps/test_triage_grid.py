"""The triage grid as an analysis of a run: the sentence, the dial, roads, and files that agree with it."""

import json

import fiona
import numpy as np
import pytest

from core.analyses.maps.triage_grid import ANALYSIS
from core.predict.triage_grid.cells import BELOW, UNSEEN
from core.predict.triage_grid.files import FIRST
from core.progress import drain
from tests.core.predict.maps.making import grid, write_raster
from tests.core.predict.polygons.test_files import field


def ranked(run, probability, out, **options):
    return drain(ANALYSIS.start(run, {"probability": str(probability), "out": str(out), "cell_m": 100, **options}))


def rows(path):
    with fiona.open(path) as layer:
        return [dict(record["properties"]) for record in layer]


def test_the_sentence_the_numbers_and_the_files_agree(balanced_run, tmp_path):
    value = ranked(balanced_run, write_raster(tmp_path / "p.tif", field()), tmp_path / "g.geojson", minutes=6)
    found = rows(tmp_path / "g.geojson")
    assert len(found) == value["n"] == 24 and value["hours"] == pytest.approx(value["look_first"] / 10)
    first = [row for row in found if row["status"] == FIRST]
    assert len(first) == value["look_first"] and value["expected_share"] >= 0.8
    held = sum(row["expected_km2"] for row in first) / sum(row["expected_km2"] for row in found if row["rank"])
    assert held == pytest.approx(value["expected_share"], abs=1e-3)
    assert f"Look at these {value['look_first']} of " in value["message"] and "were not seen" in value["message"]
    low, high = value["expected_km2_interval"]
    assert 0 <= low < high <= 0.24 and "by how often such answers were right out of fold" in value["message"]
    assert [step["asked"] for step in value["workload"]] == [0.5, 0.8, 0.9, 0.95]
    assert [path.rpartition(".")[2] for path in value["files"]] == ["geojson", "gpkg", "qml", "csv"]


def test_ground_that_was_not_seen_is_never_called_clear(balanced_run, tmp_path):
    probs = np.full((40, 60), 0.01, np.float32)
    probs[:, 30:] = np.nan
    value = ranked(balanced_run, write_raster(tmp_path / "p.tif", probs), tmp_path / "g.geojson", unseen_from=0.9)
    found = rows(tmp_path / "g.geojson")
    assert {row["status"] for row in found if row["seen_km2"] == 0} == {UNSEEN} and value["n_unseen"] == 12
    assert {row["status"] for row in found if row["seen_km2"] > 0} <= {BELOW, FIRST}
    text = (tmp_path / "g.geojson").read_text(encoding="utf-8") + (tmp_path / "g.qml").read_text(encoding="utf-8")
    assert "no landslide" not in text.replace("not the same as no landslide", "")


def test_hours_are_the_other_end_of_the_dial_and_slope_orders(balanced_run, tmp_path):
    path = write_raster(tmp_path / "p.tif", field())
    dem = write_raster(tmp_path / "dem.tif", np.tile(np.arange(60.0) ** 2, (40, 1)))
    value = ranked(balanced_run, path, tmp_path / "g.gpkg", hours=0.5, minutes=10, dem=str(dem))
    assert value["look_first"] == 3 and value["hours"] == 0.5
    assert all(row["slope_deg"] > 0 for row in rows(tmp_path / "g.gpkg"))


def test_roads_in_the_first_cells_and_in_those_not_seen(balanced_run, tmp_path):
    probs = np.full((20, 40), 0.9, np.float32)
    probs[:, 30:] = np.nan
    path = write_raster(tmp_path / "p.tif", probs)
    line = grid(20, 40).to_lonlat(np.array([[0, 5], [40, 5]])).tolist()
    feature = {
        "type": "Feature",
        "properties": {"name": "Route 1"},
        "geometry": {"type": "LineString", "coordinates": line},
    }
    (tmp_path / "r.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    value = ranked(balanced_run, path, tmp_path / "g.geojson", roads=str(tmp_path / "r.geojson"), share=1)
    assert value["roads_first"][0]["road"] == "Route 1"
    assert value["roads_first"][0]["length_m"] == pytest.approx(300, abs=1)
    assert value["roads_unseen"][0]["length_m"] == pytest.approx(100, abs=1)
    assert "0.10 km of roads lie in cells that were not seen" in value["message"]
