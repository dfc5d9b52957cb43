"""Many comparisons at once, and printed results of others: what luck alone would show.

p values are corrected so that they hold for all comparisons together; F1 scores as a paper prints them get the smallest
difference that so many patches can tell from chance.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.errors import ConfigError
from core.evaluate.comparison.significance import ALPHA, Z_ALPHA, Z_POWER, Comparison
from core.text import difference

TYPICAL_CORRELATION = 0.9  # of the errors of two heads on one embedding; heads of different networks have less


@dataclass(frozen=True)
class PrintedDifference:
    """What a printed difference of F1 on n patches can mean. All differences are absolute.

    interval: 95 % of the first score alone. best_case_z: the largest test statistic that any pair of classifiers with
    these scores can have, reached when every patch on which they differ speaks for one of them. least_detectable: the
    smallest difference whose best case reaches p < 0.05. typical_detectable: the difference that would be seen four
    times in five when the two scores' errors correlate by ``TYPICAL_CORRELATION``.
    """

    f1_a: float
    f1_b: float
    n: int
    n_positive: float
    difference: float
    interval: tuple[float, float]
    best_case_z: float
    least_detectable: float
    typical_detectable: float

    @property
    def can_be_told(self) -> bool:
        """Whether any pair of classifiers with these scores could differ significantly."""
        return self.best_case_z >= Z_ALPHA

    def sentence(self) -> str:
        """For people."""
        known = f"A difference of {difference(self.difference, 4)} in F1 on {self.n:,} patches"
        if not self.can_be_told:
            return (
                f"{known} is not significant: even if every patch on which the two differ spoke for the same one, z "
                f"would be {self.best_case_z:.2f} (1.96 is needed). The smallest difference that could be significant "
                f"here is {self.least_detectable:.4f}; two heads that mostly agree need about "
                f"{self.typical_detectable:.3f}."
            )
        return (
            f"{known} may be significant or not: that depends on how many patches the two decide differently, which is "
            f"not printed. Two heads that mostly agree need about {self.typical_detectable:.3f}."
        )


def holm(p: Sequence[float] | np.ndarray) -> np.ndarray:
    """Holm's adjusted p-values (1979), (M,), nan kept: below 0.05 holds for all comparisons together."""
    p = np.asarray(p, dtype=np.float64)
    adjusted = np.full(p.shape, np.nan)
    known = np.flatnonzero(np.isfinite(p))
    order = known[np.argsort(p[known], kind="stable")]
    steps = p[order] * np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(steps)) if len(order) else steps
    return adjusted


def with_holm(comparisons: Mapping[str, Comparison], metric: str = "f1") -> list[dict]:
    """A row a comparison, by its name: the difference, its own p and the one that holds for all of them together."""
    rows: list[dict[str, Any]] = []
    for name, found in comparisons.items():
        row = found.differences[metric]
        rows.append(
            {"name": name, "metric": metric, "a": row.a, "b": row.b, "difference": row.difference, "lo": row.lo}
            | {"hi": row.hi, "p": row.p, "n": found.n, "n_disagree": found.n_disagree}
            | {"mcnemar_p": found.mcnemar.p_mid, "minimum_detectable": found.minimum_detectable[metric]}
        )
    for line, adjusted in zip(rows, holm([line["p"] for line in rows]), strict=True):
        line |= {"p_holm": float(adjusted), "settled": bool(adjusted < ALPHA)}
    return rows


def printed_difference(f1_a: float, f1_b: float, n: int, positive_share: float) -> PrintedDifference:
    """What F1 scores printed without their patches can say.

    A test of paired F1 compares the sum of what each patch adds to the difference with the root of the sum of squares.
    For a given sum that is largest when k patches add equally and in one direction, where it is sqrt(k); and k is at
    most ``|difference| * 2 n_positive / F1^2``, as the least a patch can add (a false alarm less) is
    F1 / (positives + alarms), and positives + alarms = 2 TP / F1 <= 2 n_positive / F1.

    Raises ConfigError for values that are no F1, counts or shares.
    """
    if not (0 < f1_a < 1 and 0 < f1_b < 1 and n > 0 and 0 < positive_share < 1):
        raise ConfigError("F1 and the share of positives must lie between 0 and 1, and n must be above 0.")
    n_positive, high, difference = n * positive_share, max(f1_a, f1_b), f1_b - f1_a
    se = f1_standard_error(f1_a, n_positive)
    typical = se * math.sqrt(2 * (1 - TYPICAL_CORRELATION))
    low = min(f1_a, f1_b)  # the smaller score gives the larger bound of k
    return PrintedDifference(
        f1_a=f1_a,
        f1_b=f1_b,
        n=n,
        n_positive=n_positive,
        difference=difference,
        interval=(f1_a - Z_ALPHA * se, f1_a + Z_ALPHA * se),
        best_case_z=math.sqrt(abs(difference) * 2 * n_positive / low**2),
        least_detectable=Z_ALPHA**2 * high**2 / (2 * n_positive),
        typical_detectable=(Z_ALPHA + Z_POWER) * typical,
    )


def f1_standard_error(f1: float, n_positive: float) -> float:
    """Standard error of an F1 with as many alarms as positives, by the delta method.

    Of P positives f P are found (each adds 2 - 2 f to the score times 2 P), the others and as many false alarms take
    f away each.
    """
    squares = f1 * (2 - 2 * f1) ** 2 + 2 * (1 - f1) * f1**2
    return math.sqrt(n_positive * squares) / (2 * n_positive)


def patches_needed(difference: float, se: float, n: int) -> float:
    """How many patches like these n would show a true ``difference`` four times in five, given its error ``se``."""
    return math.inf if difference == 0 else n * ((Z_ALPHA + Z_POWER) * se / abs(difference)) ** 2
