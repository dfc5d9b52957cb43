"""Is one recipe better than another, or was one training lucky? Several trainings of each, on the same patches.

Two kinds of chance stand between two recipes: which patches they are judged on, and which initial weights and batches a
training drew. The first is seen by resampling groups of patches, the second only by training again: the same recipe
with another seed has differed by AUC 0.0075 at p = 0.0001 by patches alone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from core.evaluate.intervals import resampled_metrics
from core.evaluate.metrics import check_labels, metrics
from core.stats.bootstrap import effective_groups
from core.stats.intervals import defined_spread
from core.text import difference, interval

ALPHA = 0.05
FEWEST = 2  # trainings of each recipe: one has no spread

Answers = tuple[np.ndarray, np.ndarray]  # pred (N,) 0/1 and probs (N,) of one training


@dataclass(frozen=True)
class Chance:
    """95 % interval and two-sided p of a difference under one kind of chance; nan where it cannot be seen."""

    lo: float
    hi: float
    p: float

    @property
    def survives(self) -> bool | None:
        """Whether the difference is significant under it; None where that cannot be told."""
        return None if math.isnan(self.p) else self.p < ALPHA


@dataclass(frozen=True)
class RepeatedDifference:
    """What recipe a has more than b of one metric, means over n_a and n_b trainings.

    paired: a and b are two answers of the same trainings, such as two heads of one network.

    a, b: the means; sd_a, sd_b: standard deviation between trainings (nan of one). patches: other patches, these
    trainings. trainings: other trainings, these patches (Welch's t). both: other patches and other trainings.
    """

    metric: str
    a: float
    b: float
    difference: float
    n_a: int
    n_b: int
    sd_a: float
    sd_b: float
    patches: Chance
    trainings: Chance
    both: Chance
    n: int
    paired: bool = False

    @property
    def settled(self) -> bool:
        """Whether it holds for other patches and other trainings."""
        return self.both.survives is True

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self) | {"settled": self.settled}

    def sentence(self, a: str, b: str, title: str = "") -> str:
        """For people; a, b: names of the recipes. It says which kind of chance the difference survives."""
        size = f"{title or self.metric} {difference(self.difference, 4)}"
        if math.isnan(self.difference):
            return f"{a} and {b}: the difference in {title or self.metric} is undefined here."
        patches = f"{interval((self.patches.lo, self.patches.hi), 4, signed=True)} over patches"
        if self.trainings.survives is None:
            holds = "holds for other patches" if self.patches.survives else "could be chance already by the patches"
            return (
                f"{a} against {b}: {size} ({patches}, n = {self.n:,}). It {holds}; whether it survives training again "
                f"is not known from {self._counts()}. Train {'it' if self.paired else 'each recipe'} again (train "
                "--repeats 3)."
            )
        where = (
            f"{size} ({patches}; {interval((self.both.lo, self.both.hi), 4, signed=True)} over patches and trainings)"
        )
        counts = f"{self._counts()}, n = {self.n:,}"
        if self.settled:
            better = "better" if self.difference > 0 else "worse"
            return f"{a} is {better} than {b}: {where}. It survives other patches and other trainings ({counts})."
        survived = [w for w, c in (("other patches", self.patches), ("other trainings", self.trainings)) if c.survives]
        only = f"It survives {survived[0]} alone, not both" if len(survived) == 1 else "It survives neither"
        if len(survived) == 2:
            only = "It survives each alone, not both together"
        return f"{a} and {b}: no settled difference. {where}. {only} ({counts})."

    def _counts(self) -> str:
        if self.paired:
            return "one training" if self.n_a == 1 else f"{self.n_a} trainings"
        if self.n_a == self.n_b == 1:
            return "one training of each"
        return f"{self.n_a} and {self.n_b} trainings"


def compare_repeats(
    labels: np.ndarray,
    a: Sequence[Answers],
    b: Sequence[Answers],
    groups: np.ndarray | None = None,
    metric: str = "f1",
    n_boot: int = 1000,
    seed: int = 0,
    paired: bool = False,
) -> RepeatedDifference:
    """Recipe a against b by the trainings of each, all answered out of fold for the same patches.

    labels: (N,) 0/1. a, b: pred and probs of each training. groups: (N,), resampled whole; none resamples patches.
    paired: the k-th of a and the k-th of b are of one training, whose luck both share: its difference counts.
    """
    if paired and len(a) != len(b):
        raise ValueError(f"{len(a)} and {len(b)} answers are no pairs.")
    labels = check_labels(labels)
    values = [np.array([metrics(labels, probs, pred=pred)[metric] for pred, probs in side]) for side in (a, b)]
    samples = [one[metric] for one in resampled_metrics(labels, [*a, *b], groups, n_boot, seed)]
    means = [np.mean(part, axis=0) for part in (samples[: len(a)], samples[len(a) :])]
    difference = float(values[0].mean() - values[1].mean())
    by_patches = defined_spread(means[0] - means[1]) ** 2
    freedom_patches = max(effective_groups(groups, labels.size) - 1.0, 1.0)
    lucky = [values[0] - values[1]] if paired else values  # what another training would change, independently
    parts = [part.var(ddof=1) / len(part) if len(part) >= FEWEST else math.nan for part in lucky]
    by_training = sum(parts)
    freedom_training = _welch(parts, [len(part) - 1 for part in lucky])
    freedom_both = _welch([by_patches, *parts], [freedom_patches, *(len(part) - 1 for part in lucky)])
    sd_a, sd_b = (float(part.std(ddof=1)) if len(part) >= FEWEST else math.nan for part in values)
    return RepeatedDifference(
        metric, float(values[0].mean()), float(values[1].mean()), difference, len(a), len(b), sd_a, sd_b,
        patches=_chance(difference, by_patches, freedom_patches),
        trainings=_chance(difference, by_training, freedom_training),
        both=_chance(difference, by_patches + by_training, freedom_both),
        n=int(labels.size),
        paired=paired,
    )  # fmt: skip


def _welch(variances: Sequence[float], freedom: Sequence[float]) -> float:
    """Degrees of freedom of a sum of independent variance estimates (Welch, Satterthwaite)."""
    total = sum(variances)
    if math.isnan(total) or total == 0:
        return math.nan
    return total**2 / sum(v**2 / max(f, 1.0) for v, f in zip(variances, freedom, strict=True))


def _chance(difference: float, variance: float, freedom: float) -> Chance:
    from scipy.stats import t

    if math.isnan(variance) or math.isnan(difference):
        return Chance(math.nan, math.nan, math.nan)
    if variance < 1e-24:  # both give equal answers throughout
        return Chance(difference, difference, 1.0 if abs(difference) < 1e-12 else 0.0)
    error = math.sqrt(variance)
    reach = float(t.ppf(1 - ALPHA / 2, freedom)) * error
    return Chance(difference - reach, difference + reach, float(2 * t.sf(abs(difference) / error, freedom)))
