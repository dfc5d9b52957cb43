"""``export RUN``: the run's folds as one ONNX file, or as safetensors with a model card. The run is only read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from core.data.store import open_dataset
from core.data.store.dataset import Dataset
from core.errors import ConfigError, DataError
from core.predict.export.card import card_of
from core.predict.export.graph import Answers, exportable
from core.predict.export.onnx_file import export_onnx
from core.predict.export.weights import export_safetensors
from core.predict.patches import Ensemble
from core.predict.values import values_of_run
from core.progress import Progress, Steps
from core.runs.store import RunFolder

N_COMPARED = 256
SUFFIXES = (".onnx", ".safetensors")


@dataclass(frozen=True)
class Written:
    """What was written: facts are plain values, notes sentences for people."""

    path: Path
    facts: dict[str, Any]
    notes: tuple[str, ...]


def export(run: RunFolder, out: Path, head: str | None = None, fold: int | None = None) -> Steps[Written]:
    """Write the run to ``out``, whose ending says how. fold: one alone, from 1; none: the mean of all.

    Raises ConfigError for another ending, fold or head, RunError where the file would not answer as the run does.
    """
    if out.suffix.lower() not in SUFFIXES:
        raise ConfigError(f"{out.name} is no name for a model. Accepted: {' and '.join(SUFFIXES)}.")
    run.require_finished()
    n_folds = run.config().folds.n_splits
    if fold is not None and not 1 <= fold <= n_folds:
        raise ConfigError(f"There is no fold {fold}: the run has folds 1 to {n_folds}.")
    yield Progress(0.0, "Loading the networks of the folds.")
    folds = list(range(n_folds)) if fold is None else [fold - 1]
    ensemble = Ensemble.of_folds(run, folds, "cpu")
    head = head or ensemble.head
    if head not in ensemble.rules:
        raise ConfigError(f"The run has no head '{head}'. It has: {', '.join(ensemble.rules)}.")
    dataset, notes = _own_dataset(run), []
    if ensemble.columns:
        notes.append(f"The network also reads {', '.join(ensemble.columns)}; to the exported file they are unknown.")
    pixel, nodata = pixel_of(dataset), None if dataset is None else dataset.nodata
    if pixel is None:
        notes.append("The side of a pixel is not known, so the file does not state a resolution.")
    card = card_of(run, ensemble, head, folds, pixel, nodata)
    if out.suffix.lower() == ".safetensors":
        n, beside = export_safetensors(ensemble, card, out)
        return Written(out, {"arrays": n, "card": str(beside), "bytes": out.stat().st_size, "head": head}, tuple(notes))
    answers = Answers(ensemble, head, _bounds(run), nodata)
    patches = compared_patches(dataset, ensemble)
    if dataset is None:
        notes.append("The run's dataset is not there: the file was compared on made-up patches of its bands' range.")
    yield Progress(0.2, f"Writing the graph of {len(folds)} folds and comparing it on {len(patches)} patches.")
    done = export_onnx(answers, ensemble, card, patches, out)
    facts = {"bytes": done.bytes, "n_compared": done.n, "largest_difference": done.largest, "opset": done.opset}
    return Written(out, facts | {"head": head, "threshold": card["threshold"]}, tuple(notes))


def compared_patches(dataset: Dataset | None, ensemble: Ensemble) -> np.ndarray:
    """(256, C, H, W) float32: the dataset's, evenly spread and repeated where it has fewer, some with holes.

    Without the dataset they are drawn about the normaliser's centre.
    """
    rng = np.random.default_rng(0)
    if dataset is not None:
        rows = np.linspace(0, len(dataset) - 1, N_COMPARED).astype(np.int64)
        patches = dataset.images(rows, list(ensemble.band_names)).astype(np.float32)
    else:
        normaliser = ensemble.models[0].normaliser
        noise = rng.normal(size=(N_COMPARED, len(ensemble.band_names), *ensemble.shape_hw)).astype(np.float32)
        patches = normaliser.center_[:, None, None] + normaliser.scale_[:, None, None] * noise
    height, width = patches.shape[2:]
    patches[::16, :, : height // 3, : width // 2] = np.nan
    patches[8::16, 0] = np.nan
    blank = ~np.isfinite(patches).any(axis=(1, 2, 3))
    patches[blank] = np.nan_to_num(patches[blank])
    return patches


def pixel_of(dataset: Dataset | None) -> float | None:
    """Side of a pixel in metres as the dataset states it, or as all its patches agree on; else None."""
    if dataset is None:
        return None
    if isinstance(stated := dataset.facts.get("pixel_m"), int | float) and stated > 0:
        return float(stated)
    width = np.asarray(dataset.columns.get("ground_width_m", ()))
    if width.dtype.kind != "f" or not width.size or not np.isfinite(width).all() or np.ptp(width) > 0.01 * width.max():
        return None
    return float(np.median(width)) / dataset.shape[2]


def default_head(run: RunFolder) -> str:
    """The headline head."""
    return run.config().heads.headline(run.rules())


def _own_dataset(run: RunFolder) -> Dataset | None:
    try:
        found = open_dataset(run.dataset_path())
        return found if found.content_hash == run.provenance()["dataset"]["content_hash"] else None
    except (DataError, OSError, KeyError):
        return None


def _bounds(run: RunFolder) -> np.ndarray | None:
    values = values_of_run(run)
    if values is None:
        return None
    return np.array([[np.nan if edge is None else edge for edge in row["plausible"]] for row in values], np.float64)


__all__ = ["Written", "compared_patches", "export", "exportable"]
