"""Which pairs of the same ground a split, groups or folds divide, and which synthetic patches they concern."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from core.config import FoldsConfig
from core.data.fold_drawing import draw_folds
from core.data.folds import fold_by_id
from core.data.leakage.split_audit import crossing
from core.data.store.dataset import Dataset
from core.runs.store import RunFolder


def lineage_leaks(run: RunFolder, pairs: pd.DataFrame | None = None) -> pd.DataFrame:
    """Synthetic patches of a run of which a parent, or what shows a parent's ground, is validated in the same fold.

    Columns fold, synthetic, parent, judged (the patch of the validation part), why (itself, or the pair's kind). Empty
    for a run whose balancing stayed inside its folds. pairs: none: those that the run has kept.
    """
    smote, fold_of = run.smote(), run.oof().set_index("id")["fold"]
    pairs = run.leaks() if pairs is None else pairs
    alike: dict[str, list[tuple[str, str]]] = {}
    for a, b, kind in [] if pairs is None else zip(pairs["a"], pairs["b"], pairs["kind"], strict=True):
        alike.setdefault(a, []).append((b, kind))
        alike.setdefault(b, []).append((a, kind))
    rows = [
        {"fold": row.fold, "synthetic": row.synthetic, "parent": parent, "judged": judged, "why": why}
        for row in smote.itertuples()
        for parent in dict.fromkeys((row.anchor, row.neighbour))
        for judged, why in [(parent, "itself"), *alike.get(parent, [])]
        if fold_of.get(judged, -1) == row.fold
    ]
    return pd.DataFrame(rows, columns=["fold", "synthetic", "parent", "judged", "why"])


def split_pairs(
    dataset: Dataset, pairs: pd.DataFrame, config: FoldsConfig, seed: int = 0, labels: np.ndarray | None = None
) -> dict[str, pd.DataFrame]:
    """Pairs by what divides them: the source's split, the groups, folds without groups, folds as a run draws them.

    labels: (N,) int8 where some patches are left out; none: the dataset's.
    """
    labels, ids = dataset.labels if labels is None else labels, dataset.ids
    found = divided_by_source(dataset, pairs)
    for name, grouped in (("ungrouped_folds", False), ("folds", True)):
        one = config.model_copy(update={"grouped": grouped})
        folds = draw_folds(dataset, labels, one, seed, pairs).folds
        found[name] = learnt_and_judged(pairs, json.loads(folds.to_json(ids)))
    return found


def divided_by_source(dataset: Dataset, pairs: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Pairs that the source's own split and groups divide, where it has any."""
    parts = {"split": dataset.split, "groups": dataset.groups}
    return {
        name: crossing(pairs, dict(zip(dataset.ids, values, strict=True)))
        for name, values in parts.items()
        if values is not None
    }


def split_pairs_of_run(run: RunFolder, pairs: pd.DataFrame) -> pd.DataFrame:
    """Pairs whose patches a run validated in different folds: it learnt from one when it scored the other."""
    return learnt_and_judged(pairs, run.folds())


def learnt_and_judged(pairs: pd.DataFrame, folds: Mapping[str, Any]) -> pd.DataFrame:
    """Pairs one of whose patches is learnt from in the fold that judges the other, with their folds part_a and part_b.

    folds: as a run records them (``core.data.folds.Folds.to_json``).
    """
    crossed = crossing(pairs, fold_by_id(folds))
    if "left_out" not in folds:
        return crossed
    out = [set(map(str, ids)) for ids in folds["left_out"]]
    learnt = [
        (of_b >= 0 and a not in out[int(of_b)]) or (of_a >= 0 and b not in out[int(of_a)])
        for a, b, of_a, of_b in zip(crossed["a"], crossed["b"], crossed["part_a"], crossed["part_b"], strict=True)
    ]
    return crossed[np.array(learnt, bool)].reset_index(drop=True)
