"""Export as an analysis of a run: the file, its sentence, its path."""

import onnxruntime
import pytest

from core.analyses.maps.export import ANALYSIS
from core.errors import ConfigError
from core.progress import drain


def test_the_file_is_written_and_the_sentence_says_how_it_compares(trained_run, known_graph, tmp_path):
    value = drain(ANALYSIS.start(trained_run, {"out": str(tmp_path / "m.onnx"), "head": "fc", "fold": 1}))
    assert value["largest_difference"] <= 1e-4 and value["n_compared"] == 256 and "on 256 patches" in value["message"]
    assert (
        onnxruntime.InferenceSession(value["out"], providers=["CPUExecutionProvider"]).get_inputs()[0].name == "patches"
    )


def test_paths_do_not_depend_on_where_the_worker_stands(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert ANALYSIS.options({"out": "m.onnx"}).out == str(tmp_path / "m.onnx")
    with pytest.raises(ConfigError, match="fold"):
        ANALYSIS.options({"out": "m.onnx", "fold": 0})
