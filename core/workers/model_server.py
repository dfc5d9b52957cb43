"""A process that answers for single patches, and for settings before training: asked in lines, it answers in lines.

Comes in: a JSON object a line on standard input: ``do`` (a key of ``AT_ONCE``), ``run`` (its path) and what that takes;
or a key of ``BEFORE_TRAINING`` with ``dataset`` and ``config``. The networks it has loaded are kept.
Goes out: JSON lines on standard output: ``progress`` and ``message`` any number of times, then ``answer``, or ``error``
with a sentence for people. The dashboard starts it so that its own process needs no torch, and so that the second patch
need not wait for the network again. It ends when its input ends, or after ``IDLE_S`` unasked. What is asked of a whole
run is a job (``core.jobs``).
"""

from __future__ import annotations

import json
import select
import sys
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from core.errors import ConfigError, LandslideLensError
from core.runs.plain_files import plain
from core.runs.store import RunFolder

IDLE_S = 900.0  # without a question
KEPT = 4  # folds whose networks stay in memory

Request = Mapping[str, Any]


@dataclass
class Kept:
    """The folds that are loaded, the one that was asked for last at the end."""

    views: OrderedDict[tuple, Any] = field(default_factory=OrderedDict)
    parents: dict[tuple, Any] = field(default_factory=dict)

    def view(self, run: RunFolder, fold: int) -> Any:
        """A fold's model (``core.predict.perturbed_model.PerturbedModel``), from memory where its files are the same."""
        from core.predict.perturbed_model import PerturbedModel

        key = (str(run.path), fold, (run.fold_path(fold) / "fold.json").stat().st_mtime_ns)
        if key not in self.views:
            self.views[key] = PerturbedModel.open(run, fold)
        self.views.move_to_end(key)
        while len(self.views) > KEPT:
            self.views.popitem(last=False)
        return self.views[key]

    def landslides(self, run: RunFolder, fold: int) -> Any:
        """What a fold's synthetic patches come from (``core.analyses.smote.fold_minority``); kept for one fold, for its size."""
        from core.analyses.smote.fold_minority import FoldLandslides
        from core.predict.training_dataset import training_dataset

        key = (str(run.path), fold, (run.fold_path(fold) / "fold.json").stat().st_mtime_ns)
        if key not in self.parents:
            self.parents = {key: FoldLandslides.of(run, training_dataset(run), fold)}
        return self.parents[key]


# ------------------------------------------------------------------------------------------------- one patch


def _warm(run: RunFolder, request: Request, kept: Kept) -> dict:
    """Load one fold before it is asked for."""
    from core.explain.cam.library import library_is_here

    kept.view(run, int(request.get("fold", 0)))
    return {"library": library_is_here()}


def _layers(run: RunFolder, request: Request, kept: Kept) -> dict:
    return {"layers": [one._asdict() for one in kept.view(run, 0).model.network.cam_layers()]}


def _patch_maps(run: RunFolder, request: Request, kept: Kept) -> dict:
    from core.analyses.attention.maps import fold_of, patch_maps

    patch_id = str(request["patch"])
    view = kept.view(run, fold_of(run, patch_id))
    found = patch_maps(
        run, patch_id, request["methods"], request.get("layer"), request.get("target", 1), view
    )  # fmt: skip
    return vars(found).copy()


def _patch_bands(run: RunFolder, request: Request, kept: Kept) -> dict:
    from core.analyses.attention.maps import fold_of
    from core.analyses.bands.occlusion import OcclusionOptions, occlude_patch

    patch_id, options = str(request["patch"]), OcclusionOptions(**request.get("options", {}))
    found = occlude_patch(run, patch_id, options, kept.view(run, fold_of(run, patch_id)))
    answer = vars(found) | {"bands": found.bands.to_dict("list"), "groups": found.groups.to_dict("list")}
    return answer | {"windows": vars(found.windows).copy() if found.windows else None}


def _boundary(run: RunFolder, request: Request, kept: Kept) -> dict:
    """One head's boundary on a map that was drawn without it: values (G, G), and what is known of its fidelity."""
    from core.analyses.embedding.projections import draw_head, read_map

    fold = int(request["fold"])
    safetensors_file, _ = read_map(run, fold, str(request["key"]))
    drawn = draw_head(run, fold, safetensors_file["xy"], str(request["head"]), len(safetensors_file["x"]))
    return {"values": drawn.values.astype(np.float32), "card": drawn.card()}


def _place(run: RunFolder, request: Request) -> Iterator[dict]:
    """New patches on a fold's map, see ``core.analyses.embedding.new_patches``: rows of a dataset file, or what lies in a folder."""
    from core.analyses.embedding.new_patches import none_lost, place_on_map
    from core.data.store import open_dataset
    from core.predict.sources import batches_of, patches_of

    source, rejected = Path(str(request["source"])), []
    if "rows" in request:
        dataset = open_dataset(source)
        bands, batches = dataset.bands, batches_of(dataset, np.array(request["rows"], np.int64))
    else:
        bands, batches, _ = patches_of(source, None, request.get("bands"), rejected, request.get("unit"))
        batches = none_lost(batches, rejected)
    steps = place_on_map(run, int(request["fold"]), str(request["key"]), batches, bands)
    try:
        while True:
            step = next(steps)
            yield {"progress": step.progress, "message": step.message}
    except StopIteration as end:
        yield {"answer": vars(end.value).copy()}


