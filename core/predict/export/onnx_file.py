"""A run as one ONNX file, compared with the run itself before it takes its name.

The file's own metadata hold the card, and what QGIS's plugin Deepness looks for: it reads each value as JSON, divides
pixels by 255 and then applies ``standardization_mean`` and ``standardization_std``. With a standard deviation of 1/255
the model sees the raw numbers. A regressor's output may have any number of patches in a batch, one channel, and the
size of the tile. Older versions of the plugin (before 0.6), which know no standardisation, refuse a free batch size.
"""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from core.errors import MissingDependencyError, RunError
from core.io.atomic import make_folder, replacing
from core.predict.export.card import markdown
from core.predict.export.graph import Answers
from core.predict.patches import Ensemble
from core.runs.plain_files import to_json_value
from core.text import one_line

TOLERANCE = 1e-4
LARGEST = 2**31 - 2**20  # bytes: what one protocol buffer holds
BATCH = 32
OVERLAP = 50  # per cent, between the tiles that Deepness cuts
INSTALL = "pip install -c constraints.txt onnx onnxscript onnxruntime"


@dataclass(frozen=True)
class Exported:
    """path, bytes of the file; n patches compared; the largest difference of a probability; the opset."""

    path: Path
    bytes: int
    n: int
    largest: float
    opset: int


def export_onnx(answers: Answers, ensemble: Ensemble, card: dict[str, Any], patches: np.ndarray, out: Path) -> Exported:
    """Write the file where it answers as the run does on ``patches`` (N, C, H, W) float32, raw, nan where missing.

    Raises RunError, naming the difference or what cannot be exported, and then leaves nothing behind.
    """
    onnx, runtime = _libraries()
    size = sum(t.numel() * t.element_size() for t in (*answers.parameters(), *answers.buffers()))
    if size > LARGEST:
        raise RunError(
            f"The networks of {len(ensemble.models)} folds take {size / 2**30:.1f} GiB; one ONNX file holds 2. Export "
            "one fold with --fold, or write safetensors."
        )
    proto = _proto(answers, patches[:2])
    _forget_the_machine(proto)
    proto.producer_name, proto.doc_string = "Landslide Lens", markdown(card)
    for name, value in metadata(card, ensemble).items():
        entry = proto.metadata_props.add()
        entry.key, entry.value = name, value
    content = proto.SerializeToString()
    onnx.checker.check_model(content)
    largest = compare(runtime, content, ensemble, card["head"], patches)
    make_folder(out.parent)
    with replacing(out) as partial:
        partial.write_bytes(content)
    opset = next(one.version for one in proto.opset_import if one.domain == "")
    return Exported(out, len(content), len(patches), largest, int(opset))


def metadata(card: dict[str, Any], ensemble: Ensemble) -> dict[str, str]:
    """Name -> JSON text: Deepness's names first, then our own under ``landslide_lens.``."""
    n_bands, height = len(ensemble.band_names), ensemble.shape_hw[0]
    pixel = card["input"]["pixel_m"]
    values: dict[str, Any] = {
        "model_type": "Regressor",
        "class_names": {"0": card["classes"]["1"]},  # of the output's one channel
        "tile_size": height,
        "tiles_overlap": OVERLAP,
        "reg_output_scaling": 1.0,
        "standardization_mean": [0.0] * n_bands,
        "standardization_std": [1 / 255] * n_bands,
    }
    if pixel:
        values["resolution"] = round(100 * pixel, 4)  # centimetres a pixel
    own = {
        "card": card,
        "bands": [band["name"] for band in card["input"]["bands"]],
        "units": [band["unit"] for band in card["input"]["bands"]],
        "classes": card["classes"],
        "threshold": card["threshold"],
        "normaliser": card["input"]["normaliser"],
        "run": card["run"],
    }
    values |= {f"landslide_lens.{name}": value for name, value in own.items()}
    return {name: json.dumps(to_json_value(value), ensure_ascii=False) for name, value in values.items()}


def compare(runtime: Any, content: bytes, ensemble: Ensemble, head: str, patches: np.ndarray) -> float:
    """The largest difference between the file's probabilities and the run's. Raises RunError above 1e-4."""
    from scipy.special import expit

    try:
        session = runtime.InferenceSession(content, providers=["CPUExecutionProvider"])
        parts = [session.run(None, {"patches": patches[i : i + BATCH]})[0] for i in range(0, len(patches), BATCH)]
    except Exception as error:  # of onnxruntime's own kinds, which have no common root
        raise RunError(
            f"The exported model does not run ({one_line(error, 200)}). Nothing was written; write safetensors instead."
        ) from error
    theirs = np.concatenate(parts)
    if theirs.shape != (len(patches), 1, *patches.shape[2:]) or not (theirs == theirs[:, :, :1, :1]).all():
        raise RunError("The exported model gives another shape than one probability a patch. Nothing was written.")
    odds = (model.log_odds(patches, [head], ensemble.rules) for model in ensemble.models)
    ours = np.mean([expit(one[head]) for one in odds], axis=0)
    largest = float(np.abs(theirs[:, 0, 0, 0] - ours).max())
    if not largest <= TOLERANCE:
        raise RunError(
            f"The exported model differs from the run by up to {largest:.2g} on {len(patches)} patches; at most "
            f"{TOLERANCE:g} is accepted. Nothing was written."
        )
    return largest


def _proto(answers: Answers, example: np.ndarray) -> Any:
    import torch

    answers = answers.cpu().eval()
    example = np.nan_to_num(np.repeat(example[:1], 2, axis=0), nan=0.0)  # two: one would be taken for a constant
    try:
        with _quiet(), torch.no_grad():
            program = torch.onnx.export(
                answers,
                (torch.as_tensor(example),),
                dynamo=True,
                dynamic_shapes=({0: torch.export.Dim("n")},),
                input_names=["patches"],
                output_names=["probability"],
                verbose=False,
            )
        proto = program.model_proto
        if not proto.graph.input[0].type.tensor_type.shape.dim[0].dim_param:
            raise ValueError("it can only be written for one number of patches at a time.")
        return proto
    except Exception as error:  # the exporter fails in many ways, each of which means: not this network
        indices = answers.value_dependent
        reason = one_line(str(error).strip().split("\n")[0] or type(error).__name__, 160)
        if indices:
            reason = (
                f"its index band {' and '.join(indices)} follows edges as far as they go, which no fixed graph does."
            )
        raise RunError(
            f"This network cannot be written as ONNX: {reason} The run is as it was. Write safetensors instead, or "
            "train with other index bands or another backbone."
        ) from error


def _forget_the_machine(proto: Any) -> None:
    """Drop what the exporter noted of this machine: the lines of code, with their paths, that each step came from."""
    graphs = [proto.graph, *proto.functions]
    for graph in graphs:
        for node in graph.node:
            del node.metadata_props[:]
            node.doc_string = ""
        for values in ("input", "output", "value_info", "initializer"):
            for one in getattr(graph, values, ()):
                if hasattr(one, "metadata_props"):
                    del one.metadata_props[:]
        if hasattr(graph, "metadata_props"):
            del graph.metadata_props[:]
        graph.doc_string = ""
    del proto.metadata_props[:]


@contextmanager
def _quiet() -> Iterator[None]:
    """The exporter's own notes are for those who write it."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "onnxscript", "onnx_ir")]
    levels = [logger.level for logger in loggers]
    try:
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def _libraries() -> tuple[Any, Any]:
    try:
        import onnx
        import onnx.checker
        import onnxruntime
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise MissingDependencyError(f"Exporting needs {error.name}, which is not installed: {INSTALL}") from error
    return onnx, onnxruntime
