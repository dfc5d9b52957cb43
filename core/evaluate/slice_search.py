"""Slices of errors that nobody has named beforehand: looked for on one half of the groups, tested on the other.

Parts (ranges of numbers, values of columns, clusters) come in as yes or no of each patch; combinations of one or two
of them that are wrong more often than all other patches go out, if they are so on patches that did not propose them.

The lattice of one and two parts is counted by matrix products as in SliceLine (Sagadeeva, Boehm 2021); that a slice
must be worse than chance allows, and a pair worse than its parts, is Slice Finder's (Chung et al. 2019). Theirs tests
and searches on the same patches; here the groups are split, each half proposes, and the other half tests. Holm's
correction over the proposals of a half, times two for the two halves, keeps the chance of any false slice at 5 %.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.evaluate.comparison.many import holm
from core.evaluate.comparison.significance import ALPHA
from core.stats.bootstrap import by_group, group_index, kish, resampled_sums
from core.stats.intervals import bounded_interval, defined_spread, t_interval, t_pvalue

MEASURES = ("wrong", "missed", "false_alarm")  # of all patches, of landslides, of others
FEWEST = 10  # patches of the measure that a slice needs in each half
FEWEST_GROUPS = 5  # effective groups of them, in each half
FEWEST_OF_CLASS = 3  # patches of each class in a slice that is measured by all errors
MOST = (10, 5)  # proposals that a half makes: of one part, and of two, which are so many that they would be all
ALIKE = 0.5  # overlap (intersection over union) from which two slices are one
LEAST_Z = 1.0  # of a proposal, in the half that makes it
SAME = 0.9  # share of the smaller part from which a pair is nothing of its own
CHUNK = 512  # pairs at a time


@dataclass(frozen=True)
class Tested:
    """One proposal, and what the other half says of it.

    parts: positions of its one or two parts. measure: one of ``MEASURES``. proposed_by: half 0 or 1. n: its patches
    that the measure counts, in both halves. Of the half that tests: tested, tested_wrong, rate with lo and hi (95 %),
    rest_n, rest, difference with diff_lo and diff_hi, n_groups (effective), p (one-sided) and p_adjusted (of all
    proposals of both halves together).
    """

    parts: tuple[int, ...]
    measure: str
    proposed_by: int
    n: int
    tested: int
    tested_wrong: int
    rate: float
    lo: float
    hi: float
    rest_n: int
    rest: float
    difference: float
    diff_lo: float
    diff_hi: float
    n_groups: float
    p: float
    p_adjusted: float = float("nan")

    @property
    def kept(self) -> bool:
        """Whether it is worse than the rest with all proposals taken into account."""
        return bool(self.p_adjusted < ALPHA)


@dataclass(frozen=True, eq=False)
class SliceSearch:
    """tested: every proposal. kept: those that survive, the largest difference first, none much like another.

    half: (N,) 0 or 1, which half of the groups each patch is in. n_candidates: how many slices were looked at.
    """

    tested: list[Tested]
    kept: list[Tested]
    half: np.ndarray
    n_candidates: int


def search(
    labels: np.ndarray,
    pred: np.ndarray,
    parts: np.ndarray,
    facts: Sequence[str],
    places: Sequence[int],
    groups: np.ndarray | None = None,
    fold_of: np.ndarray | None = None,
    n_boot: int = 2000,
    seed: int = 0,
) -> SliceSearch:
    """Look for slices and test them.

    labels, pred: (N,) 0/1. parts: (N, P) bool; made without labels or answers of these patches. facts: (P,) what each
    part is a part of; two parts of one fact are no pair. places: (P,) where a range lies among those of its fact, -1
    for what has no order. groups: (N,) or none, where each patch is one. fold_of: (N,), so that each half holds half of
    every fold.
    """
    labels, pred, parts = np.asarray(labels), np.asarray(pred), np.asarray(parts, bool)
    half = halves(groups, fold_of, len(labels), seed)
    both = [_Half(labels, pred, parts, groups, half == which) for which in (0, 1)]
    found: list[Tested] = []
    n_candidates = 0
    for which, (proposes, tests) in enumerate(((both[0], both[1]), (both[1], both[0]))):
        proposals, n = _proposals(proposes, tests, facts)
        n_candidates = max(n_candidates, n)
        rows = _tested(tests, proposes, proposals, which, n_boot, seed)
        adjusted = np.minimum(1.0, 2 * holm([row.p for row in rows]))
        found += [Tested(**{**row.__dict__, "p_adjusted": float(p)}) for row, p in zip(rows, adjusted, strict=True)]
    return SliceSearch(found, _distinct([row for row in found if row.kept], parts, facts, places), half, n_candidates)


def halves(groups: np.ndarray | None, fold_of: np.ndarray | None, n: int, seed: int) -> np.ndarray:
    """(N,) 0 or 1: whole groups dealt out at random, those of each fold in turn."""
    group_of, n_groups = group_index(groups, n)
    fold = np.zeros(n_groups, int)
    if fold_of is not None:
        fold[group_of] = fold_of
    order = np.random.default_rng(seed).permutation(n_groups)
    order = order[np.argsort(fold[order], kind="stable")]
    side = np.empty(n_groups, int)
    side[order] = np.arange(n_groups) % 2
    return side[group_of]


def members(parts: np.ndarray, chosen: Sequence[int]) -> np.ndarray:
    """(N,) bool: the patches that are in all of these parts (N, P)."""
    return np.all(parts[:, list(chosen)], axis=1)


# ------------------------------------------------------------------------------------------------- what is proposed


class _Half:
    """One half: its patches, by measure what counts (N, 3) and what is wrong (N, 3), and its groups."""

    def __init__(
        self, labels: np.ndarray, pred: np.ndarray, parts: np.ndarray, groups: np.ndarray | None, mine: np.ndarray
    ):
        from scipy.sparse import csr_matrix

        self.labels, self.parts = labels[mine], parts[mine]
        base = np.stack([np.ones(mine.sum()), self.labels == 1, self.labels == 0], axis=1)
        self.base = base.astype(np.float64)
        self.wrong = self.base * (pred[mine] != self.labels)[:, None]
        self.group_of, self.n_groups = group_index(None if groups is None else groups[mine], int(mine.sum()))
        ones = np.ones(len(self.labels))
        shape = (self.n_groups, len(self.labels))
        self.summing = csr_matrix((ones, (self.group_of, np.arange(len(self.labels)))), shape=shape)

    def sums(self, inside: np.ndarray, measure: int) -> np.ndarray:
        """(2, G, S): patches that count and wrong ones of slices (N, S), by group."""
        inside = inside.astype(np.float64)
        return np.stack([self.summing @ (inside * x[:, [measure]]) for x in (self.base, self.wrong)])

    def fit(self, inside: np.ndarray, measure: int) -> np.ndarray:
        """(S,) bool: slices (N, S) with enough patches and groups, in them and beside them, to be measured by."""
        counted, _ = self.sums(inside, measure)
        whole = self.summing @ self.base[:, [measure]]
        enough = np.ones(inside.shape[1], bool)
        for part in (counted, whole - counted):
            total, squares = part.sum(axis=0), (part**2).sum(axis=0)
            enough &= (total >= FEWEST) & (total**2 >= FEWEST_GROUPS * squares)
        if measure == 0:
            positive = self.labels @ inside
            enough &= np.minimum(positive, inside.sum(axis=0) - positive) >= FEWEST_OF_CLASS
        return enough


def contrast(inside: np.ndarray, beside: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Difference of the rates of slices and of what is beside them, (S,), and the same over its standard error.

    inside, beside: (2, G, S) patches and wrong ones by group. The error is that of a ratio of sums over groups, to
    first order. No difference, nor spread: 0.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        rates = [part[1].sum(axis=0) / part[0].sum(axis=0) for part in (inside, beside)]
        off = [(part[1] - r * part[0]) / part[0].sum(axis=0) for part, r in zip((inside, beside), rates, strict=True)]
        n_groups = inside.shape[1]
        error = np.sqrt(n_groups / max(n_groups - 1, 1) * ((off[0] - off[1]) ** 2).sum(axis=0))
        difference = rates[0] - rates[1]
        z = np.where(error > 1e-12, difference / error, 0.0)
    return np.nan_to_num(difference), np.nan_to_num(z)


def _proposals(half: _Half, other: _Half, facts: Sequence[str]) -> tuple[list[tuple[tuple[int, ...], int]], int]:
    """The slices that this half thinks worst, as (parts, measure), and how many were looked at.

    Whether the other half can test one is asked of its patches and groups alone, never of its errors.
    """
    ranked: list[tuple[float, tuple[int, ...], int]] = []
    n = 0
    for measure in range(len(MEASURES)):
        usable = np.flatnonzero(half.fit(half.parts, measure) & other.fit(other.parts, measure))
        single = half.sums(half.parts, measure)
        whole = half.summing @ np.stack([half.base[:, measure], half.wrong[:, measure]], axis=1)  # (G, 2)
        whole = whole.T[:, :, None]
        _, z = contrast(single[:, :, usable], whole - single[:, :, usable])
        ranked += [(float(value), (int(part),), measure) for value, part in zip(z, usable, strict=True)]
        n += len(usable)
        pairs = _pairs(half, facts, usable, measure)
        for start in range(0, len(pairs), CHUNK):
            some = pairs[start : start + CHUNK]
            inside, there = (x.parts[:, some[:, 0]] & x.parts[:, some[:, 1]] for x in (half, other))
            fit = half.fit(inside, measure) & other.fit(there, measure)
            some, inside = some[fit], inside[:, fit]
            sums = half.sums(inside, measure)
            # worse than the rest, and than what is left of either part
            each = [contrast(sums, whole - sums)[1]]
            each += [contrast(sums, single[:, :, some[:, side]] - sums)[1] for side in (0, 1)]
            least = np.min(each, axis=0)
            ranked += [(float(v), (int(a), int(b)), measure) for v, (a, b) in zip(least, some, strict=True)]
            n += len(some)
    ranked.sort(key=lambda one: (-one[0], one[1:]))
    chosen: list[tuple[tuple[int, ...], int]] = []
    taken: list[np.ndarray] = []
    for size, most in enumerate(MOST, start=1):
        last = len(chosen) + most
        for value, parts, measure in ranked:
            if value < LEAST_Z or len(chosen) == last:
                break
            inside = members(half.parts, parts)
            if len(parts) == size and all(overlap(inside, one) < ALIKE for one in taken):
                chosen.append((parts, measure))
                taken.append(inside)
    return chosen, n


def _pairs(half: _Half, facts: Sequence[str], usable: np.ndarray, measure: int) -> np.ndarray:
    """(Q, 2) pairs of usable parts that are large enough, and smaller than both."""
    inside = half.parts[:, usable] * half.base[:, [measure]]
    counts = inside.T @ inside
    least = np.minimum.outer(np.diag(counts), np.diag(counts))
    names = np.asarray(facts, dtype=object)[usable]
    fit = (counts >= FEWEST) & (counts <= SAME * least) & (names[:, None] != names[None, :])
    return usable[np.argwhere(np.triu(fit, 1))]


def overlap(one: np.ndarray, other: np.ndarray) -> float:
    """Patches in both (N,) of those in either; 0 where there are none."""
    either = (one | other).sum()
    return float((one & other).sum() / either) if either else 0.0


# --------------------------------------------------------------------------------------------------- what is tested


def _tested(
    half: _Half,
    other: _Half,
    proposals: Sequence[tuple[tuple[int, ...], int]],
    by: int,
    n_boot: int,
    seed: int,
) -> list[Tested]:
    """What ``half`` says of the proposals, all in the same resamples of its groups."""
    summed = [_sums_of(half, *one) for one in proposals]
    if not summed:
        return []
    drawn = resampled_sums(np.concatenate(summed, axis=1), n_boot, seed)
    ends = np.cumsum([part.shape[1] for part in summed])
    return [
        _test(other, *one, by, mine, samples)
        for one, mine, samples in zip(proposals, summed, np.split(drawn, ends[:-1], axis=1), strict=True)
    ]


def _sums_of(half: _Half, parts: tuple[int, ...], measure: int) -> np.ndarray:
    """(G, 2 S) by group the patches that count, then the wrong ones: of the slice, of the rest, of a pair's two parts.

    Of a part what is left of it beside the pair.
    """
    inside = members(half.parts, parts)
    beside = [~inside] + [half.parts[:, part] & ~inside for part in parts if len(parts) > 1]
    sets = np.stack([inside, *beside], axis=1).astype(np.float64)
    columns = [sets * x[:, [measure]] for x in (half.base, half.wrong)]
    return by_group(np.concatenate(columns, axis=1), half.group_of, half.n_groups)


def _test(other: _Half, parts: tuple[int, ...], measure: int, by: int, summed: np.ndarray, drawn: np.ndarray) -> Tested:
    """One proposal; a pair's p is the largest: against the rest, against the rest of each part."""
    size = summed.shape[1] // 2
    counted, wrong = summed.sum(axis=0)[:size], summed.sum(axis=0)[size:]
    with np.errstate(invalid="ignore", divide="ignore"):
        rates, samples = wrong / counted, drawn[:, size:] / drawn[:, :size]
    worth = [kish(summed[:, column]) for column in range(size)]
    p = [_worse(rates[0] - rates[i], samples[:, 0] - samples[:, i], min(worth[0], worth[i])) for i in range(1, size)]
    low, high = bounded_interval(float(rates[0]), samples[:, 0], worth[0])
    difference = float(rates[0] - rates[1])
    diff_low, diff_high = t_interval(difference, samples[:, 0] - samples[:, 1], min(worth[:2]))
    elsewhere = int((members(other.parts, parts) * other.base[:, measure]).sum())
    return Tested(
        parts, MEASURES[measure], by, int(counted[0]) + elsewhere, int(counted[0]), int(wrong[0]), float(rates[0]),
        low, high, int(counted[1]), float(rates[1]), difference, diff_low, diff_high, worth[0], max(p),
    )  # fmt: skip


