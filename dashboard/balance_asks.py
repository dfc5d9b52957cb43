"""What the Balance page asks of a fold's model, through the processes that are kept warm; answers are kept, bounded.

Comes in: a run, a fold, patches. Goes out: the answers of ``core.studies.explainer`` as dictionaries of numbers. Moving
along a path asks nothing: the whole path is one answer.
"""

from __future__ import annotations

from dataclasses import asdict, astuple, dataclass
from typing import Any

import streamlit as st

from core.runs.store import RunFolder
from dashboard import cached, explain_helper


def kin(run: RunFolder, fold: int, patch_id: str, k: int, second: int = 0) -> dict[str, Any]:
    """The landslides that one of the fold's is most like, see ``core.studies.smote_neighbours.Kin``."""
    return _kin(str(run.path), fold, patch_id, k, second, cached.stamp(run.fold_path(fold)))


@st.cache_data(max_entries=64, show_spinner="Comparing it with the fold's landslides…")
def _kin(path: str, fold: int, patch_id: str, k: int, second: int, looks: cached.Stamp) -> dict[str, Any]:
    asked = {"fold": fold, "patch": patch_id, "k": k, "second": second}
    return explain_helper.warm().ask({"do": "smote_kin", "run": path, **asked})


@dataclass(frozen=True)
class Way:
    """Which path. also: further stops. called: it leads to a patch that the model calls the other class."""

    fold: int
    neighbour: str
    anchor: str
    also: tuple[float, ...] = ()
    called: bool = False


def walked(run: RunFolder, way: Way) -> dict[str, Any]:
    """A path with everything at its stops, see ``core.studies.smote_paths.SmotePath``."""
    return _walked(str(run.path), astuple(way), cached.stamp(run.fold_path(way.fold)))


@st.cache_data(max_entries=32, show_spinner="Asking the fold's network along the path…")
def _walked(path: str, way: tuple, looks: cached.Stamp) -> dict[str, Any]:
    asked = asdict(Way(*way))
    return explain_helper.warm().ask({"do": "smote_path", "run": path, **asked})


def places(run: RunFolder, way: Way) -> dict[str, Any]:
    """Where the stops of a path fall on the run's own map of that fold: xy, note."""
    return _places(str(run.path), astuple(way), cached.stamp(run.fold_path(way.fold)))


@st.cache_data(max_entries=32, show_spinner="Placing the stops on the map (compiling UMAP the first time)…")
def _places(path: str, way: tuple, looks: cached.Stamp) -> dict[str, Any]:
    embedded = _walked(path, way, looks)["embeddings"]
    asked = {"fold": Way(*way).fold, "key": "own", "embeddings": embedded}
    return explain_helper.placing().ask({"do": "places", "run": path, **asked})
