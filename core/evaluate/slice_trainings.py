"""Where a recipe is weak in every training: each slice's metric over trainings that differ in their seeds alone.

``core.evaluate.slices`` says what other patches would change, from one training; this says what another training would.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from core.evaluate.metrics import check_labels, rates
from core.evaluate.slices import slice_names

FEWEST = 2  # trainings: one has no spread
TABLE = ("by", "slice", "n_trainings", "mean", "sd", "min", "max", "difference", "diff_lo", "diff_hi", "p")


def slice_trainings(
    labels: np.ndarray, preds: Sequence[np.ndarray], facts: Mapping[str, np.ndarray], metric: str, n_bins: int = 4
) -> pd.DataFrame:
    """One row a slice, columns ``TABLE``.

    labels: (N,) 0/1. preds: (N,) 0/1 of each training, all out of fold. facts: as ``slice_report`` takes them; slices
    are the same. mean, sd, min, max: of the slice's metric over the trainings. difference: the mean of what the slice
    has more than all other patches with a known fact; its 95 % interval and p over trainings (Student's t), nan where
    a training has it undefined or there are fewer than ``FEWEST``.
    """
    labels = check_labels(labels)
    cells = [((2 * labels + check_labels(pred))[:, None] == np.arange(4)).astype(float) for pred in preds]  # (N, 4)
    rows = []
    for by, values in facts.items():
        of = slice_names(values, n_bins)
        known = of != ""
        for name in dict.fromkeys(name for name in of if name):
            part = of == name
            value = np.array([_metric(one[part], metric) for one in cells])
            rest = np.array([_metric(one[known & ~part], metric) for one in cells])
            rows.append({"by": by, "slice": name, "n_trainings": len(value), **_spread(value), **_over(value - rest)})
    return pd.DataFrame(rows, columns=list(TABLE))


def _metric(cells: np.ndarray, metric: str) -> float:
    return float(rates(*cells.sum(axis=0)[None].T)[metric][0])


def _spread(values: np.ndarray) -> dict[str, float]:
    sd = float(values.std(ddof=1)) if len(values) >= FEWEST else math.nan
    return {"mean": float(values.mean()), "sd": sd, "min": float(values.min()), "max": float(values.max())}


def _over(gaps: np.ndarray) -> dict[str, float]:
    """The mean of differences, with its interval and p over trainings."""
    from scipy.stats import t

    mean, nothing = float(gaps.mean()), {"diff_lo": math.nan, "diff_hi": math.nan, "p": math.nan}
    if len(gaps) < FEWEST or math.isnan(mean):
        return {"difference": mean} | nothing
    error = float(gaps.std(ddof=1)) / math.sqrt(len(gaps))
    if error < 1e-12:  # every training has the same
        return {"difference": mean, "diff_lo": mean, "diff_hi": mean, "p": 1.0 if abs(mean) < 1e-12 else 0.0}
    reach = float(t.ppf(0.975, len(gaps) - 1)) * error
    p = float(2 * t.sf(abs(mean) / error, len(gaps) - 1))
    return {"difference": mean, "diff_lo": mean - reach, "diff_hi": mean + reach, "p": p}
