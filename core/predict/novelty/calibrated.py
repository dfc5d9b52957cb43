"""What a run's novelty is measured with: each fold's spaces, and what the held-out patches and groups score in them.

A score is the largest of several distances, each in units of what 99 of 100 held-out patches stay below: of each
band's values, of the bands together, and of the embedding. So many bands cost no false alarms: held-out patches have as
many. A set of patches, such as a scene, is compared with held-out groups as wholes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import numpy as np

from core.arrays import Whole
from core.errors import needed
from core.predict.novelty.features import FEATURES
from core.predict.novelty.held_out import HeldOut
from core.predict.novelty.spaces import BandSpace, EmbeddingSpace

LEVEL = 0.01  # false alarms: one in 100 patches, and one in 100 sets
TOGETHER = -1  # stands for the bands together where a band is named by its place
EMBEDDING = -2


T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class PatchNovelty:
    """Of N patches.

    p: (N,) in (0, 1], how many of the held-out patches lie as far out; small is new. p_bands, p_embedding: of one
    kind of evidence alone, None where there is none. most: (N,) place of the band furthest out, or TOGETHER, EMBEDDING.
    """

    p: np.ndarray
    p_bands: np.ndarray | None
    p_embedding: np.ndarray | None
    most: np.ndarray


@dataclass(frozen=True, eq=False)
class SetSums:
    """Sums over patches, from which a set is judged. z: (K, C, F), distances: (K, C + 1), embedding: (K,), n."""

    n: int
    z: np.ndarray | None
    distances: np.ndarray | None
    embedding: np.ndarray | None

    def arrays(self) -> dict[str, np.ndarray]:
        """What is there, for a file; see :meth:`of`."""
        found = {
            "n": np.array([self.n], np.int64),
            "z": self.z,
            "distances": self.distances,
            "embedding": self.embedding,
        }
        return {key: value for key, value in found.items() if value is not None}

    @classmethod
    def of(cls, arrays: Mapping[str, np.ndarray]) -> SetSums | None:
        """Of :meth:`arrays`; None where there are none, or they are of no patch."""
        if "n" not in arrays or not arrays["n"][0]:
            return None
        return cls(int(arrays["n"][0]), *(arrays.get(key) for key in ("z", "distances", "embedding")))

    def __add__(self, other: SetSums) -> SetSums:
        pairs = ((getattr(self, key), getattr(other, key)) for key in ("z", "distances", "embedding"))
        return SetSums(self.n + other.n, *(None if a is None or b is None else a + b for a, b in pairs))


def kept(value: T | None) -> T:
    """A part of what a run is compared with. Raises DataError where it keeps none."""
    return needed(value, "This run keeps no such evidence of what is new. Train it again.")


@dataclass(frozen=True, eq=False)
class FoldEvidence:
    """Of one fold. scale: (C + 1,) of its distances, set_scale: (2 C + 2,) of a set's; sets: whitens groups' means.

    held, held_sets: (n, C + 1) and (groups, 2 C + 2) what held-out patches and groups score, in scales; the same of
    embeddings (n,), (groups,). groups: (n,). What there is no evidence of is None.
    """

    groups: np.ndarray
    bands: BandSpace | None = None
    sets: BandSpace | None = None
    scale: np.ndarray | None = None
    set_scale: np.ndarray | None = None
    held: np.ndarray | None = None
    held_sets: np.ndarray | None = None
    embedding: EmbeddingSpace | None = None
    embedding_scale: float = 1.0
    set_embedding_scale: float = 1.0
    held_embedding: np.ndarray | None = None
    held_set_embedding: np.ndarray | None = None


@dataclass(frozen=True, eq=False)
class Novelty:
    """What a run is compared with.

    folds: the evidence of each. band_names: of the run, in its order. grouped: whether its folds kept groups together.
    notes: sentences on what limits it.
    """

    folds: tuple[FoldEvidence, ...]
    band_names: tuple[str, ...]
    grouped: bool
    notes: tuple[str, ...] = ()

    @property
    def has_bands(self) -> bool:
        """Whether values of bands can be compared: the dataset was there when it was fitted."""
        return all(fold.bands is not None for fold in self.folds)

    @property
    def has_embedding(self) -> bool:
        """Whether embeddings can be compared."""
        return all(fold.embedding is not None for fold in self.folds)

    @property
    def n_patches(self) -> int:
        """Held-out patches that it was calibrated on."""
        return sum(len(fold.groups) for fold in self.folds)

    @property
    def n_groups(self) -> int:
        """Held-out groups that it was calibrated on; each patch is one where the run has none."""
        return sum(len(np.unique(fold.groups)) for fold in self.folds)

    @property
    def level(self) -> float:
        """The rate of false alarms at which something is told: ``LEVEL``, or the rarest that the groups can tell."""
        return max(LEVEL, 1.0 / (self.n_groups + 1))

    @cached_property
    def _calibrations(self) -> dict[tuple[str, bool], HeldOut]:
        return {}

    def held_out(self, evidence: str, of_sets: bool = False) -> HeldOut:
        """Of ``bands``, ``embedding`` or ``both``."""
        key = (evidence, of_sets)
        if key not in self._calibrations:
            scores, groups = [], []
            for fold in self.folds:
                bands = fold.held_sets if of_sets else fold.held
                embedding = fold.held_set_embedding if of_sets else fold.held_embedding
                parts = [] if evidence == "embedding" else [kept(bands).max(axis=1)]
                parts += [] if evidence == "bands" else [kept(embedding)]
                scores.append(np.max(parts, axis=0))
                groups.append(np.arange(len(scores[-1])) if of_sets else fold.groups)
            self._calibrations[key] = HeldOut(tuple(scores), tuple(groups))
        return self._calibrations[key]

    # ------------------------------------------------------------------------------------------------- patches

    def embedding_scores(self, fold: int, embeddings: np.ndarray) -> np.ndarray:
        """(N,) float64, how far embeddings (N, D) of this fold's network lie, in scales."""
        one = self.folds[fold]
        return kept(one.embedding).scores(embeddings) / one.embedding_scale

    def no_sums(self, embeds: bool) -> SetSums:
        """The sums of no patch. embeds: whether embeddings are summed."""
        n_folds, n_bands = len(self.folds), len(self.band_names)
        z, distances = np.zeros((n_folds, n_bands, len(FEATURES))), np.zeros((n_folds, n_bands + 1))
        embedding = np.zeros(n_folds) if embeds and self.has_embedding else None
        return SetSums(0, z, distances, embedding) if self.has_bands else SetSums(0, None, None, embedding)

    def judge(self, features: np.ndarray | None, embedding: np.ndarray | None) -> tuple[PatchNovelty, SetSums]:
        """Novelty of patches, and their sums.

        features: (N, C, F) of ``value_features``, embedding: (K, N) of :meth:`embedding_scores`; None for what is not
        known of them. One of the two must be, and the run must have it.
        """
        features = features if self.has_bands else None
        embedding = embedding if self.has_embedding else None
        n = len(features) if features is not None else kept(embedding).shape[1]
        z, distances, blocks = [], [], []
        for k, fold in enumerate(self.folds):
            parts = []
            if features is not None:
                space = kept(fold.bands)
                standardised = space.standardised(features)
                found = space.distances(standardised)
                z.append(standardised.sum(axis=0))
                distances.append(found.sum(axis=0))
                parts.append(found / fold.scale)
            if embedding is not None:
                parts.append(embedding[k][:, None])
            blocks.append(np.concatenate(parts, axis=1))
        mean = np.mean(blocks, axis=0)
        n_bands = 0 if features is None else len(self.band_names)
        names = np.array([*range(n_bands), *([TOGETHER] if n_bands else []), EMBEDDING])
        most = names[mean.argmax(axis=1)] if n else np.empty(0, np.int64)
        of_bands = [block[:, : n_bands + 1].max(axis=1) for block in blocks] if n_bands else None
        evidence = evidence_of(features is not None, embedding is not None)
        p = self.held_out(evidence).p_values([block.max(axis=1) for block in blocks])
        p_bands = None if of_bands is None else self.held_out("bands").p_values(of_bands)
        p_embedding = None if embedding is None else self.held_out("embedding").p_values(list(embedding))
        sums = SetSums(
            n,
            np.stack(z) if z else None,
            np.stack(distances) if distances else None,
            None if embedding is None else embedding.sum(axis=1),
        )
        return PatchNovelty(p, p_bands, p_embedding, most), sums

    # ---------------------------------------------------------------------------------------------------- sets

    def judge_set(self, sums: SetSums) -> tuple[float, int]:
        """(p, most) of a set of patches as one place: p in (0, 1], and the band furthest out, as in PatchNovelty."""
        blocks = []
        for k, fold in enumerate(self.folds):
            parts = []
            if sums.z is not None:
                z, distances = sums.z[k] / sums.n, kept(sums.distances)[k] / sums.n
                parts.append(set_distances(kept(fold.sets), z, distances) / fold.set_scale)
            if sums.embedding is not None:
                own = sums.embedding[k] / sums.n * fold.embedding_scale / fold.set_embedding_scale
                parts.append(np.array([own]))
            blocks.append(np.concatenate(parts))
        evidence = evidence_of(sums.z is not None, sums.embedding is not None)
        p = self.held_out(evidence, of_sets=True).p_values([block.max(keepdims=True) for block in blocks])
        n_bands = 0 if sums.z is None else len(self.band_names)
        one = [*range(n_bands), TOGETHER] if n_bands else []
        names = [*one, *one, EMBEDDING]
        return float(p[0]), int(names[int(np.mean(blocks, axis=0).argmax())])

    def named(self, most: int) -> str:
        """What is furthest out, in words."""
        return {TOGETHER: "bands together", EMBEDDING: "embedding"}.get(most) or self.band_names[most]

    def names(self, most: Whole) -> np.ndarray:
        """(N,) text of :meth:`named`."""
        return np.array([self.named(int(one)) for one in most], dtype=str)


def evidence_of(bands: bool, embedding: bool) -> str:
    """What :meth:`Novelty.held_out` calls it."""
    return "both" if bands and embedding else "bands" if bands else "embedding"


def set_distances(sets: BandSpace, z: np.ndarray, distances: np.ndarray) -> np.ndarray:
    """(2 C + 2,): how far the mean of a set's features (C, F) lies from groups' means, and its mean distances."""
    return np.concatenate([sets.distances(z[None])[0], distances])
