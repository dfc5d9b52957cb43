"""How well a second head answers its classes, beside the answer that is always the commonest class.

The patches are those that the answering network has not seen.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from core.stats.bootstrap import effective_groups, resampled_counts
from core.stats.design_effect import share_interval
from core.stats.intervals import bounded_interval

N_BOOT = 1000


def second_facts(
    truth: np.ndarray, answered: np.ndarray, groups: np.ndarray | None = None, fold_of: np.ndarray | None = None
) -> dict[str, Any]:
    """Text classes (N,) each; groups (N,) are resampled whole. Values are nan where N is 0.

    accuracy with its 95 % interval (Wilson), balanced_accuracy: the mean recall of the classes that are there, with
    its interval (bootstrap), macro_f1: their mean F1, majority: the share of the commonest class, chance: the balanced
    accuracy of always answering it, confusion: true class -> answered class -> patches, folds: a row a fold.
    """
    n, there = len(truth), sorted(set(truth.tolist()))
    classes = sorted(set(there) | set(answered.tolist()))
    accuracy, *bounds = share_interval(truth == answered, groups)
    f1 = [_f1(truth == name, answered == name) for name in there]
    found: dict[str, Any] = {
        "n": n,
        "accuracy": accuracy,
        "accuracy_interval": bounds,
        "macro_f1": float(np.mean(f1)) if f1 else float("nan"),
        "balanced_accuracy_interval": list(_balanced_interval(truth, answered, groups)),
        "confusion": {a: {b: int(((truth == a) & (answered == b)).sum()) for b in classes} for a in classes},
        "folds": [],
    } | _beside(truth, answered)
    for fold in [] if fold_of is None else np.unique(fold_of):
        own = fold_of == fold
        row = {"fold": int(fold), "n": int(own.sum()), "accuracy": float((truth == answered)[own].mean())}
        found["folds"].append(row | _beside(truth[own], answered[own]))
    return found


def kept_facts(summary: Mapping[str, Any]) -> dict[str, Any] | None:
    """The facts that a run's summary keeps; None without a second head. Earlier runs knew size classes alone."""
    if "second" in summary:
        return dict(summary["second"])
    if "size" not in summary:
        return None
    facts = dict(summary["size"])
    cells = facts.get("confusion", {})
    recalls = [row.get(name, 0) / sum(row.values()) for name, row in cells.items() if sum(row.values())]
    known = {"balanced_accuracy": float(np.mean(recalls)), "chance": 1 / len(recalls)} if recalls else {}
    return {"of": "landslides", "folds": [], **known, **facts}


def _beside(truth: np.ndarray, answered: np.ndarray) -> dict[str, float]:
    """Balanced accuracy, and what the commonest class alone reaches."""
    names, counts = np.unique(truth, return_counts=True)
    if not len(names):
        return dict.fromkeys(("balanced_accuracy", "majority", "chance"), float("nan"))
    recalls = [float((answered[truth == name] == name).mean()) for name in names]
    return {
        "balanced_accuracy": float(np.mean(recalls)),
        "majority": float(counts.max() / counts.sum()),
        "chance": 1 / len(names),
    }


def _balanced_interval(truth: np.ndarray, answered: np.ndarray, groups: np.ndarray | None) -> tuple[float, float]:
    names, code = np.unique(truth, return_inverse=True)
    if not len(names):
        return float("nan"), float("nan")
    right = (truth == answered).astype(np.int64)
    cells = ((2 * code + right)[:, None] == np.arange(2 * len(names))).astype(np.float64)
    counts = resampled_counts(cells, groups, N_BOOT, seed=0).reshape(N_BOOT, len(names), 2)
    total = counts.sum(axis=2)
    recalls = np.divide(counts[:, :, 1], total, out=np.full(total.shape, np.nan), where=total > 0)
    # A resample without one of the classes is of fewer; one without any is undefined.
    known = np.isfinite(recalls)
    samples = np.divide(
        np.nansum(recalls, axis=1), known.sum(axis=1), out=np.full(N_BOOT, np.nan), where=known.any(axis=1)
    )
    worth = min(
        effective_groups(None if groups is None else groups[truth == name], int((truth == name).sum()))
        for name in names
    )
    return bounded_interval(_beside(truth, answered)["balanced_accuracy"], samples, worth, 0.0, 1.0)


def _f1(truth: np.ndarray, answered: np.ndarray) -> float:
    both = int((truth & answered).sum())
    return 2 * both / (int(truth.sum()) + int(answered.sum())) if both else 0.0