def _worse(difference: float, samples: np.ndarray, worth: float) -> float:
    """One-sided p that the difference is not above 0; 1 where it cannot be told."""
    spread = defined_spread(samples)
    if not np.isfinite(difference) or not spread > 1e-12:
        return 1.0
    two_sided = t_pvalue(float(difference), spread, worth)
    return two_sided / 2 if difference > 0 else 1 - two_sided / 2


def _distinct(kept: list[Tested], parts: np.ndarray, facts: Sequence[str], places: Sequence[int]) -> list[Tested]:
    """Largest difference first; of two that are much alike the surer one, of neighbouring ranges the worst."""
    chosen: list[Tested] = []
    for row in sorted(kept, key=lambda row: (row.p_adjusted, -row.difference)):
        inside = members(parts, row.parts)
        if all(overlap(inside, members(parts, one.parts)) < ALIKE for one in chosen):
            chosen.append(row)
    worst: list[Tested] = []
    for row in sorted(chosen, key=lambda row: -row.difference):
        if not any(_beside(row, one, facts, places) for one in worst):
            worst.append(row)
    return worst


def _beside(row: Tested, other: Tested, facts: Sequence[str], places: Sequence[int]) -> bool:
    """Whether both are neighbouring ranges of one fact, by one measure."""
    if row.measure != other.measure or len(row.parts) + len(other.parts) > 2:
        return False
    (mine,), (theirs,) = row.parts, other.parts
    ordered = min(places[mine], places[theirs]) >= 0
    return ordered and facts[mine] == facts[theirs] and abs(places[mine] - places[theirs]) == 1
