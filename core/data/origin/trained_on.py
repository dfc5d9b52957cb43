"""What a model was trained on, fold by fold, and the one question that is asked of it: does it know these patches?

A run's own patches are one :class:`Part`; what the weights that it started from had learnt from are further ones, so
that the chain of transfers is never lost.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from core.data.origin.facts import PatchFacts
from core.data.origin.match import GROUP, IDENTICAL, KINDS, NEAR, PLACE, Matches, identical_patches, same_patches
from core.progress import Steps, part

WORDS = {
    IDENTICAL: "identical",
    NEAR: "nearly identical or a shifted crop",
    PLACE: "of the same place",
    GROUP: "of the same group",
}
SAME_PIXELS = (IDENTICAL, NEAR)


@dataclass(frozen=True, eq=False)
class Part:
    """N patches of one dataset.

    seen: (K, N) bool, whether the model of fold k learnt from them. excluded: (N,) bool, left out on purpose. judged:
    (N,) int16, the fold that judged them, -1 none. run: that learnt from them. dataset: the name of their file.
    """

    patches: PatchFacts
    seen: np.ndarray
    excluded: np.ndarray
    judged: np.ndarray
    run: str
    dataset: str
    content_hash: str = ""

    def of_folds(self, folds: Sequence[int]) -> Part:
        """The same for the models of these folds, in this order."""
        return replace(self, seen=self.seen[list(folds)])


@dataclass(frozen=True, eq=False)
class TrainedOn:
    """Everything that the K models of a run (or the one model of a weights file) learnt from.

    name: of the run or file. unknown: sentences, one for each source of weights whose patches nobody wrote down.
    """

    name: str
    n_folds: int
    parts: tuple[Part, ...] = ()
    unknown: tuple[str, ...] = field(default=())

    def of_folds(self, folds: Sequence[int]) -> TrainedOn:
        """The same for the models of these folds alone."""
        return replace(self, n_folds=len(folds), parts=tuple(part.of_folds(folds) for part in self.parts))


def of_runs(records: Sequence[TrainedOn]) -> TrainedOn:
    """What all models of several runs learnt from, for an ensemble: the models of the first run, then of the second.

    A patch is answered for by those of them that have not learnt from it (:func:`held_out`).
    """
    total = sum(record.n_folds for record in records)
    parts, start = [], 0
    for record in records:
        for one in record.parts:
            seen = np.zeros((total, len(one.patches)), bool)
            seen[start : start + record.n_folds] = one.seen
            parts.append(replace(one, seen=seen))
        start += record.n_folds
    unknown = dict.fromkeys(sentence for record in records for sentence in record.unknown)
    return TrainedOn(", ".join(record.name for record in records), total, tuple(parts), tuple(unknown))


@dataclass(frozen=True, eq=False)
class Known:
    """Which of M patches a model knows.

    kind: (M,) text, the strongest of ``match.KINDS``, "" for none. example: (M,) text, the patch that was learnt from.
    seen: (K, M) bool, whether fold k learnt from it or its like. excluded: (M,) bool, the same pixels were left out of
    the training on purpose (by the exclusion list, or for clouds).
    """

    ids: np.ndarray
    kind: np.ndarray
    example: np.ndarray
    seen: np.ndarray
    excluded: np.ndarray

    @property
    def any(self) -> np.ndarray:
        """(M,) bool."""
        return self.kind != ""

    def counts(self) -> dict[str, int]:
        """Number of patches by kind, without the kinds that there are none of."""
        return {kind: n for kind in KINDS if (n := int((self.kind == kind).sum()))}

    def words(self, rows: np.ndarray | None = None) -> str:
        """Counts by kind and an example, as a part of a sentence."""
        rows = np.flatnonzero(self.any) if rows is None else rows
        counts = [f"{n:,} {WORDS[kind]}" for kind in KINDS if (n := int((self.kind[rows] == kind).sum()))]
        first = rows[0]
        example = f"for example '{self.ids[first]}', known from '{self.example[first]}'"
        return f"{', '.join(counts)}; {example}"


def compare(
    trained_on: TrainedOn, new: PatchFacts, group_names: bool = True, all_closely: bool = False
) -> Steps[tuple[Matches, ...]]:
    """How each part is linked to the new patches.

    all_closely: look for near-duplicates of such patches too that are known to be identical with one that was learnt
    from or left out.
    """
    found, n = [], max(1, len(trained_on.parts))
    for k, one in enumerate(trained_on.parts):
        sure, _ = identical_patches(one.patches.prints, new.prints).known(one.seen.any(axis=0) | one.excluded)
        closely = None if all_closely else sure == ""
        found.append((yield from part(same_patches(one.patches, new, group_names, closely), k / n, (k + 1) / n)))
    return tuple(found)


def known_to(
    trained_on: TrainedOn, new: PatchFacts, group_names: bool = True, matches: Sequence[Matches] | None = None
) -> Steps[Known]:
    """Which of the new patches the models know. matches: of :func:`compare`, where they were compared already."""
    if matches is None:
        matches = yield from compare(trained_on, new, group_names)
    m = len(new)
    kind, example = np.full(m, "", "U9"), np.full(m, "", object)
    seen, excluded = np.zeros((trained_on.n_folds, m), bool), np.zeros(m, bool)
    rank = np.full(m, len(KINDS))
    for one, match in zip(trained_on.parts, matches, strict=True):
        of_part, partner = match.known(np.any(one.seen, axis=0))
        ranks = np.array([KINDS.index(name) if name else len(KINDS) for name in of_part.tolist()], int).reshape(-1)
        better = ranks < rank
        rank[better], kind[better] = ranks[better], of_part[better]
        example[better] = one.patches.ids[partner[better]]
        for fold in range(trained_on.n_folds):
            seen[fold] |= match.known(one.seen[fold])[1] >= 0
        excluded |= match.known(one.excluded, SAME_PIXELS)[1] >= 0
    return Known(new.ids, kind, example.astype(str), seen, excluded & (kind == ""))


def held_out(trained_on: TrainedOn, new: PatchFacts) -> np.ndarray:
    """(K, M) bool: the folds that answer for a patch. Those that did not learn from an identical one; else all.

    Only pixels count here, so that this can be asked of each batch while it is answered for.
    """
    learnt = np.zeros((trained_on.n_folds, len(new)), bool)
    for one in trained_on.parts:
        match = identical_patches(one.patches.prints, new.prints)
        for fold in range(trained_on.n_folds):
            learnt[fold] |= match.known(one.seen[fold])[1] >= 0
    learnt[:, learnt.all(axis=0)] = False
    return ~learnt
