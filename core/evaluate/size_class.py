"""How well the size class of landslides is told: the share that is right beside that of always the commonest class.

The patches are those that the answering network has not seen.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from core.stats.design_effect import share_interval


def size_facts(truth: np.ndarray, answered: np.ndarray, groups: np.ndarray | None = None) -> dict[str, Any]:
    """Text classes (N,) each. Values are nan where N is 0.

    accuracy with its 95 % interval (Wilson; groups (N,) minded), macro_f1: the mean F1 over the classes that
    are there, majority: the share of the commonest class, confusion: true class -> answered class -> patches.
    """
    n = len(truth)
    classes = sorted(set(truth.tolist()) | set(answered.tolist()))
    accuracy, *bounds = share_interval(truth == answered, groups)
    f1 = [_f1(truth == name, answered == name) for name in sorted(set(truth.tolist()))]
    return {
        "n": n,
        "accuracy": accuracy,
        "accuracy_interval": bounds,
        "macro_f1": float(np.mean(f1)) if f1 else float("nan"),
        "majority": max(int((truth == name).sum()) for name in classes) / n if n else float("nan"),
        "confusion": {a: {b: int(((truth == a) & (answered == b)).sum()) for b in classes} for a in classes},
    }


def _f1(truth: np.ndarray, answered: np.ndarray) -> float:
    both = int((truth & answered).sum())
    return 2 * both / (int(truth.sum()) + int(answered.sum())) if both else 0.0
