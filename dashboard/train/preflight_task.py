"""The dashboard's side of what is asked of settings before training: an estimate, and a preview of augmentation.

Comes in: a dataset, a configuration. Goes out: a :class:`dashboard.jobs.background.Task` with the estimate, or the arrays of a
preview. Both are computed in a process of their own (``core.workers.model_server``); an estimate's ends with it, so that
no memory of the device is held when the training starts.
"""

from __future__ import annotations

import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import streamlit as st

from core.config import RunConfig
from core.data.store import Dataset
from core.errors import LandslideLensError, RunError
from core.io.safetensors_file import load_arrays
from dashboard import cache, state
from dashboard.jobs import background, model_client


@dataclass(frozen=True)
class Preview:
    """Some patches and draws of them, see ``core.preflight.augmentation``."""

    ids: tuple[str, ...]
    labels: tuple[int, ...]
    bands: tuple[str, ...]
    in_units: bool
    images: np.ndarray  # (n, C, H, W) float32
    drawn: np.ndarray  # (D, n, C, H, W) float32
    share: np.ndarray  # (D, n) float32


def begin_estimate(data: Dataset, config: RunConfig) -> background.Task:
    """Measure in the background. Raises DataError while another estimate of this dataset is under way."""
    facts = {"config": config.to_json()}
    request = {"do": "estimate", "dataset": str(data.path), "checkpoints": str(state.checkpoints()), **facts}
    words = f"An estimate for {data.name}"
    return background.start(state.checkpoints(), kind(data), words, lambda task: _estimate(task, request), facts)


def kind(data: Dataset) -> str:
    """What an estimate is called among the tasks."""
    return f"estimate {data.name}"


def _estimate(task: background.Task, request: dict) -> dict:
    process = model_client.Process()
    task.step(0.0, 1.0, "Loading what trains.")
    threading.Thread(target=_stop_with, args=(task, process), daemon=True).start()
    try:
        for said in process.ask(request):
            if "answer" in said:
                return said["answer"]
            task.step(said["progress"], 1.0, said["message"])
    except LandslideLensError:
        if task.stop.is_set():
            raise background.Stopped from None
        raise
    finally:
        process.end()
    raise RunError("The process that measures gave no answer. Ask again.")


def _stop_with(task: background.Task, process: model_client.Process) -> None:
    while process.alive:
        if task.stop.wait(0.2):
            process.process.kill()
            return


@st.cache_resource(show_spinner=False, on_release=model_client.Warm.close)
def _warm() -> model_client.Warm:
    """The process that is kept for previews: the next draw need not wait for torch."""
    return model_client.Warm()


def preview(data: Dataset, config: RunConfig, n: int, draws: int, seed: int) -> Preview:
    """Augmented patches. Raises RunError with a sentence for people."""
    return _preview(str(data.path), cache.file_version(data.path), config.to_json(), n, draws, seed)


@st.cache_data(show_spinner="Drawing…", max_entries=8)
def _preview(path: str, version: cache.Version, config: str, n: int, draws: int, seed: int) -> Preview:
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "preview.safetensors"
        request = {"do": "preview", "dataset": path, "config": config, "n": n, "draws": draws, "seed": seed}
        said = _warm().ask({**request, "out": str(out)})
        arrays = load_arrays(out)
    return Preview(
        tuple(map(str, said["ids"])), tuple(said["labels"]), tuple(said["bands"]), said["in_units"], **arrays
    )
