"""What a head loses on patches that it has not seen: F1 on training patches minus F1 out of fold, with intervals.

A patch is training in every fold but one, so it counts there several times; groups are resampled whole and with them
all decisions on their patches.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from core.evaluate.intervals import interval
from core.evaluate.metrics import rates
from core.stats.bootstrap import by_group, group_index, kish, resampled_sums
from core.stats.intervals import t_interval


@dataclass(frozen=True)
class Gap:
    """Pooled over the folds. n_train: decisions on training patches. folds: a dict each, undefined values nan.

    Keys of a fold: fold, train_f1, f1, gap, n_train, n_val.
    """

    train_f1: float
    train_interval: tuple[float, float]
    n_train: int
    gap: float
    gap_interval: tuple[float, float]
    folds: tuple[dict[str, Any], ...]


def gap(
    labels: np.ndarray,
    called: np.ndarray,
    fold_of: np.ndarray,
    pred: np.ndarray,
    groups: np.ndarray | None,
    n_boot: int = 1000,
    seed: int = 0,
) -> Gap:
    """F1 on training patches, out of fold, and the gap; intervals are nan where undefined.

    labels: (N,) 0/1. called: (K, N) 0/1, fold k's decision on every patch. fold_of: (N,) 0..K-1, where each is held
    out. pred: (N,) 0/1, the out-of-fold decisions. groups: (N,) or none.
    """
    n_folds = len(called)
    held_out = fold_of == np.arange(n_folds)[:, None]  # (K, N)
    of_training = _cells(labels, called)  # (K, N, 4)
    of_training[held_out] = 0.0
    of_unseen = _cells(labels, pred)  # (N, 4)
    folds = []
    for k in range(n_folds):
        train_f1 = _f1(of_training[k].sum(axis=0))
        f1 = _f1(of_unseen[held_out[k]].sum(axis=0))
        n_val = int(held_out[k].sum())
        counts = {"n_train": len(labels) - n_val, "n_val": n_val}
        folds.append({"fold": k, "train_f1": train_f1, "f1": f1, "gap": train_f1 - f1, **counts})
    group_of, n_groups = group_index(groups, len(labels))
    train_cells = by_group(of_training.sum(axis=0), group_of, n_groups)  # (G, 4)
    cells = by_group(of_unseen, group_of, n_groups)
    train_f1, f1 = _f1(train_cells.sum(axis=0)), _f1(cells.sum(axis=0))
    drawn = resampled_sums(np.concatenate([train_cells, cells], axis=1), n_boot, seed)  # (n_boot, 8)
    train_samples, samples = _f1s(drawn[:, :4]), _f1s(drawn[:, 4:])
    worth = kish(cells @ [0.0, 1.0, 1.0, 2.0])
    return Gap(
        train_f1,
        interval(train_f1, train_samples, kish(train_cells @ [0.0, 1.0, 1.0, 2.0]), "f1"),
        int(of_training.sum()),
        train_f1 - f1,
        t_interval(train_f1 - f1, train_samples - samples, worth),
        tuple(folds),
    )


def _cells(labels: np.ndarray, pred: np.ndarray) -> np.ndarray:
    """(..., 4) counts of tn, fp, fn, tp for decisions (..., N)."""
    return ((2 * labels + pred)[..., None] == np.arange(4)).astype(np.float64)


def _f1(cells: np.ndarray) -> float:
    return float(rates(*cells)["f1"])


def _f1s(cells: np.ndarray) -> np.ndarray:
    return rates(*cells.T)["f1"]
