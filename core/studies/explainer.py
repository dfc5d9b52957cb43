"""A process that explains finished runs: asked in lines, it answers in lines, and keeps the networks it has loaded.

Comes in: a JSON object a line on standard input: ``do`` (a key of ``WHOLE_RUN`` or ``AT_ONCE``), ``run`` (its path) and
what that takes. Goes out: JSON lines on standard output: ``progress`` and ``message`` any number of times, then
``answer``, or ``error`` with a sentence for people. The dashboard starts it so that its own process needs no torch, and
so that the second patch need not wait for the network again. It ends when its input ends, or after ``IDLE_S`` unasked.
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

    def view(self, run: RunFolder, fold: int) -> Any:
        """A fold's model (``core.predict.fold_bands.FoldBands``), from memory where its files are the same."""
        from core.predict.fold_bands import FoldBands

        key = (str(run.path), fold, (run.fold_path(fold) / "fold.json").stat().st_mtime_ns)
        if key not in self.views:
            self.views[key] = FoldBands.open(run, fold)
        self.views.move_to_end(key)
        while len(self.views) > KEPT:
            self.views.popitem(last=False)
        return self.views[key]


# ------------------------------------------------------------------------------------------------ whole runs


def _check(run: RunFolder, options: dict) -> Iterator[Any]:
    from core.studies.attention import Options, check_attention

    return check_attention(run, Options(**options))


def _maps(run: RunFolder, options: dict) -> Iterator[Any]:
    from core.studies.attention_maps import MapOptions, draw_maps

    return draw_maps(run, MapOptions(**options))


def _occlusion(run: RunFolder, options: dict) -> Iterator[Any]:
    from core.studies.occlusion import OcclusionOptions, study_occlusion

    return study_occlusion(run, OcclusionOptions(**options))


def _drill(run: RunFolder, options: dict) -> Iterator[Any]:
    from core.studies.drill import DrillOptions, run_drill

    return run_drill(run, DrillOptions(**options))


def _smote(run: RunFolder, options: dict) -> Iterator[Any]:
    from core.studies.smote_audit import audit_smote

    return audit_smote(run, **options)


WHOLE_RUN: dict[str, Callable[[RunFolder, dict], Iterator[Any]]] = {
    "check": _check,
    "maps": _maps,
    "occlusion": _occlusion,
    "drill": _drill,
    "smote": _smote,
}


# ------------------------------------------------------------------------------------------------- one patch


def _warm(run: RunFolder, request: Request, kept: Kept) -> dict:
    """Load one fold before it is asked for."""
    from core.explain.cam_library import library_is_here

    kept.view(run, int(request.get("fold", 0)))
    return {"library": library_is_here()}


def _layers(run: RunFolder, request: Request, kept: Kept) -> dict:
    return {"layers": [one._asdict() for one in kept.view(run, 0).model.network.cam_layers()]}


def _patch_maps(run: RunFolder, request: Request, kept: Kept) -> dict:
    from core.studies.attention_maps import fold_of, patch_maps

    patch_id = str(request["patch"])
    view = kept.view(run, fold_of(run, patch_id))
    found = patch_maps(
        run, patch_id, request["methods"], request.get("layer"), request.get("target", 1), view
    )  # fmt: skip
    return vars(found).copy()


def _patch_bands(run: RunFolder, request: Request, kept: Kept) -> dict:
    from core.studies.attention_maps import fold_of
    from core.studies.occlusion import OcclusionOptions, occlude_patch

    patch_id, options = str(request["patch"]), OcclusionOptions(**request.get("options", {}))
    found = occlude_patch(run, patch_id, options, kept.view(run, fold_of(run, patch_id)))
    answer = vars(found) | {"bands": found.bands.to_dict("list"), "groups": found.groups.to_dict("list")}
    return answer | {"windows": vars(found.windows).copy() if found.windows else None}


AT_ONCE: dict[str, Callable[[RunFolder, Request, Kept], dict]] = {
    "warm": _warm,
    "layers": _layers,
    "patch_maps": _patch_maps,
    "patch_bands": _patch_bands,
}


# -------------------------------------------------------------------------------------------------- the talk


def answers(request: Request, kept: Kept) -> Iterator[dict]:
    """What is said to one question, line by line; the last one holds ``answer`` or ``error``."""
    try:
        what, run = str(request.get("do")), RunFolder(Path(str(request.get("run"))))
        if what in AT_ONCE:
            yield {"answer": AT_ONCE[what](run, request, kept)}
        elif what in WHOLE_RUN:
            step = None
            for step in WHOLE_RUN[what](run, dict(request.get("options", {}))):
                yield {"progress": step.progress, "message": step.message}
            yield {"answer": {"message": step.message if step else "", **(step.fields if step else {})}}
        else:
            raise ConfigError(f"Nothing is called '{what}' here. Known: {', '.join([*WHOLE_RUN, *AT_ONCE])}.")
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
