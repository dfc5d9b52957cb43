"""Gathers what is needed for the novelty of patches while they are answered for, batch by batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.data.bands import Band
from core.predict.novelty.calibrated import Novelty, PatchNovelty, SetSums, kept
from core.predict.novelty.causes import Cause, likely_cause
from core.predict.novelty.features import value_features

FEWEST_NEW, MANY = 3, 10  # new patches, and times as many as expected, from which they are told of


class Collector:
    """Sees the patches (:meth:`look`) and what each fold's heads read (:meth:`read`), in the same order."""

    def __init__(self, novelty: Novelty, bands: Sequence[Band], embeds: bool = True) -> None:
        """embeds: whether embeddings will be as the run's own were; otherwise values of bands alone are compared."""
        self.novelty, self._bands, self._embeds = novelty, tuple(bands), embeds and novelty.has_embedding
        self._features: list[np.ndarray] = []
        self._embedding: list[list[np.ndarray]] = [[] for _ in novelty.folds]

    def look(self, images: np.ndarray) -> None:
        """Raw patches (n, C, H, W), bands in the run's order."""
        if self.novelty.has_bands:
            self._features.append(value_features(images))

    def read(self, fold: int, features: Mapping[str, np.ndarray]) -> None:
        """What one fold's heads read; of use are ``embeddings``."""
        if self._embeds and "embeddings" in features and fold < len(self._embedding):
            self._embedding[fold].append(self.novelty.embedding_scores(fold, features["embeddings"]))

    def judged(self) -> tuple[PatchNovelty, SetSums] | None:
        """The novelty of each patch that came, and their sums; None where nothing comparable came."""
        return self._judged()[0]

    def features(self) -> np.ndarray | None:
        """(N, C, F) of the values that came."""
        return np.concatenate(self._features) if self._features else None

    def _judged(self) -> tuple[tuple[PatchNovelty, SetSums] | None, np.ndarray | None]:
        features, embedding = self.features(), None
        if all(self._embedding):
            embedding = np.stack([np.concatenate(one) for one in self._embedding])
        if features is None and embedding is None:
            return None, None
        judged = self.novelty.judge(features, embedding)
        return (judged if len(judged[0].p) else None), features

    def found(self) -> Found | None:
        """The novelty of all that came; None where nothing comparable came."""
        judged, features = self._judged()
        if judged is None:
            return None
        patches, sums = judged
        return found_of(self.novelty, self._bands, sums, features, patches)


def found_of(
    novelty: Novelty,
    bands: Sequence[Band],
    sums: SetSums,
    features: np.ndarray | None,
    patches: PatchNovelty | None = None,
    n_new: int | None = None,
) -> Found:
    """What the sums of a set say. features: of some of it, from which the cause is told; n_new: without ``patches``."""
    p, most = novelty.judge_set(sums)
    off = p <= novelty.level
    cause = likely_cause(novelty, bands, features) if off and features is not None else None
    return Found(novelty, patches, p, most, cause, sums.n, n_new)


@dataclass(frozen=True, eq=False)
class Found:
    """patches: of each, p_set: of all as one place, most: what is furthest out of the set, cause: of that or None.

    n_new: how many patches reach the level; counted from ``patches`` unless given.
    """

    novelty: Novelty
    patches: PatchNovelty | None
    p_set: float
    most: int
    cause: Cause | None
    n: int
    counted: int | None = None

    @property
    def n_new(self) -> int:
        """Patches further out than the level allows."""
        return kept(self.counted) if self.patches is None else int((self.patches.p <= self.novelty.level).sum())

    @property
    def is_off(self) -> bool:
        """Whether the set as a whole is unlike the training set, at the stated rate of false alarms."""
        return self.p_set <= self.novelty.level

    @property
    def is_told(self) -> bool:
        """Whether there is something to warn of: the set is off, or many more of its patches are new than expected."""
        many = self.n_new >= FEWEST_NEW and self.n_new >= MANY * self.novelty.level * self.n
        return self.is_off or many

    def columns(self, has_data: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(N,) p-values and (N,) names of what is furthest out, of all patches; has_data: (N,) bool, who was seen."""
        p, names = np.full(len(has_data), np.nan), np.full(len(has_data), "", dtype=object)
        patches = kept(self.patches)
        p[has_data], names[has_data] = patches.p, self.novelty.names(patches.most)
        return p, names.astype(str)

    def to_dict(self, what: str = "patches") -> dict[str, Any]:
        """Plain values. what: what the patches are called."""
        return {
            "p_set": self.p_set,
            "is_off": self.is_off,
            "level": self.novelty.level,
            "n": self.n,
            "n_new": self.n_new,
            "most": self.novelty.named(self.most),
            "cause": None if self.cause is None else self.cause.key,
            "n_groups": self.novelty.n_groups,
            "grouped": self.novelty.grouped,
            "notes": list(self.novelty.notes),
            "sentence": self.sentence(what),
        }

    def sentence(self, what: str = "patches") -> str:
        """What was found, for people."""
        level, groups = self.novelty.level, "groups" if self.novelty.grouped else "patches"
        share = self.n_new / self.n
        counted = (
            f"{self.n_new:,} of {self.n:,} {what} ({share:.1%}) are further from the training set than all but "
            f"{level:.1%} of held-out ones"
        )
        if not self.is_off and self.is_told:
            return (
                f"Novelty: {counted}, many more than expected. Answers there are doubtful, although as a whole the "
                f"{what} lie within what held-out {groups} show (p = {self.p_set:.2g})."
            )
        if not self.is_off:
            return f"Novelty: {counted}; as a whole they are like the training set (p = {self.p_set:.2g})."
        why = f" {self.cause.sentence}" if self.cause else f" Furthest out: {self.novelty.named(self.most)}."
        return (
            f"These {what} are unlike what the run was trained on (p = {self.p_set:.2g} among "
            f"{self.novelty.n_groups:,} held-out {groups}; false alarms 1 in {1 / level:.0f}).{why} {counted}. "
            "Check bands, units and place before you use the answers."
        )
