"""A package laid out as ukis-csmask is, with a tiny network in it: bright is cloud, dark is shadow, of blue alone."""

import hashlib
import json

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

CLOUD_FROM, SHADOW_BELOW = 0.4, 0.05  # reflectance of blue
MEAN, STD = (0.2, 0.25, 0.3, 0.35), (0.1, 0.2, 0.25, 0.5)


def _graph():
    """Scores (clear 0, cloud b - 0.4, shadow 0.05 - b) of blue's reflectance b, undone from (x - mean) / std."""
    weights = np.zeros((3, 4, 1, 1), np.float32)
    weights[1, 0], weights[2, 0] = STD[0], -STD[0]
    bias = np.array([0, MEAN[0] - CLOUD_FROM, SHADOW_BELOW - MEAN[0]], np.float32)
    shape = ["batch_size", 4, 256, 256]
    return helper.make_graph(
        [helper.make_node("Conv", ["input", "w", "b"], ["output"])],
        "tiny",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, ["batch_size", 3, 256, 256])],
        [numpy_helper.from_array(weights, "w"), numpy_helper.from_array(bias, "b")],
    )


def install(folder, monkeypatch, known=True):
    """Puts it on the path; with ``known`` its files are those that the program expects."""
    from core.data.clouds import network

    package, facts = folder / "ukis_csmask", folder / "ukis_csmask-1.0.0.dist-info"
    package.mkdir(parents=True)
    facts.mkdir()
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: ukis-csmask\nVersion: 1.0.0\n")
    model = helper.make_model(_graph(), opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    statistics = {"img": [list(MEAN), list(STD)], "band_names": ["blue", "green", "red", "nir"]}
    for level in ("l1c", "l2a"):
        onnx.save(model, package / f"model_4b_{level}.onnx")
        (package / f"model_4b_{level}.json").write_text(json.dumps({"data": {"dataset_statistics": statistics}}))
    monkeypatch.syspath_prepend(str(folder))
    if known:
        digest = hashlib.sha256((package / "model_4b_l2a.onnx").read_bytes()).hexdigest()
        monkeypatch.setattr(network, "DIGESTS", {"l1c": digest, "l2a": digest})
