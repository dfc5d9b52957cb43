"""A process that answers at once: for single patches of a run, and for settings before training.

A request is a JSON object on one line of standard input: ``do`` (the name of an analysis with ``on_patch``, or a key of
``HANDLERS``), ``run`` (its path) and what that takes; ``id`` is given back. A reply is a JSON line on standard output:
``id`` with ``answer``, or with ``error``, a sentence for people. Networks stay loaded, so that the second patch need
not wait for them. While nobody asks, what a request has left to be done goes on, a little at a time. The process ends
when its input ends, or after ``IDLE_S`` without a request or anything left. What is asked of a whole run is a job
(``core.jobs``).
"""

from __future__ import annotations

import json
import os
import select
import sys
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, TextIO

import numpy as np

from core.errors import ConfigError, LandslideLensError
from core.runs.plain_files import to_json_value
from core.runs.store import RunFolder

IDLE_S = 900.0  # without a request
IN_BACKGROUND, NICE = "--in-background", 5  # the argument, and how far it gives way to whatever somebody waits for
LOADED = 4  # folds whose networks stay in memory

Request = Mapping[str, Any]


@dataclass
class ModelCache:
    """The folds that are loaded, the one that was asked for last at the end; and what is left to be done."""

    views: OrderedDict[tuple, Any] = field(default_factory=OrderedDict)
    parents: dict[tuple, Any] = field(default_factory=dict)
    rest: Iterator[Any] = field(default_factory=lambda: iter(()))  # what is left to be done
    rest_of: Any = None  # what that belongs to

    def view(self, run: RunFolder, fold: int) -> Any:
        """A fold's ``core.predict.perturbed_model.PerturbedModel``, from memory where its files are the same."""
        from core.predict.perturbed_model import PerturbedModel

        key = (str(run.path), fold, (run.fold_path(fold) / "fold.json").stat().st_mtime_ns)
        if key not in self.views:
            self.views[key] = PerturbedModel.open(run, fold)
        self.views.move_to_end(key)
        while len(self.views) > LOADED:
            self.views.popitem(last=False)
        return self.views[key]

    def landslides(self, run: RunFolder, fold: int) -> Any:
        """The landslides that a fold's synthetic patches come from; kept for one fold, for their size."""
        from core.analyses.smote.fold_minority import FoldLandslides
        from core.predict.training_dataset import training_dataset

        key = (str(run.path), fold, (run.fold_path(fold) / "fold.json").stat().st_mtime_ns)
        if key not in self.parents:
            self.parents = {key: FoldLandslides.of(run, training_dataset(run), fold)}
        return self.parents[key]


# ------------------------------------------------------------------------------------------------- one patch


def _load(run: RunFolder, request: Request, models: ModelCache) -> dict:
    """Load one fold before it is asked for."""
    from core.explain.cam.library import library_is_here

    models.view(run, int(request.get("fold", 0)))
    return {"library": library_is_here()}


def _layers(run: RunFolder, request: Request, models: ModelCache) -> dict:
    return {"layers": [one._asdict() for one in models.view(run, 0).model.network.cam_layers()]}


def _boundary(run: RunFolder, request: Request, models: ModelCache) -> dict:
    """One head's boundary on a projection that was made without it: values (G, G), and its fidelity."""
    from core.analyses.embedding.projections import head_boundary, projection

    fold = int(request["fold"])
    arrays, _ = projection(run, fold, str(request["key"]))
    boundary = head_boundary(run, fold, arrays["xy"], str(request["head"]), len(arrays["x"]))
    return {"values": boundary.values.astype(np.float32), "card": boundary.card()}


def _neighbours(run: RunFolder, request: Request, models: ModelCache) -> dict:
    """The landslides that one landslide of a fold is most similar to."""
    from core.analyses.smote.neighbours import neighbour_graph

    landslides = models.landslides(run, int(request["fold"]))
    return vars(neighbour_graph(landslides, str(request["patch"]), int(request["k"]), int(request["second"]))).copy()


def _interpolation(run: RunFolder, request: Request, models: ModelCache) -> dict:
    """What a fold's model predicts from a neighbour through its anchor to the other class."""
    from core.analyses.smote.interpolation import predict_between

    fold, ends = int(request["fold"]), (str(request["neighbour"]), str(request["anchor"]))
    extra, crossing = [float(t) for t in request.get("extra", [])], bool(request.get("crossing"))
    answer = predict_between(run, fold, *ends, request.get("other"), crossing, extra, view=models.view(run, fold))
    return vars(answer).copy()


def _positions(run: RunFolder, request: Request, models: ModelCache) -> dict:
    """Where embeddings of a fold's network fall on one of its projections."""
    from core.analyses.embedding.new_patches import embeddings_on_map

    embedded = np.array(request["embeddings"], np.float32)
    xy, note = embeddings_on_map(run, int(request["fold"]), str(request["key"]), embedded)
    return {"xy": xy, "note": note}


