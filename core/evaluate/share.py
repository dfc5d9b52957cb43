"""How frequent landslides are among patches without labels, from a model's probabilities for them, and how sure it is.

Counting what is above a threshold, or averaging probabilities, gives a share that is drawn towards that of the training
data: false alarms alone make 10 % where nothing is there. Under label shift (landslides and other ground look as in
training, only their share differs) the mean of any function of the probability is there a mixture of its two class
means out of fold, and the mixture's weight is the share. The function used is the probability itself, restated at the
share that comes out (as in Saerens, Latinne, Decaestecker 2002, repeated until it settles): it carries most of what the
scores know of the share where they are calibrated. The class means come from labelled out-of-fold patches, so that
probabilities that are not calibrated cost precision and no bias (Bella et al. 2010 call this a scaled probability
average).

The 95 % interval holds every share at which the difference between the mean there and the mixture is no larger than
Student's t times its standard error at that very share, so it neither leaves 0 to 1 nor shrinks to nothing where no
landslide is seen. The error has the patches there in it and the labelled ones, both by whole groups.

Whether label shift holds can be refuted, never shown: the largest gap between the distribution of the probabilities
there and the nearest mixture of the two known ones (Kolmogorov, Smirnov), with its p value from resamples of whole
groups on both sides. Landslides that look like other ground there leave no trace in it.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from core.errors import DataError, LabelError
from core.evaluate.metrics import check_labels, check_scores
from core.evaluate.prevalence import shifted
from core.stats.bootstrap import by_group, group_draws, group_index, kish
from core.stats.intervals import t_quantile

MISFIT = 0.01  # p value below which no mixture of the known distributions fits
FEWEST = 20  # labelled patches of each class, and patches there
_LEAST = 0.01  # share at which the probability is restated at least: rarer ones would rest on a few extreme scores
_ROUNDS = 20
_STEPS = 2000  # of share, between which the interval's ends are found
_LEVELS = 50  # at which distributions are compared


@dataclass(frozen=True)
class ShareEstimate:
    """share: of landslides, 0-1, with its 95 % interval lo to hi.

    n, n_groups: patches there, and their groups (None: none known). n_own, n_own_positive: labelled ones that the
    classes were learnt from. effect: patches that count as one where no groups are known. counted: share above the
    threshold, mean_prob: mean probability, both naive. gap: largest difference of the distribution there from the
    mixture that is nearest, 0-1; p: how likely such a gap is where label shift holds. explained: whether any share
    gives the mean that is seen there; lo and hi are the share itself where none does.
    """

    share: float
    lo: float
    hi: float
    n: int
    n_groups: int | None
    n_own: int
    n_own_positive: int
    effect: float
    counted: float
    mean_prob: float
    gap: float
    p: float
    explained: bool = True

    @property
    def fits(self) -> bool:
        """Whether the probabilities there can be a mixture of the two known distributions."""
        return self.explained and self.p >= MISFIT

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self) | {"fits": self.fits}


def estimate_share(
    labels: np.ndarray,
    probs: np.ndarray,
    there: np.ndarray,
    threshold: float,
    groups: np.ndarray | None = None,
    groups_there: np.ndarray | None = None,
    effect: float = 1.0,
    n_boot: int = 400,
    seed: int = 0,
) -> ShareEstimate:
    """The share of landslides among patches with the probabilities ``there``.

    labels: (N,) 0/1 and probs: (N,) out of fold, with groups (N,) or none. there: (K, M) by each fold's model, or (M,),
    in 0-1, with groups_there (M,) or none. threshold: for the naive count. effect: design effect where no groups are
    known.

    Raises LabelError, DataError where a class or the place has fewer than ``FEWEST`` patches, or where the
    probabilities do not tell the classes apart.
    """
    labels, there = check_labels(labels), np.atleast_2d(np.asarray(there, np.float64))
    probs = check_scores(probs, labels.size)
    positive, own = labels == 1, float(labels.mean()) if labels.size else 0.0
    if min(int(positive.sum()), int((~positive).sum())) < FEWEST:
        raise LabelError(f"A share is estimated from {FEWEST} labelled patches of each class, or more.")
    if there.shape[1] < FEWEST:
        raise DataError(f"A share is estimated from {FEWEST} new patches or more; there are {there.shape[1]}.")
    known = _Known(labels, group_index(groups, labels.size), 1.0 if groups is not None else effect)
    new = _Group(group_index(groups_there, there.shape[1]), 1.0 if groups_there is not None else effect)
    found, at = _Moments.of(known, new, probs, there), own
    if not found.apart:
        raise DataError("The probabilities of this head do not tell the classes apart, so no share can be told.")
    for _ in range(_ROUNDS):
        before, at = at, float(np.clip(found.share, _LEAST, 1 - _LEAST))
        closer = _Moments.of(known, new, shifted(probs, own, at), shifted(there, own, at))
        if abs(at - before) < 1e-6 or not closer.apart:
            break
        found = closer
    share = float(np.clip(found.share, 0.0, 1.0))
    ends = found.interval()
    lo, hi = ends or (share, share)
    gap, p = _misfit(known, new, probs, there, n_boot, seed)
    return ShareEstimate(
        share=share,
        lo=float(min(lo, share)),
        hi=float(max(hi, share)),
        n=there.shape[1],
        n_groups=None if groups_there is None else new.n,
        n_own=labels.size,
        n_own_positive=int(positive.sum()),
        effect=float(effect),
        counted=float((there.mean(axis=0) >= threshold).mean()),
        mean_prob=float(there.mean()),
        gap=gap,
        p=p,
        explained=ends is not None,
    )


class _Group:
    """Patches in groups: sums over them and the variance of their means."""

    def __init__(self, index: tuple[np.ndarray, int], effect: float):
        (self.of, self.n), self.effect = index, effect
        self.sizes = np.bincount(self.of, minlength=self.n).astype(np.float64)

    def covariance(self, sums: np.ndarray) -> np.ndarray:
        """(F, F) of totals whose parts by group, (G, F), have mean 0 altogether."""
        spread = self.n / max(self.n - 1, 1)
        return self.effect * spread * (sums.T @ sums)


class _Known(_Group):
    """The labelled patches, by class."""

    def __init__(self, labels: np.ndarray, index: tuple[np.ndarray, int], effect: float):
        super().__init__(index, effect)
        self.is_class = np.stack([labels == 0, labels == 1], axis=1).astype(np.float64)  # (N, 2)
        self.counts = self.is_class.sum(axis=0)
        by_class = by_group(self.is_class, self.of, self.n)
        self.worth = [kish(by_class[:, k]) / effect for k in (0, 1)]


@dataclass(frozen=True)
class _Moments:
    """Means of one function of the probability.

    class_means, second: (2,) of the other ground and of landslides, first and second moment; covariance: (2, 2) of the
    means. mean: there. ratio: variance of that mean as a share of the variance of single values. worth: of classes and
    there, effective groups.
    """

    class_means: np.ndarray
    second: np.ndarray
    covariance: np.ndarray
    mean: float
    ratio: float
    worth: tuple[float, float, float]

    @classmethod
    def of(cls, known: _Known, new: _Group, values: np.ndarray, there: np.ndarray) -> _Moments:
        means = values @ known.is_class / known.counts
        off = known.is_class * (values[:, None] - means) / known.counts
        covariance = known.covariance(by_group(off, known.of, known.n))
        patch = there.mean(axis=0)
        mean, single = float(patch.mean()), float(there.var())
        sums = np.bincount(new.of, patch - mean, minlength=new.n)[:, None] / patch.size
        floor = new.effect / patch.size / len(there)
        ratio = max(float(new.covariance(sums)[0, 0]) / single, floor) if single > 0 else new.effect / patch.size
        second = (values**2) @ known.is_class / known.counts
        worth = (known.worth[0], known.worth[1], kish(new.sizes) / new.effect)
        return cls(means, second, covariance, mean, ratio, worth)

    @property
    def apart(self) -> bool:
        """Whether the class means differ by more than their own error allows for."""
        step = self.class_means[1] - self.class_means[0]
        way = np.array([-1.0, 1.0])
        return bool(step > 2 * np.sqrt(max(way @ self.covariance @ way, 0.0)) and step > 1e-9)

    @property
    def share(self) -> float:
        """Not yet kept within 0 to 1."""
        other, landslide = self.class_means
        return float((self.mean - other) / (landslide - other))

    def interval(self) -> tuple[float, float] | None:
        """Every share at which the mean there is not too far from the mixture; None where it is at all of them."""
        shares = np.linspace(0.0, 1.0, _STEPS + 1)
        weights = np.stack([1 - shares, shares], axis=1)  # (S, 2)
        mixed = weights @ self.class_means
        there = self.ratio * np.maximum(weights @ self.second - mixed**2, 0.0)
        parts = np.stack([weights[:, k] ** 2 * self.covariance[k, k] for k in (0, 1)] + [there], axis=1)
        freedom = np.maximum(np.array(self.worth) - 1, 1.0)
        both = 2 * weights[:, 0] * weights[:, 1] * self.covariance[0, 1]
        variance = np.maximum(parts.sum(axis=1) + both, 1e-300)
        # Satterthwaite (1946): the degrees of freedom of a sum of variances
        free = parts.sum(axis=1) ** 2 / np.maximum((parts**2 / freedom).sum(axis=1), 1e-300)
        worth, place = np.unique(np.round(free), return_inverse=True)
        reach = np.array([t_quantile(n + 1) for n in worth])[place] * np.sqrt(variance)
        inside = np.flatnonzero(np.abs(self.mean - mixed) <= reach)
        if not inside.size:
            between = 0.0 <= self.share <= 1.0  # finer than the steps
            return (self.share, self.share) if between else None
        half = 0.5 / _STEPS
        return max(shares[inside[0]] - half, 0.0), min(shares[inside[-1]] + half, 1.0)


def _misfit(
    known: _Known, new: _Group, probs: np.ndarray, there: np.ndarray, n_boot: int, seed: int
) -> tuple[float, float]:
    """The largest gap to the nearest mixture, 0-1, and its p value: nearest anew in each resample of both sides."""
    everything = np.concatenate([probs, there.ravel()])
    levels = np.unique(np.quantile(everything, np.linspace(0, 1, _LEVELS + 2)[1:-1]))
    below = (probs[:, None] <= levels).astype(np.float64)  # (N, L)
    own = np.concatenate([known.is_class[:, [k]] * below for k in (0, 1)] + [known.is_class], axis=1)
    own = by_group(own, known.of, known.n)
    under = np.mean([(row[:, None] <= levels).astype(np.float64) for row in there], axis=0)
    under = np.concatenate([by_group(under, new.of, new.n), new.sizes[:, None]], axis=1)
    gap = _gap(own.sum(axis=0)[None], under.sum(axis=0)[None])[0]
    drawn = zip(group_draws(known.n, n_boot, seed), group_draws(new.n, n_boot, seed + 1), strict=True)
    # a design effect that is stated widens what resamples of single patches show
    widths = np.sqrt(known.effect), np.sqrt(new.effect)
    largest = [
        np.abs(_gap(_wider(a @ own, own, w), _wider(b @ under, under, v)) - gap).max(axis=1)
        for (a, b), (w, v) in ((pair, widths) for pair in drawn)
    ]
    largest = np.concatenate(largest)
    most = float(np.abs(gap).max())
    return most, float((1 + (largest >= most - 1e-12).sum()) / (1 + largest.size))


def _gap(own: np.ndarray, there: np.ndarray) -> np.ndarray:
    """(R, L) what the distribution there has over the mixture that is nearest in the sum of squares."""
    size = there.shape[1] - 1
    with np.errstate(invalid="ignore", divide="ignore"):
        other, landslide = own[:, :size] / own[:, [-2]], own[:, size : 2 * size] / own[:, [-1]]
        here = there[:, :size] / there[:, [-1]]
    slope = landslide - other
    square = np.maximum((slope**2).sum(axis=1), 1e-300)
    share = np.clip(((here - other) * slope).sum(axis=1) / square, 0.0, 1.0)[:, None]
    return np.nan_to_num(here - share * landslide - (1 - share) * other)


def _wider(drawn: np.ndarray, sums: np.ndarray, width: float) -> np.ndarray:
    """Resampled sums (R, F), spread about the totals of ``sums`` (G, F) as if there were fewer groups."""
    if width == 1:
        return drawn
    total = sums.sum(axis=0)
    return total + width * (drawn - total)
