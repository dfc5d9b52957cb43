"""Patches that belong together, as groups to decide on: what connects them, and what harm it does that it does.

A group is a connected component of the pairs of ``core.data.leakage.split_audit``. What people decide about one is the
business of ``core.review.groups``.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from core.data.folds import fold_by_id
from core.data.grouping import PAIR_WORDS, rows_of
from core.data.leakage.duplicates import merged
from core.data.store.dataset import Dataset

MOSTLY = 0.5  # two crops of one ground are one picture seen twice where they share more than this of it
MEASURES = ("overlap", "ssim", "similarity")  # of pairs; a group has the smallest of its own
HARMS = ("folds_labels", "folds", "split", "labels", "none")  # the worst first
HARM_WORDS = {  # for people
    "folds_labels": "Split over folds, labels differ",
    "folds": "Split over folds",
    "split": "Split by the source",
    "labels": "Labels differ",
    "none": "Splits nothing",
}


@dataclass(frozen=True, eq=False)
class PatchGroup:
    """Patches connected by pairs.

    Attributes:
        ids: (n,) sorted, at least two.
        labels: of each, 1, 0, or -1 for a patch that is not counted (unlabelled, excluded, left out).
        folds: of each, from 0, the fold that judges it; -1 for none.
        parts: of each, the source's word for its part of the split; "" where it has none.
        learnt: whether the run has learnt from one of those that count in the fold that judges another.
        pairs: what connects them, rows as in ``core.data.leakage.split_audit.Leaks``.
    """

    ids: tuple[str, ...]
    labels: tuple[int, ...]
    folds: tuple[int, ...]
    parts: tuple[str, ...]
    learnt: bool
    pairs: pd.DataFrame

    @cached_property
    def name(self) -> str:
        """Of these very patches, for links."""
        return group_name(self.ids)

    @property
    def labels_differ(self) -> bool:
        """Whether it holds both classes."""
        return {0, 1} <= set(self.labels)

    @property
    def across_split(self) -> bool:
        """Whether labelled patches of it lie in different parts of the source's split."""
        return len({part for part, label in zip(self.parts, self.labels, strict=True) if part and label >= 0}) > 1

    @property
    def harm(self) -> str:
        """Of ``HARMS``."""
        if self.learnt:
            return "folds_labels" if self.labels_differ else "folds"
        return "split" if self.across_split else "labels" if self.labels_differ else "none"

    @cached_property
    def kinds(self) -> dict[str, int]:
        """Pairs by kind, in the order of ``split_audit.KINDS``."""
        counts = Counter(self.pairs["kind"].tolist())
        return {kind: counts[kind] for kind in PAIR_WORDS if kind in counts}

    def least(self, column: str) -> float:
        """The smallest value of its pairs (overlap, ssim, similarity); nan where none has one."""
        return self._least[column]

    @cached_property
    def _least(self) -> dict[str, float]:
        values = {column: self.pairs[column].to_numpy(float) for column in MEASURES}
        known = {column: some[np.isfinite(some)] for column, some in values.items()}
        return {column: float(some.min()) if some.size else float("nan") for column, some in known.items()}

    def to_dict(self) -> dict[str, Any]:
        """Plain values, a row of a table."""
        numbers = {column: value if np.isfinite(value := self.least(column)) else None for column in MEASURES}
        return {
            "group": self.name, "ids": list(self.ids), "n": len(self.ids), "harm": self.harm, "kinds": self.kinds,
            "labels": list(self.labels), "labels_differ": self.labels_differ, "folds": list(self.folds),
            "across_folds": self.learnt, "parts": list(self.parts), "across_split": self.across_split,
        } | numbers  # fmt: skip


def group_text(ids: Iterable[str]) -> str:
    """The same text for the same patches, in whichever order: a JSON list."""
    return json.dumps(sorted({str(one) for one in ids}), ensure_ascii=False)


def group_name(ids: Iterable[str]) -> str:
    """Twelve characters for these patches."""
    return hashlib.sha256(group_text(ids).encode("utf-8", "surrogatepass")).hexdigest()[:12]


def connecting(pairs: pd.DataFrame) -> pd.DataFrame:
    """Pairs that connect: identical, near and blended ones, and crops that share more than ``MOSTLY`` of a patch.

    With all crops of an overlapping grid one group would be a whole scene; what shares less is kept apart by
    ``core.data.fold_drawing`` as any pair is.
    """
    crops = pairs["kind"].isin(["shifted", "overlap"])
    return pairs[~crops | (pairs["overlap"] > MOSTLY)]


def patch_groups(
    dataset: Dataset, labels: np.ndarray, pairs: pd.DataFrame, folds: Mapping[str, Any] | None = None
) -> list[PatchGroup]:
    """The groups, the most harmful first, then the larger ones.

    labels: (N,) int8 that count, -1 where none does. pairs: of ``split_audit``; those of patches that the dataset does
    not have are passed over. folds: as a run records them (``core.data.folds.Folds.to_json``).
    """
    known = set(dataset.ids.tolist())
    pairs = connecting(pairs)
    pairs = pairs[pairs["a"].isin(known) & pairs["b"].isin(known)].reset_index(drop=True)
    if not len(pairs):
        return []
    rows = rows_of(dataset, pairs)
    component = merged(None, len(dataset), rows)
    fold_of, out = _folds(folds)
    parts = np.full(len(dataset), "") if dataset.split is None else dataset.split.astype(str)
    members: dict[str, list[int]] = {}
    for row in np.unique(rows).tolist():
        members.setdefault(component[row], []).append(row)
    names, of_pair = np.unique(component[rows[:, 0]], return_inverse=True)
    order = np.argsort(of_pair, kind="stable")
    ends = np.searchsorted(of_pair[order], np.arange(len(names) + 1))
    pairs = pairs.iloc[order]
    found = []
    for name, begin, end in zip(names.tolist(), ends[:-1], ends[1:], strict=True):
        mine = sorted(members[name], key=lambda row: dataset.ids[row])
        ids = tuple(str(dataset.ids[row]) for row in mine)
        found.append(
            PatchGroup(
                ids,
                tuple(int(labels[row]) for row in mine),
                tuple(fold_of.get(one, -1) for one in ids),
                tuple(str(parts[row]) for row in mine),
                _learnt([one for one, row in zip(ids, mine, strict=True) if labels[row] >= 0], fold_of, out),
                pairs.iloc[begin:end].reset_index(drop=True),
            )
        )
    return sorted(found, key=lambda one: (HARMS.index(one.harm), -len(one.ids), one.ids))


def _folds(folds: Mapping[str, Any] | None) -> tuple[dict[str, int], list[set[str]]]:
    """The fold that judges each patch, and what each fold's training part goes without."""
    if folds is None:
        return {}, []
    return fold_by_id(folds), [set(map(str, ids)) for ids in folds.get("left_out", [[] for _ in folds["folds"]])]


def _learnt(ids: Sequence[str], fold_of: Mapping[str, int], out: list[set[str]]) -> bool:
    """Whether some fold that judges one of them has learnt from another."""
    inside = [one for one in ids if one in fold_of]
    judging = {fold_of[one] for one in inside} - {-1}
    return any(fold_of[one] != fold and one not in out[fold] for fold in judging for one in inside)