def _smote_kin(run: RunFolder, request: Request, kept: Kept) -> dict:
    """The landslides that one landslide of a fold is most like."""
    from core.analyses.smote.neighbours import kin_of

    landslides = kept.landslides(run, int(request["fold"]))
    return vars(kin_of(landslides, str(request["patch"]), int(request["k"]), int(request["second"]))).copy()


def _smote_path(run: RunFolder, request: Request, kept: Kept) -> dict:
    """What a fold's model says from a neighbour through its anchor to the other class."""
    from core.analyses.smote.interpolation import walk

    fold, ends = int(request["fold"]), (str(request["neighbour"]), str(request["anchor"]))
    also, called = [float(t) for t in request.get("also", [])], bool(request.get("called"))
    found = walk(run, fold, *ends, request.get("other"), called, also, view=kept.view(run, fold))
    return vars(found).copy()


def _places(run: RunFolder, request: Request, kept: Kept) -> dict:
    """Where embeddings of a fold's network fall on one of its maps."""
    from core.analyses.embedding.new_patches import embeddings_on_map

    embedded = np.array(request["embeddings"], np.float32)
    xy, note = embeddings_on_map(run, int(request["fold"]), str(request["key"]), embedded)
    return {"xy": xy, "note": note}


# --------------------------------------------------------------------------------------------- before a training


def _estimate(request: Request) -> Iterator[dict]:
    """Time and memory of a run that has not begun, see ``core.preflight.estimate``."""
    from core.config import RunConfig
    from core.preflight.estimate import estimate

    config, disk = RunConfig.from_json(str(request["config"])), Path(str(request["checkpoints"]))
    steps = estimate(Path(str(request["dataset"])), config, disk)
    try:
        while True:
            step = next(steps)
            yield {"progress": step.progress, "message": step.message}
    except StopIteration as end:
        yield {"answer": end.value.to_dict()}


def _preview(request: Request) -> Iterator[dict]:
    """Augmented patches, see ``core.preflight.augmentation``; the arrays go into the file that the request names."""
    from core.config import RunConfig
    from core.io import safetensors_file
    from core.preflight.augmentation import preview

    config = RunConfig.from_json(str(request["config"]))
    found = preview(
        Path(str(request["dataset"])), config, int(request["n"]), int(request["draws"]), int(request["seed"])
    )
    named = {"images": found.images, "drawn": found.drawn.astype(np.float32), "share": found.share}
    safetensors_file.save_arrays(Path(str(request["out"])), named)
    yield {"answer": {"ids": found.ids, "labels": found.labels, "bands": found.bands, "in_units": found.in_units}}


BEFORE_TRAINING: dict[str, Callable[[Request], Iterator[dict]]] = {"estimate": _estimate, "preview": _preview}
AT_ONCE: dict[str, Callable[[RunFolder, Request, Kept], dict]] = {
    "warm": _warm,
    "layers": _layers,
    "patch_maps": _patch_maps,
    "patch_bands": _patch_bands,
    "boundary": _boundary,
    "smote_kin": _smote_kin,
    "smote_path": _smote_path,
    "places": _places,
}


# -------------------------------------------------------------------------------------------------- the talk


def answers(request: Request, kept: Kept) -> Iterator[dict]:
    """What is said to one question, line by line; the last one holds ``answer`` or ``error``."""
    try:
        what, run = str(request.get("do")), RunFolder(Path(str(request.get("run"))))
        if what in AT_ONCE:
            yield {"answer": AT_ONCE[what](run, request, kept)}
        elif what == "place":
            yield from _place(run, request)
        elif what in BEFORE_TRAINING:
            yield from BEFORE_TRAINING[what](request)
        else:
            raise ConfigError(
                f"Nothing is called '{what}' here. Known: {', '.join([*AT_ONCE, 'place', *BEFORE_TRAINING])}."
            )
    except LandslideLensError as error:
        yield {"error": str(error)}
    except (OSError, MemoryError, RuntimeError) as error:  # a full disk, a device that is out of memory
        yield {"error": f"It stopped: {error}"}


def serve(asked: TextIO, told: TextIO, idle_s: float = IDLE_S) -> None:
    """Answer until the input ends or nobody has asked for ``idle_s``."""
    kept, last = Kept(), time.monotonic()
    while True:
        if not select.select([asked], [], [], max(idle_s - (time.monotonic() - last), 0.0))[0]:
            return
        line = asked.readline()
        if not line:
            return
        try:
            request = json.loads(line)
        except ValueError:
            request = {}
        for one in answers(request if isinstance(request, dict) else {}, kept):
            told.write(json.dumps(plain(one), allow_nan=False) + "\n")
            told.flush()
        last = time.monotonic()


def main() -> None:
    """Whatever libraries print goes to the error output: the other one carries answers."""
    told, sys.stdout = sys.stdout, sys.stderr
    serve(sys.stdin, told)


if __name__ == "__main__":
    main()
