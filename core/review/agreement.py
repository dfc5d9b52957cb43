"""How far reviewers agree beyond chance: Cohen's kappa, with an interval from resampled subjects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from core.stats.bootstrap import resampled_counts
from core.stats.intervals import bounded_interval

N_BOOT, SEED = 2000, 0


@dataclass(frozen=True)
class Agreement:
    """Of two reviewers on the ``n`` subjects that both judged.

    same: share of equal verdicts. kappa: -1 to 1, with its 95 % interval; nan where it is undefined, as when both
    always said the same one thing.
    """

    first: str
    second: str
    n: int
    same: float
    kappa: float
    lo: float
    hi: float

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def agreement_of(first: str, second: str, ours: Sequence[str], theirs: Sequence[str]) -> Agreement:
    """Cohen's kappa (1960) of two reviewers' verdicts (n,) on the same subjects."""
    kinds, codes = np.unique([*ours, *theirs], return_inverse=True)
    n, k = len(ours), len(kinds)
    if n == 0:
        return Agreement(first, second, 0, *[float("nan")] * 4)
    cells = np.zeros((n, k * k))
    cells[np.arange(n), codes[:n] * k + codes[n:]] = 1.0
    point = kappa(cells.sum(axis=0, keepdims=True), k)[0]
    samples = kappa(resampled_counts(cells, None, N_BOOT, SEED), k)
    lo, hi = bounded_interval(float(point), samples, n, low=-1.0)
    return Agreement(first, second, n, float((codes[:n] == codes[n:]).mean()), float(point), lo, hi)


def kappa(counts: np.ndarray, k: int) -> np.ndarray:
    """(R,) Cohen's kappa of tables of counts (R, k * k); nan where both reviewers always said the same one thing."""
    tables = counts.reshape(-1, k, k)
    total = tables.sum(axis=(1, 2))
    observed = np.trace(tables, axis1=1, axis2=2) / total
    expected = (tables.sum(axis=1) * tables.sum(axis=2)).sum(axis=1) / total**2
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(expected < 1.0 - 1e-12, (observed - expected) / (1.0 - expected), np.nan)
