"""What the Balance page asks of a fold's model, through the processes that are kept warm; answers are kept, bounded.

Comes in: a run, a fold, patches. Goes out: the answers of ``core.workers.model_server`` as dictionaries of numbers. Moving
along a path asks nothing: the whole path is one answer. Its places on the map come when they are there.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, astuple, dataclass
from functools import partial
from typing import Any

import streamlit as st

from core.runs.store import RunFolder
from dashboard import cache
from dashboard.jobs import model_client

MOST_PLACED = 32  # paths whose places are kept


def kin(run: RunFolder, fold: int, patch_id: str, k: int, second: int = 0) -> dict[str, Any]:
    """The landslides that one of the fold's is most like, see ``core.analyses.smote.neighbours.Kin``."""
    return _kin(str(run.path), fold, patch_id, k, second, cache.file_version(run.fold_path(fold) / "fold.json"))


@st.cache_data(max_entries=64, show_spinner="Comparing it with the fold's landslides…")
def _kin(path: str, fold: int, patch_id: str, k: int, second: int, version: cache.Version) -> dict[str, Any]:
    asked = {"fold": fold, "patch": patch_id, "k": k, "second": second}
    return model_client.warm().ask({"do": "smote_kin", "run": path, **asked})


@dataclass(frozen=True)
class Way:
    """Which path. also: further stops. called: it leads to a patch that the model calls the other class."""

    fold: int
    neighbour: str
    anchor: str
    also: tuple[float, ...] = ()
    called: bool = False


def walked(run: RunFolder, way: Way) -> dict[str, Any]:
    """A path with everything at its stops, see ``core.analyses.smote.interpolation.SmotePath``."""
    return _walked(str(run.path), astuple(way), cache.file_version(run.fold_path(way.fold) / "fold.json"))


@st.cache_data(max_entries=32, show_spinner="Asking the fold's network along the path…")
def _walked(path: str, way: tuple, version: cache.Version) -> dict[str, Any]:
    asked = asdict(Way(*way))
    return model_client.warm().ask({"do": "smote_path", "run": path, **asked})


def places(run: RunFolder, way: Way, embeddings: list[list[float]]) -> dict[str, Any] | None:
    """Where the stops of a path fall on the run's own map of that fold (xy, note); none while that is being found out.

    The first time UMAP is compiled, which nobody should have to wait for. Raises the reason when it cannot be done.
    """
    key = (str(run.path), way, cache.file_version(run.fold_path(way.fold) / "fold.json"))
    asked = {"do": "places", "run": str(run.path), "fold": way.fold, "key": "own", "embeddings": embeddings}
    found = _placed().asked(key, partial(model_client.placing().ask, asked))
    return found.result() if found.done() else None


class Placed:
    """Answers on their way or there, the last ones asked for; one question at a time."""

    def __init__(self) -> None:
        self.pool, self.lock = ThreadPoolExecutor(1), threading.Lock()
        self.answers: OrderedDict[tuple, Future] = OrderedDict()

    def asked(self, key: tuple, ask: Callable[[], dict[str, Any]]) -> Future:
        """The answer of this key; asked for where nobody has."""
        with self.lock:
            found = self.answers.get(key)
            if found is None:
                self.answers[key] = found = self.pool.submit(ask)
            self.answers.move_to_end(key)
            while len(self.answers) > MOST_PLACED:
                self.answers.popitem(last=False)
            return found

    def close(self) -> None:
        """Let the thread go."""
        self.pool.shutdown(wait=False, cancel_futures=True)


@st.cache_resource(show_spinner=False, on_release=Placed.close)
def _placed() -> Placed:
    return Placed()
