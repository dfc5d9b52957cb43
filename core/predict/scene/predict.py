"""A finished run's answer for a scene, from the files to the rasters."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from core.errors import FormatError
from core.heads.blend import kind_of, members_of
from core.parts import Part, executor, together
from core.predict.novelty.calibrated import Novelty
from core.predict.novelty.collect import Collector, found_of
from core.predict.novelty.collect import Found as NoveltyFound
from core.predict.novelty.fit import fitted
from core.predict.patches import Answer, Ensemble
from core.predict.prevalence import at_prevalence
from core.predict.scene.inputs import SceneInput, compared, doubts, windows_of
from core.predict.scene.rasters import DISAGREEMENT, NOVELTY, REASONS, UNSEEN, WHERE, path_of
from core.predict.scene.scan import Found, Scan
from core.predict.training_record import training_record
from core.progress import Progress, Steps, part
from core.runs.results import ResultFolder
from core.runs.store import RunFolder

WORK = "stripes"  # the folder of what is not finished
PARTS_A_SLOT = 2  # of the stripes, where several are answered at once: the last of them then take less long


@dataclass(frozen=True)
class SceneAnswer:
    """out: the raster of probability; beside it lie those of disagreement and of what was not seen.

    results: the folder of this scene's report. threshold: what a probability is compared with, for the share of
    landslides ``prevalence`` where one was stated. novelty: how far it is from the run's training set, or None.
    """

    out: Path
    results: ResultFolder
    scan: Scan
    found: Found
    threshold: float
    prevalence: dict[str, Any] | None
    warnings: tuple[str, ...]
    novelty: NoveltyFound | None = None

    def facts(self) -> dict[str, Any]:
        """Plain values."""
        windows, ensemble, found = self.scan.windows, self.scan.ensemble, self.found
        n = found.pixels["all"]
        return {
            "out": str(self.out),
            "disagreement": str(path_of(DISAGREEMENT, self.out)),
            "novelty_raster": None if self.novelty is None else str(path_of(NOVELTY, self.out)),
            "unseen": str(path_of(UNSEEN, self.out)),
            "where": str(path_of(WHERE, self.out)) if self.scan.where else None,
            "shape": list(windows.shape),
            "side": list(windows.side),
            "stride": windows.stride,
            "n_windows": windows.n_windows,
            "n_answered": found.n_answered,
            "n_folds": len(ensemble.models),
            "head": ensemble.head,
            "threshold": self.threshold,
            "prevalence": self.prevalence,
            "pixels": found.pixels,
            "km2": found.km2,
            "missing_by_band": {name: missing / n for name, missing in found.n_missing.items()},
            "warnings": list(self.warnings),
            "novelty": None if self.novelty is None else self.novelty.to_dict("windows"),
        }

    def message(self) -> str:
        """How much is landslide, and how much was not seen."""
        unit, found = ("km²", self.found.km2) if self.found.km2 is not None else ("pixels", self.found.pixels)
        shown = "{:,.4g}" if self.found.km2 is not None else "{:,}"
        amounts = {key: f"{shown.format(value)} {unit}" for key, value in found.items()}
        unseen = [f"{amounts[text]} ({text})" for text in REASONS.values() if found[text]]
        caution = "" if self.novelty is None or not self.novelty.is_off else f" {self.novelty.sentence('windows')}"
        return (
            f"{amounts['landslide']} of {amounts['answered']} are at the threshold {self.threshold:.3f} or above, in "
            f"{self.out.name}. Not seen: {', '.join(unseen) or 'nothing'}, of {amounts['all']}."
            f"{caution}"
        )


@dataclass(frozen=True)
class Begun:
    """A scene before it is answered, or in the middle of it. told: what is doubtful about it."""

    scan: Scan
    results: ResultFolder
    digest: str
    novelty: Novelty | None
    looked: Collector | None
    told: list[str]


def predict_scene(
    run: RunFolder,
    asked: SceneInput,
    out: Path,
    results: ResultFolder,
    prevalence: float | None = None,
    where: bool | None = None,
) -> Steps[SceneAnswer]:
    """Answer for a scene and write its rasters, going on where an earlier try was broken off.

    results: where each scene has a folder, in which stripes are kept meanwhile; whoever has kept the answer calls
    ``scan.forget()``. prevalence: share of landslides for which the threshold is chosen. where: write a raster of what
    the mask heads draw; None: where the run has them.

    Raises FormatError for rasters that do not fit the run or each other, before anything is answered.
    """
    asked = SceneInput.from_dict(asked.to_dict())  # whoever answers a part of it has another working directory
    begun = yield from part(begin(run, asked, results, where), 0.0, 0.03)
    scan, told, ensemble = begun.scan, begun.told, begun.scan.ensemble
    there = None if prevalence is None else at_prevalence(run, _no_answer(ensemble), prevalence)
    threshold = ensemble.threshold if there is None else there.answer.threshold
    tags = {"RUN": run.name, "HEAD": ensemble.head, "THRESHOLD": f"{threshold:.6g}"}
    tags["STRIDE"] = str(scan.windows.stride)
    yield from part(_answered(run, asked, results, where, begun), 0.03, 0.9)
    if asked.digest(run.name, scan.windows) != begun.digest:
        scan.forget()
        raise FormatError("A raster was changed while it was read, so its parts do not fit. Start the scene again.")
    found = yield from part(scan.assemble(out, threshold, tags), 0.9, 1.0)
    facts = None if there is None else there.to_dict()
    unlike = _novelty(begun.novelty, scan.stack.bands, found, begun.looked)
    if unlike is None:
        told.append("How far the scene is from the training set is not known: the run keeps nothing to compare with.")
    elif unlike.is_told:
        told.insert(0, unlike.sentence("windows"))
    return SceneAnswer(out, begun.results, scan, found, threshold, facts, tuple(dict.fromkeys(told)), unlike)


def begin(run: RunFolder, asked: SceneInput, results: ResultFolder, where: bool | None) -> Steps[Begun]:
    """Everything that the scene's stripes share; raises as :func:`predict_scene`."""
    yield Progress(0.0, "Loading the networks of the folds.")
    ensemble = Ensemble.load(run)
    told: list[str] = []
    stack = asked.stack(run.name, _bands(ensemble), told)
    windows = windows_of(stack.layers[0], ensemble.shape_hw, asked.stride)
    yield Progress(0.33, "Comparing the scene with what the run was trained on.")
    novelty = yield from part(fitted(run), 0.33, 0.66)
    looked = None if novelty is None else Collector(novelty, stack.bands)
    watch = compared(run, stack, windows, told, looked)
    if looked is not None and (early := looked.found()) is not None and early.is_off:
        yield Progress(0.66, early.sentence("windows"), "unlike", early.to_dict("windows"))
    record = yield from part(training_record(run), 0.66, 1.0)
    told += doubts(record, ensemble.shape_hw, stack.grid)
    if ensemble.columns:
        told.append(f"The run also reads {', '.join(ensemble.columns)}, which a scene does not have: unknown to it.")
    digest = asked.digest(run.name, windows)
    own = results.part(f"{asked.scene.stem}-{digest}")
    draws = all(model.draws_outlines for model in ensemble.models) and where is not False
    reads = any(kind_of(name) == "embeddings" for name in members_of([ensemble.head]))
    scan = Scan(
        stack,
        windows,
        ensemble,
        own.part(WORK).path,
        partial(watch.look, in_place=True),
        asked.seen == "all",
        asked.most_unseen,
        asked.tta,
        novelty,
        embeds=reads and not ensemble.columns and asked.tta in (None, ensemble.models[0].tta),
        where=draws,
    )
    return Begun(scan, own, digest, novelty, looked, told)


