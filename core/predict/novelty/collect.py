"""Gathers what is needed for the novelty of patches while they are answered for, batch by batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.data.bands import Band
from core.predict.novelty.calibrated import Novelty, PatchNovelty
from core.predict.novelty.causes import Cause, likely_cause
from core.predict.novelty.features import band_features


class Collector:
    """Sees the patches (:meth:`look`) and what each fold's heads read (:meth:`read`), in the same order."""

    def __init__(self, novelty: Novelty, bands: Sequence[Band]) -> None:
        self.novelty, self._bands = novelty, tuple(bands)
        self._features: list[np.ndarray] = []
        self._embedding: list[list[np.ndarray]] = [[] for _ in novelty.folds]

    def look(self, images: np.ndarray) -> None:
        """Raw patches (n, C, H, W), bands in the run's order."""
        if self.novelty.has_bands:
            self._features.append(band_features(images))

    def read(self, fold: int, features: Mapping[str, np.ndarray]) -> None:
        """What one fold's heads read; of use are ``embeddings``."""
        if self.novelty.has_embedding and "embeddings" in features and fold < len(self._embedding):
            self._embedding[fold].append(self.novelty.embedding_scores(fold, features["embeddings"]))

    def found(self) -> Found | None:
        """The novelty of all that came; None where nothing comparable came."""
        features = np.concatenate(self._features) if self._features else None
        embedding = None
        if all(self._embedding):
            embedding = np.stack([np.concatenate(one) for one in self._embedding])
        if features is None and embedding is None:
            return None
        patches, sums = self.novelty.judge(features, embedding)
        if not len(patches.p):
            return None
        p, most = self.novelty.judge_set(sums)
        cause = None if features is None or p > self.novelty.level else likely_cause(self.novelty, self._bands, features)
        return Found(self.novelty, patches, p, most, cause, len(patches.p))


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
        return self.counted if self.patches is None else int((self.patches.p <= self.novelty.level).sum())

    @property
    def is_off(self) -> bool:
        """Whether the set as a whole is unlike the training set, at the stated rate of false alarms."""
        return self.p_set <= self.novelty.level

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
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
            "sentence": self.sentence(),
        }

    def sentence(self, what: str = "patches") -> str:
        """What was found, for people."""
        level, groups = self.novelty.level, "groups" if self.novelty.grouped else "patches"
        share = self.n_new / self.n
        counted = (
            f"{self.n_new:,} of {self.n:,} {what} ({share:.1%}) are further from the training set than all but "
            f"{level:.1%} of held-out ones"
        )
        if not self.is_off:
            return f"Novelty: {counted}; as a whole they are like the training set (p = {self.p_set:.2g})."
        why = f" {self.cause.sentence}" if self.cause else f" Furthest out: {self.novelty.named(self.most)}."
        return (
            f"These {what} are unlike what the run was trained on (p = {self.p_set:.2g} among "
            f"{self.novelty.n_groups:,} held-out {groups}; false alarms 1 in {1 / level:.0f}).{why} {counted}. "
            "Check bands, units and place before you use the answers."
        )
