"""What the Balance page asks of the warm processes (``core.workers.model_server``); answers are plain values.

Moving along an interpolation asks nothing: all of its stops are one answer. An answer is cached as long as the fold it
is about stays as it is: ``fold.json`` is the last file that a fold writes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, astuple, dataclass
from typing import Any

import streamlit as st

from core.runs.store import RunFolder
from dashboard import cache
from dashboard.jobs import model_client


@dataclass(frozen=True)
class Endpoints:
    """Which interpolation. extra: further stops. crossing: it ends where the model predicts the other class."""

    fold: int
    neighbour: str
    anchor: str
    extra: tuple[float, ...] = ()
    crossing: bool = False


def neighbours(run: RunFolder, fold: int, patch_id: str, k: int, second: int = 0) -> dict[str, Any]:
    """The landslides that one of the fold's is most similar to: ``core.analyses.smote.neighbours.NeighbourGraph``."""
    return _neighbours(str(run.path), fold, patch_id, k, second, _version(run, fold))


def interpolation(run: RunFolder, ends: Endpoints) -> dict[str, Any]:
    """What the fold's model predicts at every stop: ``core.analyses.smote.interpolation.Interpolation``."""
    return _interpolation(str(run.path), astuple(ends), _version(run, ends.fold))


def positions(run: RunFolder, fold: int, embeddings: Sequence[Sequence[float]]) -> dict[str, Any] | None:
    """Where embeddings fall on the run's own map of that fold (xy, note); None until that is there.

    Never waits: the first time UMAP is compiled, which takes long. Raises RunError with the reason when it failed.
    """
    request = {"do": "positions", "run": str(run.path), "fold": fold, "key": "own", "embeddings": embeddings}
    return model_client.projections().later(request)


def _version(run: RunFolder, fold: int) -> cache.Version:
    return cache.file_version(run.fold_path(fold) / "fold.json")


@st.cache_data(max_entries=64, show_spinner="Comparing it with the fold's landslides…")
def _neighbours(path: str, fold: int, patch_id: str, k: int, second: int, version: cache.Version) -> dict[str, Any]:
    request = {"do": "neighbours", "run": path, "fold": fold, "patch": patch_id, "k": k, "second": second}
    return model_client.models().ask(request)


@st.cache_data(max_entries=32, show_spinner="Asking the fold's network…")
def _interpolation(path: str, ends: tuple, version: cache.Version) -> dict[str, Any]:
    return model_client.models().ask({"do": "interpolation", "run": path, **asdict(Endpoints(*ends))})
