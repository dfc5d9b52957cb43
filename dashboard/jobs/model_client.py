"""The dashboard's side of ``core.workers.model_server``: processes that are kept warm and answer for single patches.

Comes in: a run and what is asked of one patch, or of a few new ones. Goes out: the answer. Networks are loaded there,
never here: pages stay light, and a process that is ended takes its memory along. What is asked of a whole run is a job
(``dashboard.jobs.analyses``).
"""

from __future__ import annotations

import json
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import IO, Any

import streamlit as st

from core.errors import LandslideLensError, RunError
from core.jobs.processes import open_pipe
from core.runs.store import RunFolder


class Process:
    """One explaining process, and the talk with it. Its errors go to a file that is gone with it."""

    def __init__(self) -> None:
        self.errors: IO[bytes] = tempfile.TemporaryFile()
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": self.errors}
        self.process = open_pipe(["-m", "core.workers.model_server"], **pipes)

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return self.process.poll() is None

    def ask(self, request: Mapping[str, Any]) -> Iterator[dict]:
        """Progress, line by line, and last the answer. Raises RunError with its sentence, or when it was lost."""
        try:
            self.process.stdin.write(json.dumps(dict(request)) + "\n")
            self.process.stdin.flush()
        except OSError as error:
            raise RunError(self._lost()) from error
        for line in self.process.stdout:
            said = json.loads(line)
            if "error" in said:
                raise RunError(said["error"])
            yield said
            if "answer" in said:
                return
        raise RunError(self._lost())

    def end(self) -> None:
        """Stop it at once; nothing half written stays in the run folder (every file is replaced whole)."""
        for pipe in (self.process.stdin, self.process.stdout):
            try:
                pipe.close()
            except OSError:
                pass  # it was gone already
        self.process.kill()
        self.process.wait()
        self.errors.close()

    def _lost(self) -> str:
        self.errors.seek(0)
        last = self.errors.read().decode("utf-8", "replace").strip().splitlines()[-1:] or ["no reason was given"]
        return f"The process that explains was lost: {last[0][:300]}. Ask again."


# ------------------------------------------------------------------------------------------------- one patch


class Warm:
    """One process for all tabs, started when it is first asked; questions wait for each other."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.process: Process | None = None
        self.warmed: set[tuple[str, int]] = set()

    def ask(self, request: Mapping[str, Any], told: Callable[[float, str], None] = lambda share, text: None) -> dict:
        """The answer; ``told`` hears how far it is, and may raise, which ends the process.

        A process that ended by itself (it does when nobody asks) is started again.
        """
        with self.lock:
            if self.process is None or not self.process.alive:
                if self.process is not None:
                    self.process.end()
                self.process = Process()
            answer: dict = {}
            try:
                for said in self.process.ask(request):
                    if "progress" in said:
                        told(said["progress"], said["message"])
                    answer = said.get("answer", answer)
            except LandslideLensError:
                raise
            except BaseException:  # half an answer is on its way: the next question must not get the rest of it
                self.process.end()
                self.process = None
                raise
            return answer

    def prepare(self, run: RunFolder, fold: int) -> None:
        """Load a fold's network while the viewer still chooses; returns at once."""
        if (run.name, fold) in self.warmed and self.process is not None and self.process.alive:
            return
        self.warmed.add((run.name, fold))
        request = {"do": "warm", "run": str(run.path), "fold": fold}
        threading.Thread(target=self._quietly, args=(request,), daemon=True).start()

    def _quietly(self, request: Mapping[str, Any]) -> None:
        try:
            self.ask(request)
        except LandslideLensError:
            pass  # whoever asks next is told

    def close(self) -> None:
        """End the process."""
        with self.lock:
            if self.process is not None:
                self.process.end()
                self.process = None


@st.cache_resource(show_spinner=False, on_release=Warm.close)
def warm() -> Warm:
    """The process that is kept for patches of the run."""
    return Warm()


@st.cache_resource(show_spinner=False, on_release=Warm.close)
def placing() -> Warm:
    """The process that is kept for maps: compiling UMAP takes seconds that nobody else should wait for."""
    return Warm()


def layers(run: RunFolder) -> list[dict]:
    """The layers whose maps can be had: name, rows, columns, channels, alive; from the first to the deepest."""
    return _layers(str(run.path))


@st.cache_data(max_entries=16, show_spinner="Loading the network to list its layers…")
def _layers(path: str) -> list[dict]:
    return warm().ask({"do": "layers", "run": path})["layers"]


@st.cache_data(max_entries=64, show_spinner="Asking the network of this patch's fold…")
def patch_maps(
    path: str, patch_id: str, methods: tuple[str, ...], layer: str | None, target: int | str
) -> dict[str, Any]:
    """One patch's raw maps by method (lists), see ``core.analyses.attention.maps.PatchMaps``."""
    asked = {"methods": list(methods), "layer": layer, "target": target}
    return warm().ask({"do": "patch_maps", "run": path, "patch": patch_id, **asked})


@st.cache_data(max_entries=64, show_spinner="Asking the network of this patch's fold…")
def patch_bands(path: str, patch_id: str, spatial: bool, window: int, stride: int) -> dict[str, Any]:
    """What one patch loses by band, group and window, see ``core.analyses.bands.occlusion.PatchOcclusion``."""
    options = {"spatial": int(spatial), "window": window, "stride": stride}
    return warm().ask({"do": "patch_bands", "run": path, "patch": patch_id, "options": options})
