"""Which pairs of the same ground a split, groups or folds divide, and which synthetic patches they concern."""

from __future__ import annotations

import numpy as np
import pandas as pd

from core.config import FoldsConfig
from core.data.folds import make_folds
from core.data.grouping import groups_for
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
    found = {}
    if dataset.split is not None:
        found["split"] = crossing(pairs, dict(zip(ids, dataset.split, strict=True)))
    if dataset.groups is not None:
        found["groups"] = crossing(pairs, dict(zip(ids, dataset.groups, strict=True)))
    groups = groups_for(dataset, labels, config, pairs).groups
    for name, grouped in (("ungrouped_folds", False), ("folds", True)):
        fold_of = make_folds(labels, groups, config.n_splits, seed, grouped).fold_of
        known = fold_of >= 0
        found[name] = crossing(pairs, dict(zip(ids[known], fold_of[known], strict=True)))
    return found


def split_pairs_of_run(run: RunFolder, pairs: pd.DataFrame) -> pd.DataFrame:
    """Pairs whose patches a run validated in different folds: it learnt from one when it scored the other."""
    return crossing(pairs, run.oof().set_index("id")["fold"].to_dict())