def _answered(
    run: RunFolder, asked: SceneInput, results: ResultFolder, where: bool | None, begun: Begun
) -> Steps[None]:
    """Every stripe that is not there yet, in as many parts as are done at once, and some more to share them evenly."""
    scan = begun.scan
    left = yield from part(scan.left(), 0.0, 0.0)
    slots = executor().slots
    n_parts = min(len(left), 1 if slots == 1 else PARTS_A_SLOT * slots)
    shares = [list(some) for some in np.array_split(np.array(left, object), n_parts)] if n_parts else []
    common = {"run": str(run.path.resolve()), "asked": asked.to_dict(), "where": where, "digest": begun.digest}
    parts = [
        Part(
            f"Rows {some[0].top:,} to {some[-1].bottom:,}",
            partial(scan.answer, some),
            "core.predict.scene.predict:answer_stripes",
            {**common, "stripes": [stripe.number for stripe in some], "results": str(results.path.resolve())},
            (run.path.resolve(), *(path.resolve() for path in asked.files)),
        )
        for some in shares
    ]
    yield from together(parts)


def answer_stripes(
    run: str, asked: dict[str, Any], where: bool | None, digest: str, stripes: list[int], results: str
) -> Steps[None]:
    """Answer some stripes of a scene that was begun elsewhere, and keep them beside the others.

    Raises FormatError where this process does not see the same files.
    """
    folder = RunFolder(Path(run))
    begun = yield from part(begin(folder, SceneInput.from_dict(asked), ResultFolder(Path(results)), where), 0.0, 0.1)
    if begun.digest != digest:
        raise FormatError("This node sees other rasters than the job does. All nodes need the same files.")
    scan = begun.scan
    left = [stripe for stripe in scan.stripes if stripe.number in stripes and not scan.is_kept(stripe)]
    yield from part(scan.answer(left), 0.1, 1.0)


def _novelty(novelty: Novelty | None, bands: tuple, found: Found, looked: Collector | None) -> NoveltyFound | None:
    if novelty is None or found.sums is None or looked is None:
        return None
    return found_of(novelty, bands, found.sums, looked.features(), n_new=found.n_new)


def _bands(ensemble: Ensemble) -> tuple:
    return tuple(ensemble.models[0].network.bands)


def _no_answer(ensemble: Ensemble) -> Answer:
    """For what asks for an answer, although only the threshold is wanted."""
    nothing = np.empty(0)
    by_fold = np.empty((len(ensemble.models), 0))
    return Answer(nothing.astype(str), nothing, nothing.astype(np.int8), ensemble.threshold, ensemble.head, by_fold)
