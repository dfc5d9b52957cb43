"""What one fold knows of its patches: embeddings, labels and which of them the fold trained on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.errors import RunError
from core.heads import load_heads
from core.heads.blend import WITHOUT_NETWORK
from core.runs.store import RunFolder

OLDER = (
    "This run was made before the embeddings of synthetic patches were kept: heads fitted anew learn from the real "
    "patches alone, so they are not comparable with the run's own."
)


@dataclass(frozen=True)
class FoldRows:
    """What one fold's heads learn from. train, val: rows; labels: (N,), -1 where unlabelled; synthetic: (M, D)."""

    train: np.ndarray
    val: np.ndarray
    labels: np.ndarray
    synthetic: np.ndarray
    complete: bool


def fold_rows(run: RunFolder, fold: int) -> FoldRows:
    """The rows that a fold's heads learn from; of a run of an earlier version as far as they can be told."""
    stored = run.head_rows(fold)
    if stored is not None:
        return FoldRows(stored["train"], stored["val"], stored["labels"], stored["synthetic"], complete=True)
    oof, (n, width) = run.oof(), run.embeddings(fold)["embeddings"].shape
    row_of = np.arange(n) if len(oof) == n else _rows_in_dataset(run, oof["id"].to_numpy())
    labels, fold_of = np.full(n, -1, np.int8), np.full(n, -1)
    labels[row_of], fold_of[row_of] = oof["label"], oof["fold"]
    train, val = np.flatnonzero((fold_of >= 0) & (fold_of != fold)), np.flatnonzero(fold_of == fold)
    complete = not run.fold_card(fold).get("n_synthetic", 0)
    return FoldRows(train, val, labels, np.zeros((0, width), np.float32), complete)


def own_scores(run: RunFolder, fold: int) -> dict[str, np.ndarray]:
    """The run's own heads' decision values of all real patches; of an older run those of heads on embeddings."""
    if run.has_scores(fold):
        return run.scores(fold)
    embeddings = run.embeddings(fold)["embeddings"]
    heads = load_heads(run.heads_path(fold))
    return {name: head.decision(embeddings) for name, head in heads.items() if name not in WITHOUT_NETWORK}


def _rows_in_dataset(run: RunFolder, ids: np.ndarray) -> np.ndarray:
    """Where these ids stand in the dataset file, for a run that did not write it down."""
    from core.data.store import open_dataset

    position = {str(name): i for i, name in enumerate(open_dataset(run.dataset_path()).ids)}
    if missing := [name for name in ids if name not in position]:
        raise RunError(f"'{missing[0]}' of run '{run.name}' is not in its dataset file any more. Restore that file.")
    return np.array([position[name] for name in ids])
