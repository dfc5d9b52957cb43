"""What to label next, so that a batch of labels teaches the most: unlabelled patches here or elsewhere, or scene cells.

A batch of each place is kept until the next one is asked for there; judgements lie beside what is judged, so that they
outlast it.
"""

from __future__ import annotations

import hashlib
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pydantic import Field

from core.analyses.base import Analysis, Options
from core.analyses.maps.opened import report_of
from core.analyses.review.candidates import OWN, SCENE, Candidates, candidates, must_be_there, parsed, space_of
from core.errors import needed
from core.io.safe_paths import slug
from core.progress import Progress, Steps, part
from core.runs.job_folder import now
from core.runs.results import ResultFolder
from core.runs.store import RunFolder, datasets_path

NAME = "next_patches"


class NextPatchesOptions(Options):
    """The size of the batch, and where it is chosen."""

    n: int = Field(20, ge=1, le=5000, title="How many", description="Patches or cells to label.")
    where: str = Field(
        OWN,
        min_length=1,
        max_length=1000,
        title="Where",
        description="own: unlabelled patches of the run's dataset. dataset:NAME, prediction:NAME or scene:NAME: of "
        "another dataset, an earlier prediction, or cells of a scene's map.",
    )


def analyse(run: RunFolder, options: NextPatchesOptions) -> Steps[dict[str, Any]]:
    """Choose the batch and keep it. Raises as ``candidates``, and RunError for a run that has not finished."""
    from core.review.next_patches import one_of_each, reason, uncertain, worth_of, worthiest

    run.require_finished()
    found = yield from part(candidates(run, options.where), 0.0, 0.6)
    uncertainty = uncertain(found.probs, found.threshold)
    worth = worth_of(uncertainty, found.novelty)
    first, features = yield from part(found.features(worthiest(worth, options.n)), 0.6, 0.9)
    order = np.argsort(-worth[first], kind="stable")
    first, features = first[order], features[order]
    kinds = one_of_each(features, worth[first], options.n, run.config().seed)
    at = first[kinds.index]
    novelty = np.full(len(at), np.nan) if found.novelty is None else found.novelty[at]
    table = pd.DataFrame(
        {
            "rank": np.arange(1, len(at) + 1),
            "id": found.names[at],
            "prob": found.probs[at],
            "spread": found.spread[at],
            "uncertainty": uncertainty[at],
            "novelty": novelty,
            "kind": kinds.kind + 1,
            "alike": kinds.alike,
        }
    )
    table["near"] = _nearest(run, features[kinds.index])
    table["reason"] = [
        reason(row.prob, found.threshold, row.novelty, row.alike) for row in table.itertuples(index=False)
    ]
    judged = found.judged
    if judged is None:
        judged = yield from part(_kept(run, options.where, found, at), 0.9, 1.0)
    what = {"patch": "unlabelled patches", "cell": "cells"}[found.kind]
    report = {
        "made": now(),
        "where": options.where,
        "title": found.title,
        "kind": found.kind,
        "judged": str(Path(judged).resolve()),
        "n": len(table),
        "n_candidates": len(found.names),
        "n_kinds": int(table["kind"].nunique()),
        "head": found.head,
        "threshold": found.threshold,
        **_share(run, options.where),
        "ids": table["id"].tolist(),
        "message": f"{len(table):,} of {len(found.names):,} {what} of {found.title} chosen; the first is "
        f"{table['id'][0]}: {table['reason'][0]}.",
    }
    results = folder(run, options.where)
    results.write_table("patches", table)
    results.write_json("report.json", report)
    return {"run": run.name, **report}


def check(run: RunFolder, options: NextPatchesOptions) -> None:
    """Raises for a place that is not there."""
    must_be_there(run, options.where)


def read(run: RunFolder) -> dict[str, dict[str, Any]] | None:
    """The reports by where; None before the first."""
    results = run.results(NAME)
    found = [results.part(name).json("report.json") for name in results.parts()]
    return {one["where"]: one for one in found} or None


def folder(run: RunFolder, where: str) -> ResultFolder:
    """Of one place: ``patches`` (a table, a row each that was chosen, the worthiest first) and ``report.json``."""
    kind, _ = parsed(where)
    return run.results(NAME).part(f"{kind}-{hashlib.sha256(where.encode()).hexdigest()[:12]}")


def _share(run: RunFolder, where: str) -> dict[str, Any]:
    """How frequent landslides are: as stated for the map or the run, else as among the run's patches."""
    from core.runs.prevalence import prevalence_of

    kind, name = parsed(where)
    if kind == SCENE and (stated := report_of(run, name)["triage"].get("share_of_landslides")) is not None:
        return {"share": float(stated), "share_is_stated": True}
    if (of_run := prevalence_of(run)) is not None:
        return {"share": float(of_run.share), "share_is_stated": True}
    return {"share": float((run.oof()["label"] == 1).mean()), "share_is_stated": False}


def _nearest(run: RunFolder, features: np.ndarray) -> np.ndarray:
    """(n,) text, the id of the labelled patch that each is most like."""
    from core.data.store import open_dataset
    from core.embed.neighbours import nearest

    _, rows, learnt = space_of(run)
    return open_dataset(run.dataset_path()).ids[rows[nearest(features, learnt, 1).index[:, 0]]].astype(str)


def _kept(run: RunFolder, where: str, found: Candidates, at: np.ndarray) -> Steps[Path]:
    """The chosen of a source that is no dataset, written as one without labels, so that they can be judged."""
    from core.data.store import DatasetWriter

    yield Progress(0.0, "Keeping the chosen patches as a dataset.")
    home, stem = datasets_path(run.checkpoints), f"next-{slug(Path(found.title).stem)}"
    home.mkdir(parents=True, exist_ok=True)
    free = (home / (f"{stem}.h5" if k == 1 else f"{stem}-{k}.h5") for k in range(1, 10_000))
    path = next(one for one in free if not one.exists())
    batches = needed(found.images, f"The patches of {found.title} cannot be read.")(at)
    first = next(batches)
    with DatasetWriter(
        path, bands=found.bands, shape_hw=first[1].shape[2:], class_names=tuple(run.summary()["class_names"]),
        source=f"Chosen from {found.title} to be labelled, by run '{run.name}'.",
        facts={"chosen_from": {"run": run.name, "where": where}},
    ) as writer:  # fmt: skip
        for some, raw in chain([first], batches):
            writer.append(raw, np.full(len(some), -1, np.int8), found.names[some].tolist())
        made = yield from writer.finishing()
    return made.path


ANALYSIS = Analysis(
    name=NAME,
    title="What to label next",
    summary="Unlabelled patches or scene cells whose labels would teach the run most: uncertain, novel, unlike.",
    page="review",
    view="next",
    Options=NextPatchesOptions,
    run=analyse,
    read=read,
    check=check,
)