def _smote_preview(run: RunFolder, request: Request, models: ModelCache) -> dict:
    """What SSIM-SMOTE would make of a dataset's landslides, without a run."""
    from core.preflight.smote_preview import smote_preview

    return {"lineage": smote_preview(Path(str(request["dataset"])), int(request["k_neighbors"])).to_dict("list")}


def _augmentation(run: RunFolder, request: Request, models: ModelCache) -> dict:
    """Augmented patches, see ``core.preflight.augmentation``; the arrays go into the file that the request names."""
    from core.config import RunConfig
    from core.preflight.augmentation import preview

    config, dataset = RunConfig.from_json(str(request["config"])), Path(str(request["dataset"]))
    drawn = preview(dataset, config, int(request["n"]), int(request["draws"]), int(request["seed"]))
    return drawn.save(Path(str(request["out"])))


def _scene_cell(run: RunFolder, request: Request, models: ModelCache) -> dict:
    """What a run sees in one cell of a scene's map."""
    from core.analyses.maps.cell import answer_cell

    return answer_cell(run, request, models)


def _scene_pixel(run: RunFolder, request: Request, models: ModelCache) -> dict:
    """What is known of one pixel of a scene's map."""
    from core.analyses.maps.cell import answer_pixel

    return answer_pixel(run, request, models)


def _thumbnails(run: RunFolder, request: Request, models: ModelCache) -> dict:
    """Draw and keep the thumbnails of some patches now, and those of all others of the dataset while nobody asks."""
    from core.data.pictures.background import Wanted

    wanted = Wanted.of(request)
    if models.rest_of != wanted.what:
        models.rest, models.rest_of = wanted.others(), wanted.what
    return {"drawn": sum(wanted.first())}


HANDLERS: dict[str, Callable[[RunFolder, Request, ModelCache], dict]] = {
    "load": _load,
    "layers": _layers,
    "boundary": _boundary,
    "neighbours": _neighbours,
    "interpolation": _interpolation,
    "positions": _positions,
    "smote_preview": _smote_preview,
    "augmentation": _augmentation,
    "scene_cell": _scene_cell,
    "scene_pixel": _scene_pixel,
    "thumbnails": _thumbnails,
}


# --------------------------------------------------------------------------------------------- requests, replies


def reply(request: Request, models: ModelCache) -> dict:
    """The reply to one request, without its id."""
    from core.analyses.registry import analyses

    try:
        what, run = str(request.get("do")), RunFolder(Path(str(request.get("run"))))
        if what in HANDLERS:
            return {"answer": HANDLERS[what](run, request, models)}
        asked = analyses().get(what)
        if asked is None or asked.on_patch is None:
            known = [*HANDLERS, *(name for name, one in analyses().items() if one.on_patch)]
            raise ConfigError(f"Nothing is called '{what}' here. Known: {', '.join(known)}.")
        return {"answer": asked.on_patch(run, request, models)}
    except LandslideLensError as error:
        return {"error": str(error)}
    except (OSError, MemoryError, RuntimeError) as error:  # a full disk, a device that is out of memory
        return {"error": f"It stopped: {error}"}


def serve(requests: BinaryIO, replies: TextIO, idle_s: float = IDLE_S) -> None:
    """Reply until the input (a pipe or a file) ends or nobody has asked for ``idle_s``."""
    models = ModelCache()
    for line in _lines(requests, idle_s, models):
        try:
            request = json.loads(line)
        except ValueError:
            request = {}
        request = request if isinstance(request, dict) else {}
        said = {"id": request.get("id"), **reply(request, models)}
        replies.write(json.dumps(to_json_value(said), allow_nan=False) + "\n")
        replies.flush()


def _lines(stream: BinaryIO, idle_s: float, models: ModelCache) -> Iterator[bytes]:
    """Lines as they come. Read below Python's buffers: a line waiting in one of those would not wake select()."""
    rest = b""
    while _comes(stream, idle_s, models):
        block = os.read(stream.fileno(), 65536)
        if not block:
            return
        *lines, rest = (rest + block).split(b"\n")
        yield from lines


def _comes(stream: BinaryIO, idle_s: float, models: ModelCache) -> bool:
    """Wait for more to read, or for the end of it; whether it came within ``idle_s``.

    Meanwhile what is left is done, at most half of the time: others of this machine wait for something.
    """
    pause = 0.0
    while not select.select([stream], [], [], pause)[0]:
        began = time.monotonic()
        try:
            next(models.rest)
        except (StopIteration, LandslideLensError, OSError, MemoryError):
            models.rest = iter(())
            return bool(select.select([stream], [], [], idle_s)[0])
        pause = time.monotonic() - began
    return True


def main() -> None:
    """Whatever libraries print goes to the error output: the other one carries replies."""
    if sys.argv[1:] == [IN_BACKGROUND] and hasattr(os, "nice"):
        os.nice(NICE)
    replies, sys.stdout = sys.stdout, sys.stderr
    serve(sys.stdin.buffer, replies)


if __name__ == "__main__":
    main()
