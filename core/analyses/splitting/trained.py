"""Finished runs that differ in nothing but seeds and the way of splitting, as answers for the same patches."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.config import FoldsConfig, RunConfig
from core.data.folds import Folds
from core.data.regions.ways import way_of
from core.data.store.dataset import Dataset
from core.errors import LandslideLensError
from core.evaluate.comparison.repeats import Answers
from core.runs.repeats import recipe_of
from core.runs.store import RunFolder


@dataclass(frozen=True, eq=False)
class TrainedWays:
    """What runs of one recipe answered.

    labels: (N,) int8, -1 for patches that not all of them judged. answers, folds, runs: by way, one entry a run; the
    answers are of the labelled patches in their order.
    """

    labels: np.ndarray
    answers: dict[str, list[Answers]]
    folds: dict[str, list[Folds]]
    runs: dict[str, list[str]]


def runs_by_way(run: RunFolder, others: Iterable[RunFolder]) -> dict[str, list[RunFolder]]:
    """The finished runs of the same recipe by their way of splitting; repeats of one way, with other seeds, together.

    A run of one split is none of them. Where a way was tried with several settings (another buffer, other columns),
    those of ``run`` itself count for its own way, and of another way those of the newest run.
    """
    own = recipe_of(run, any_folds=True)
    found: dict[str, list[RunFolder]] = {}
    for other in [run, *sorted(others, key=lambda one: one.name, reverse=True)]:
        if other.name != run.name and not _is_of(other, own):
            continue
        folds = other.config().folds
        if folds.protocol == "single":  # it has judged a part of the patches only
            continue
        kept = found.setdefault(way_of(folds), [])
        if kept and (_plain(kept[0].config().folds) != _plain(folds) or other.name in [one.name for one in kept]):
            continue
        kept.append(other)
    return found


def settings_of(config: RunConfig, folds: FoldsConfig) -> RunConfig:
    """The run's settings with another way of splitting."""
    return config.model_copy(update={"folds": folds.model_copy(update={"seed": config.folds.seed})})


def trained_ways(by_way: Mapping[str, list[RunFolder]], dataset: Dataset) -> TrainedWays:
    """Their out-of-fold answers, each by its own headline head, for the patches that all of them judged.

    Raises RunError for a damaged run.
    """
    labels = np.full(len(dataset), -1, np.int8)
    common = np.ones(len(dataset), bool)
    tables: dict[str, list[tuple[np.ndarray, Any, str]]] = {}
    for way, runs in by_way.items():
        for run in runs:
            oof, head = run.oof(), run.summary()["head"]
            oof = oof[oof["label"] >= 0]
            rows = dataset.index_of(oof["id"].to_numpy())
            labels[rows] = oof["label"].to_numpy()
            here = np.zeros(len(dataset), bool)
            here[rows] = True
            common &= here
            tables.setdefault(way, []).append((rows, oof, head))
    labels[~common] = -1
    known = np.flatnonzero(common)
    answers = {way: [_in_order(*one, known, len(dataset)) for one in some] for way, some in tables.items()}
    folds = {
        way: [Folds.from_json(json.dumps(run.folds()), dataset.ids) for run in runs] for way, runs in by_way.items()
    }
    return TrainedWays(labels, answers, folds, {way: [run.name for run in runs] for way, runs in by_way.items()})


def _in_order(rows: np.ndarray, oof: Any, head: str, known: np.ndarray, n: int) -> Answers:
    pred, probs = np.zeros(n, np.int8), np.zeros(n)
    pred[rows], probs[rows] = oof[f"pred_{head}"].to_numpy(), oof[f"prob_{head}"].to_numpy()
    return pred[known], probs[known]


def _plain(folds: FoldsConfig) -> FoldsConfig:
    return folds.model_copy(update={"seed": None})


def _is_of(run: RunFolder, recipe: str) -> bool:
    try:
        return run.status()["state"] == "succeeded" and recipe_of(run, any_folds=True) == recipe
    except (LandslideLensError, OSError, KeyError, TypeError):
        return False  # a damaged folder is no run of anything
