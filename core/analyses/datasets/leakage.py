"""Leakage of a dataset: pairs of patches that show the same ground, what splits them, and what that adds to scores."""

from __future__ import annotations

import time
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any, Self

import numpy as np
import pandas as pd
from pydantic import Field, model_validator

from core.analyses.base import Analysis, Options
from core.analyses.datasets.inflation import Inflation, inflation, inflation_of_runs
from core.analyses.datasets.split_pairs import divided_by_source, lineage_leaks, split_pairs, split_pairs_of_run
from core.analyses.datasets.state import state_of
from core.config import FoldsConfig
from core.data.exclusions import labels_in_use
from core.data.held_back.split_parts import held_back
from core.data.leakage.split_audit import Leaks, leaks_of
from core.data.store import Dataset, open_dataset
from core.errors import FoldError, LandslideLensError
from core.progress import Progress, Steps, part
from core.runs.store import open_run
from core.runs.targets import DatasetTarget

_FOLDS: dict[str, Any] = dict(FoldsConfig.model_fields)  # Any: a field stands here as a default of its own type


class LeakageOptions(Options):
    """Which folds are drawn, and which finished runs are looked at too."""

    run: str | None = Field(
        None, title="Run", description="Also examine the folds and synthetic patches of this finished run."
    )
    leaking_run: str | None = Field(
        None,
        title="Run with leaking folds",
        description="A finished run whose folds leak: its scores minus those of the other run.",
    )
    group_by: str = _FOLDS["group_by"]
    block_km: float | None = _FOLDS["block_km"]
    buffer_m: float = _FOLDS["buffer_m"]
    use_split: bool = _FOLDS["use_split"]
    n_splits: int = Field(5, ge=2, le=20, title="Folds", description="Number of folds.")
    seed: int = Field(0, ge=0, title="Seed", description="Random seed of the folds.")
    scores: bool = Field(
        True,
        title="Measure the effect on scores",
        description="Score simple classifiers under folds that ignore groups and pairs, and under folds that keep the "
        "same ground together.",
    )

    @model_validator(mode="after")
    def _two_runs_are_compared(self) -> Self:
        if self.leaking_run and not self.run:
            raise ValueError("--leaking-run is compared with the run named by --run. Name both")
        return self


@dataclass(frozen=True)
class Leakage:
    """What was found. pairs: as in ``core.data.leakage.split_audit.Leaks``.

    report: n, n_pairs, by_kind, split_pairs (pairs by what splits them), notes, inflation (a row a classifier and
    metric), inflation_note, run and lineage where a run was named, seconds, options, and the state of the dataset.
    """

    pairs: pd.DataFrame
    report: dict[str, Any]

    @property
    def scores(self) -> pd.DataFrame:
        """Rows of ``core.analyses.datasets.inflation.Inflation``; none where scores were not measured."""
        rows = pd.DataFrame(self.report["inflation"], columns=[field.name for field in fields(Inflation)])
        return rows.astype({name: float for name in ("leaking", "honest", "difference", "lo", "hi", "p")})


def analyse(target: DatasetTarget, options: LeakageOptions) -> Steps[dict[str, Any]]:
    """Find the pairs, count those that splits, groups and folds divide, and measure the effect on scores.

    Raises RunError for a run that is not there or has not judged its patches.
    """
    yield Progress(0.0, "Opening the dataset.")
    dataset = open_dataset(target.path)
    run, leaking_run = (
        open_run(target.checkpoints, name) if name else None for name in (options.run, options.leaking_run)
    )
    labels, facts = labels_in_use(dataset), state_of(dataset)
    names = ("n_splits", "group_by", "block_km", "buffer_m", "use_split")
    config = FoldsConfig(**{name: getattr(options, name) for name in names})
    leaks = yield from part(leaks_of(dataset), 0.0, 0.6 if options.scores else 1.0)
    notes = list(leaks.notes)
    try:
        held = held_back(dataset, labels, config)
        labels = np.where(held.mask, np.int8(-1), labels)
        notes += held.notes
        counts = split_pairs(dataset, leaks.pairs, config, options.seed, labels)
    except FoldError as error:
        counts = divided_by_source(dataset, leaks.pairs)
        notes.append(f"Pairs between folds were not counted: {error}")
    report = {
        "n": len(dataset),
        "n_pairs": len(leaks.pairs),
        "by_kind": leaks.pairs["kind"].value_counts().to_dict(),
        "split_pairs": {name: len(pairs) for name, pairs in counts.items()},
        "notes": notes,
        "inflation": [],
        "inflation_note": "",
        "seconds": leaks.seconds,
    }
    if run:
        report["run"] = run.name
        report["split_pairs"]["run"] = len(split_pairs_of_run(run, leaks.pairs))
        report["lineage"] = lineage_leaks(run, leaks.pairs).to_dict("records")
    if run and leaking_run:
        report["inflation"] = [row.to_dict() for row in inflation_of_runs(leaking_run, run)]
    if options.scores:
        began = time.monotonic()
        try:
            rows = yield from part(inflation(dataset, leaks.pairs, config, labels, options.seed), 0.6, 1.0)
            report["inflation"] += [row.to_dict() for row in rows]
        except LandslideLensError as error:
            report["inflation_note"] = str(error)
        report["seconds_scores"] = time.monotonic() - began
    made = datetime.now(UTC).isoformat(timespec="seconds")
    results = target.results(ANALYSIS.name)
    results.write_table("pairs", leaks.pairs)
    results.write_json("report.json", report | facts | {"options": options.model_dump(mode="json"), "made": made})
    return {"message": f"{len(leaks.pairs):,} pairs of patches show the same ground.", "n_pairs": len(leaks.pairs)}


def reported(target: DatasetTarget, dataset: Dataset) -> Leaks | None:
    """What the newest result found in this very content; None where it speaks of another, or there is none."""
    found = read(target)
    if found is None or found.report["content_hash"] != dataset.content_hash:
        return None
    report = found.report
    return Leaks(found.pairs, report["content_hash"], report["n"], report["seconds"], tuple(report["notes"]))


def read(target: DatasetTarget) -> Leakage | None:
    """The newest result, or None before anybody asked."""
    results = target.results(ANALYSIS.name)
    if not results.has("report.json"):
        return None
    return Leakage(results.table("pairs"), results.json("report.json"))


ANALYSIS = Analysis(
    name="leakage",
    title="Leakage",
    summary="Near-duplicates, crops shifted by up to half a side (by any shift where places are known) and blends; "
    "which of them a split divides, and what that adds to scores.",
    page="dataset",
    view="leakage",
    target="dataset",
    Options=LeakageOptions,
    run=analyse,
    read=read,
    needs_device=False,
)
