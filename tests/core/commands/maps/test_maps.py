"""``polygons``, ``triage-grid`` and ``export`` on the command line: jobs of a run, answers in words and as JSON."""

import json

import pytest

from tests.command_line import core, core_error, core_json
from tests.core.predict.maps.making import write_raster
from tests.core.predict.polygons.test_files import field

pytestmark = pytest.mark.usefixtures("jobs_here")


def test_polygons_and_the_grid_are_written_and_told(balanced_run_copy, tmp_path):
    run, path = balanced_run_copy, write_raster(tmp_path / "p.tif", field())
    asked = (run.name, path, "--checkpoints", run.checkpoints)
    value = core_json("polygons", *asked, "--out", tmp_path / "p.geojson", "--date", "2018-09-11")
    assert value["n"] > 0 and value["date"] == "2018-09-11" and value["message"]
    assert json.loads((tmp_path / "p.geojson").read_text(encoding="utf-8"))["type"] == "FeatureCollection"
    answer = core("triage-grid", *asked, "--out", tmp_path / "g.gpkg", "--cell-m", 100, "--share", 0.9)
    assert "Look at these" in answer.stdout and "Warning: Probabilities are those of the training" in answer.stdout
    assert (tmp_path / "g.csv").is_file()
    assert "There is no" in core_error("polygons", run.name, tmp_path / "none.tif", "--out", tmp_path / "q.geojson")
    assert "Accepted: .geojson and .gpkg" in core_error("polygons", *asked, "--out", tmp_path / "p.kml")


def test_export_writes_one_file_and_says_how_it_compares(trained_run_copy, known_graph, tmp_path):
    run = trained_run_copy
    answer = core(
        "export", run.name, "--out", tmp_path / "m.onnx", "--head", "fc", "--fold", 1, "--checkpoints", run.checkpoints
    )
    assert "differ from the run's by at most" in answer.stdout and "on 256 patches" in answer.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["m.onnx"]
    asked = ("export", run.name, "--checkpoints", run.checkpoints)
    assert "Accepted: .onnx and .safetensors" in core_error(*asked, "--out", tmp_path / "m.pt")
