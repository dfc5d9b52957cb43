"""Risk-controlled triage: which patches may stay uninspected so that few landslides are missed, with a guarantee.

From out-of-fold probabilities and what may be missed you get a threshold, and the inspections it costs. Where there are
too few patches to promise anything, it refuses and names the number needed.

Two readings of "missed", never mixed: ``miss_rate`` counts missed landslides among landslides (1 - recall) and holds
wherever landslides look as they do here; ``missed_per_1000`` counts them among all patches, and holds where they are
also as frequent as here. Both promise: in at least 95 of 100 sets of patches like these that one may have learnt from,
the threshold's true rate is at or under the target. Plain conformal risk control would promise it of the mean only.

Learn then test (Angelopoulos, Bates, Candes, Jordan, Lei 2022): thresholds are tested from the lowest upwards, each
against "its rate is above the target", until one cannot be refused; as the order is fixed beforehand no correction is
needed. The test is the exact binomial tail. Patches of one scene are missed together: with groups the counts are
divided by a design effect, the larger of the one seen in the misses and the one that the scores' likeness within groups
allows, and few groups widen it as Student's t does (Korn, Graubard 1998). Where no groups are known, patches of one
scene cannot be told: a stated design effect stands in, ``UNGROUPED_EFFECT`` unless the caller states another. In
simulated scenes of 8 to 16 alike patches (intraclass correlation 0.3 to 0.5) a target counted from single patches was
exceeded in 9 to 14 of 100 draws, with this effect in at most 1.

Out-of-fold scores are those of one fold's model each, so the promise is about one fold's model. The mean of several
models has other scores. Deployed with several models, a patch is therefore cleared only where every model clears it:
what all of them miss is at most what they miss on average. The inspections are then at least those stated here, and are
counted when patches are predicted.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd

from core.errors import ConfigError, DataError, LabelError
from core.evaluate.metrics import check_labels, check_scores
from core.evaluate.prevalence import check_share
from core.stats.bootstrap import effective_groups, group_index
from core.stats.design_effect import design_effect, score_design_effect, share_interval

KINDS = ("miss_rate", "missed_per_1000")
DELTA = 0.05  # how often the promise may fail
UNGROUPED_EFFECT = 3.0  # patches that count as one independent patch where no groups are known


@dataclass(frozen=True)
class Target:
    """What may be missed. limit: a share of the landslides (``miss_rate``), or a number among 1000 patches.

    delta: how often, over sets of patches to learn from, the promise may fail.
    """

    kind: str
    limit: float
    delta: float = DELTA

    def __post_init__(self):
        if self.kind not in KINDS:
            raise ConfigError(f"There is no target '{self.kind}'. Choose one of {', '.join(KINDS)}.")
        top = 1.0 if self.kind == "miss_rate" else 1000.0
        if not 0 < self.limit < top:
            raise ConfigError(f"A target of {self.limit:g} cannot be kept: give a number above 0 and below {top:g}.")
        if not 0 < self.delta < 1:
            raise ConfigError("The share of failures, delta, must lie between 0 and 1.")

    @property
    def share(self) -> float:
        """The limit as a share of what is counted."""
        return self.limit if self.kind == "miss_rate" else self.limit / 1000

    @property
    def needed(self) -> int:
        """How many independent landslides (patches) must have been seen, none of them missed, to promise this."""
        return math.ceil(math.log(self.delta) / math.log1p(-self.share))


@dataclass(frozen=True)
class Measured:
    """A number with its 95 % interval."""

    value: float
    lo: float
    hi: float


@dataclass(frozen=True)
class TriageRule:
    """Cleared below ``threshold``, accepted automatically from ``accept_at`` on, inspected between the two.

    accept_at: +inf where nothing is accepted. threshold: +inf where no patch need be inspected, and at or below every
    probability where all must. missed: landslides below the threshold, of n_positive here. miss_rate_upper,
    missed_per_1000_upper: what the true rates stay under with 95 % confidence. effective: independent landslides
    (patches) that the promise rests on. workload, cleared, accepted: patches in 1000. precision: share of landslides
    among those inspected. effect: the stated design effect, where no groups are known (1: patches are independent).
    path: the thresholds that were tested, for drawing (threshold, missed, upper, workload).
    """

    target: Target
    threshold: float
    accept_at: float
    n: int
    n_positive: int
    n_groups: int | None
    missed: int
    effective: float
    miss_rate: float
    miss_rate_upper: float
    missed_per_1000: float
    missed_per_1000_upper: float
    workload: Measured
    cleared: Measured
    accepted: Measured
    precision: Measured
    effect: float
    path: pd.DataFrame

    @property
    def inspects_all(self) -> bool:
        """Whether nothing can be cleared."""
        return self.cleared.value == 0

    def to_dict(self) -> dict:
        """Plain values, without the path."""
        return {name: value for name, value in asdict(self).items() if name != "path"}

    def promise(
        self, positive: str = "landslide", n_models: int = 1, target: Target | None = None, inspect: float | None = None
    ) -> str:
        """For a stakeholder. n_models: how many fold models must agree before a patch is cleared.

        target, inspect: what was asked for and how many of 1,000 patches are inspected where landslides are more or
        less frequent than here; none: as here.
        """
        target = target or self.target
        inspect = self.workload.value if inspect is None else inspect
        what = f"{100 * target.limit:g}% of the {positive} patches"
        if target.kind == "missed_per_1000":
            what = f"{target.limit:g} {positive} patches per 1,000"
        goal = f"To miss at most {what} ({1 - target.delta:.0%} confidence), inspect"
        if self.inspects_all:
            return f"{goal} every patch: no score here is low enough to be cleared automatically."
        accepted = self.accepted.value if math.isfinite(self.accept_at) else 0.0
        least, most = ("at least ", "at most ") if n_models > 1 else ("", "")
        return (
            f"{goal} {least}{inspect:.0f} of every 1,000; {most}{1000 - inspect - accepted:.0f} can be cleared"
            f"{f', {accepted:.0f} accepted' if accepted else ''} automatically."
        )

    def rests_on(self, n_models: int = 1) -> str:
        """What the promise takes for granted, in sentences."""
        parts = ["New patches must come from the same kind of ground and sensor."]
        if self.n_groups is None:
            parts.append(
                f"No groups are known, so {self.effect:g} patches count as one independent patch: state more where "
                "scenes hold many patches that look alike."
                if self.effect > 1
                else "No groups are known, and patches count as independent of one another: where several come from "
                "one scene, the promise is too good."
            )
        if n_models > 1:
            parts.append(
                "The promise is measured with one fold's model for each patch. A new patch is cleared only if all "
                f"{n_models} models clear it: together they miss no more than promised and inspect more than stated "
                "here. A prediction counts the inspections."
            )
        return " ".join(parts)


def triage_rule(
    labels: np.ndarray,
    probs: np.ndarray,
    target: Target,
    groups: np.ndarray | None = None,
    *,
    false_per_1000: float | None = None,
    effect: float = UNGROUPED_EFFECT,
) -> TriageRule:
    """The highest threshold that keeps the target, and what it costs.

    labels: (N,) 0/1. probs: (N,) out-of-fold. groups: (N,) or none. false_per_1000: also accept unseen what is so
    probable that, with the same confidence, at most this many in 1000 patches are false alarms among them. effect: the
    design effect where there are no groups, 1 or more.

    Raises LabelError without both classes, and DataError, naming the number needed, where so few patches cannot
    promise the target at any threshold.
    """
    labels = check_labels(labels)
    probs = check_scores(probs, labels.size)
    if not 1 <= effect <= labels.size:
        raise ConfigError(f"A design effect of {effect:g} makes no sense: give 1 (independent patches) or more.")
    effect = 1.0 if groups is not None else float(effect)
    n_positive = int(labels.sum())
    if not 0 < n_positive < labels.size:
        raise LabelError("A safety target needs patches of both classes to learn from.")
    counted = labels == 1 if target.kind == "miss_rate" else np.ones(labels.size, bool)
    threshold, path = _highest(labels, probs, counted, groups, target, effect)
    accept_at = math.inf
    if false_per_1000 is not None:
        mirrored = Target("missed_per_1000", false_per_1000, target.delta)
        below = -_highest(1 - labels, -probs, np.ones(labels.size, bool), groups, mirrored, effect)[0]
        above = probs[probs > below]
        accept_at = max(threshold, float(above.min())) if above.size else math.inf
    called, accepted = probs >= threshold, probs >= accept_at
    seen, missed = called & ~accepted, int((labels[~called] == 1).sum())
    positive = labels == 1
    both = {
        "miss": _upper(~called[positive], probs[positive], _of(groups, positive), target.delta, effect),
        "all": _upper(~called & positive, probs[positive], groups, target.delta, effect, _of(groups, positive)),
    }
    return TriageRule(
        target=target,
        threshold=threshold,
        accept_at=accept_at,
        n=labels.size,
        n_positive=n_positive,
        n_groups=None if groups is None else group_index(groups, labels.size)[1],
        missed=missed,
        effective=path["effective"].iloc[-1] if len(path) else float("nan"),
        miss_rate=missed / n_positive,
        miss_rate_upper=both["miss"],
        missed_per_1000=1000 * missed / labels.size,
        missed_per_1000_upper=1000 * both["all"],
        workload=_per_1000(seen, groups, effect),
        cleared=_per_1000(~called, groups, effect),
        accepted=_per_1000(accepted, groups, effect),
        precision=Measured(*share_interval(positive[seen], _of(groups, seen), effect)),
        effect=effect,
        path=path,
    )


def target_where(target: Target, share: float) -> Target | None:
    """The target among landslides that keeps this one where ``share`` (0-1) of the patches are landslides.

    A number among 1000 patches depends on how many of them are landslides; the share of landslides that it allows does
    not. None where even missing all of them keeps the target.
    """
    if target.kind == "miss_rate":
        return target
    limit = target.share / check_share(share)
    return Target("miss_rate", limit, target.delta) if limit < 1 else None


def tradeoff(
    labels: np.ndarray,
    probs: np.ndarray,
    kind: str,
    groups: np.ndarray | None = None,
    effect: float = UNGROUPED_EFFECT,
    delta: float = DELTA,
) -> pd.DataFrame:
    """What every threshold promises, lowest first: threshold, missed, upper (share), workload (in 1000), effective.

    As the ``path`` of a :class:`TriageRule`, without an end at its target. Empty where a class is missing.
    """
    labels = check_labels(labels)
    probs = check_scores(probs, labels.size)
    counted = labels == 1 if kind == "miss_rate" else np.ones(labels.size, bool)
    if not 0 < int(labels.sum()) < labels.size:
        return pd.DataFrame(columns=["threshold", "missed", "upper", "workload", "effective"], dtype=float)
    anything = Target("miss_rate", 1 - 1e-9, delta)
    return _highest(labels, probs, counted, groups, anything, 1.0 if groups is not None else float(effect))[1]


def triage_by_fold(
    labels: np.ndarray,
    probs: np.ndarray,
    fold_of: np.ndarray,
    target: Target,
    groups: np.ndarray | None = None,
    effect: float = UNGROUPED_EFFECT,
) -> pd.DataFrame:
    """The promise put to the test: each fold at the threshold that the other folds promise the target with.

    One row a fold: fold, threshold, n, n_positive, missed, miss_rate, missed_per_1000, workload (in 1000), kept
    (whether this fold's own rate is at or under the target; a small fold may miss it by chance), reason (why
    no threshold, or "").
    """
    labels, probs, fold_of = np.asarray(labels), np.asarray(probs, np.float64), np.asarray(fold_of)
    rows = []
    for k in range(int(fold_of.max(initial=-1)) + 1):
        inside, outside = (fold_of == k) & (labels >= 0), (fold_of >= 0) & (fold_of != k) & (labels >= 0)
        n, n_positive = int(inside.sum()), int((labels[inside] == 1).sum())
        row = {"fold": k, "n": n, "n_positive": n_positive, "reason": ""}
        try:
            threshold = triage_rule(
                labels[outside], probs[outside], target, _of(groups, outside), effect=effect
            ).threshold
        except DataError as error:
            rows.append(row | {"reason": str(error)})
            continue
        called = probs[inside] >= threshold
        missed = int((labels[inside][~called] == 1).sum())
        rate, per_1000 = missed / n_positive if n_positive else math.nan, 1000 * missed / max(n, 1)
        kept = (rate if target.kind == "miss_rate" else per_1000) <= target.limit
        row |= {"threshold": threshold, "missed": missed, "miss_rate": rate, "missed_per_1000": per_1000}
        rows.append(row | {"workload": 1000 * float(called.mean()) if n else math.nan, "kept": bool(kept)})
    return pd.DataFrame(rows)


def _highest(
    labels: np.ndarray,
    probs: np.ndarray,
    counted: np.ndarray,
    groups: np.ndarray | None,
    target: Target,
    stated: float,
) -> tuple[float, pd.DataFrame]:
    """The highest threshold that is not refused, and the path to it. counted: (N,) which patches the rate is of."""
    positive = labels == 1
    if groups is not None:  # numbers, not names: they are sorted again at every threshold
        groups = group_index(groups, labels.size)[0]
    alike = stated if groups is None else score_design_effect(probs[positive], _of(groups, positive))
    widen, n = _few_groups(_of(groups, positive), target.delta), int(counted.sum())
    scores = np.sort(probs[positive])
    candidates = np.append(np.unique(scores), math.inf)  # all below are missed at each
    rows, threshold = [], -math.inf
    for candidate in candidates:
        missed = int(np.searchsorted(scores, candidate, side="left"))
        seen = 1.0 if groups is None else design_effect((positive & (probs < candidate))[counted], groups[counted])
        effect = (max(alike, seen) if 0 < missed < n else alike) * widen
        p = _tail(missed / effect, n / effect, target.share)
        if p > target.delta:
            break
        threshold = float(candidate)
        upper = _bound(missed / effect, n / effect, target.delta)
        rows.append((threshold, missed, upper, 1000 * float((probs >= candidate).mean()), n / effect))
    if not rows:
        _refuse(target, n, n / (alike * widen), groups is None)
    return threshold, pd.DataFrame(rows, columns=["threshold", "missed", "upper", "workload", "effective"])


def _refuse(target: Target, n: int, effective: float, ungrouped: bool) -> None:
    what = "landslides" if target.kind == "miss_rate" else "labelled patches"
    cause = "the stated design effect makes" if ungrouped else "their groups make"
    grouped = f", which {cause} worth {effective:.0f} independent ones" if effective < 0.99 * n else ""
    needed = math.ceil(target.needed * n / effective)
    raise DataError(
        f"A target of {target.limit:g} ({'share of landslides' if target.kind == 'miss_rate' else 'in 1000 patches'}) "
        f"cannot be promised from {n} {what}{grouped}: at least {needed} like these are needed. "
        "Label more patches, or allow more misses."
    )


def _upper(
    hits: np.ndarray,
    scores: np.ndarray,
    groups: np.ndarray | None,
    delta: float,
    stated: float,
    of_scores: np.ndarray | None = None,
) -> float:
    """Upper bound of the share of hits, groups minded."""
    score_groups = groups if of_scores is None else of_scores
    alike = stated if groups is None else score_design_effect(scores, score_groups)
    share = float(np.mean(hits))
    seen = design_effect(hits, groups) if 0 < share < 1 else 1.0
    effect = max(alike, seen) * _few_groups(score_groups, delta)
    return _bound(float(hits.sum()) / effect, hits.size / effect, delta)


def _few_groups(groups: np.ndarray | None, delta: float) -> float:
    """How much wider Student's t is than the normal for so many groups, squared; 1 without groups."""
    from scipy.special import ndtri, stdtrit

    if groups is None:
        return 1.0
    worth = effective_groups(groups, len(groups))
    return float((stdtrit(max(worth - 1, 1.0), delta) / ndtri(delta)) ** 2)


def _tail(hits: float, n: float, share: float) -> float:
    """How likely so few hits of n are when each has this probability: the binomial tail, for any real numbers."""
    from scipy.special import betainc

    return 1.0 if hits >= n else float(betainc(n - hits, hits + 1, 1 - share))


def _bound(hits: float, n: float, delta: float) -> float:
    """The largest probability under which so few hits of n are not too unlikely (Clopper, Pearson 1934)."""
    from scipy.special import betaincinv

    return 1.0 if hits >= n else float(betaincinv(hits + 1, n - hits, 1 - delta))


def _per_1000(hits: np.ndarray, groups: np.ndarray | None, effect: float) -> Measured:
    return Measured(*(1000 * value for value in share_interval(hits, groups, effect)))


def _of(groups: np.ndarray | None, part: np.ndarray) -> np.ndarray | None:
    return None if groups is None else np.asarray(groups)[part]
