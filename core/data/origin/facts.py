"""The facts by which a patch is recognised in another dataset: what its pixels look like, where it lies, its group."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.arrays import Texts
from core.data.leakage.footprints import Footprints, footprints
from core.data.origin.fingerprints import Fingerprints, fingerprints, plane_side
from core.data.store.dataset import Dataset
from core.progress import Progress, Steps

BATCH = 256


@dataclass(frozen=True, eq=False)
class PatchFacts:
    """Of N patches.

    ids: (N,) text. ground: what each shows, as far as it is known. groups: (N,) text, "" where unknown. square: whether
    patches are as wide as high.
    """

    ids: np.ndarray
    prints: Fingerprints
    ground: Footprints
    groups: np.ndarray
    square: bool = True

    def __len__(self) -> int:
        return len(self.ids)

    def take(self, rows: np.ndarray) -> PatchFacts:
        """Those of some patches."""
        parts = (self.ids[rows], self.prints.take(rows), self.ground.rows(rows), self.groups[rows])
        return PatchFacts(*parts, self.square)


def facts_of(
    dataset: Dataset, rows: np.ndarray, bands: Sequence[str], group_column: str | None = None
) -> Steps[PatchFacts]:
    """Of some patches of a dataset file, by the bands of these names.

    group_column: a column that names their groups; none, or where the dataset does not have it: its own groups.
    """
    side, parts = plane_side(len(rows), *dataset.shape[1:]), []
    for start in range(0, len(rows), BATCH):
        images = dataset.images(rows[start : start + BATCH], bands)
        parts.append(fingerprints(images, tuple(bands), side))
        done = min(start + BATCH, len(rows))
        yield Progress(done / len(rows), f"Looking at {done:,} of {len(rows):,} patches.")
    return with_places(dataset, rows, together(parts, tuple(bands)), group_column)


def with_places(
    dataset: Dataset, rows: np.ndarray, prints: Fingerprints, group_column: str | None = None
) -> PatchFacts:
    """The facts of patches whose fingerprints were taken already."""
    groups = np.full(len(dataset), "") if dataset.groups is None else dataset.groups
    if group_column in dataset.columns:
        groups = np.char.strip(dataset.columns[group_column].astype(str))
        groups = np.where(groups == "nan", "", groups)
    square = dataset.shape[1] == dataset.shape[2]
    return PatchFacts(dataset.ids[rows], prints, footprints(dataset).rows(rows), groups[rows], square)


def without_places(ids: Texts, prints: Fingerprints, square: bool = True) -> PatchFacts:
    """Of patches of which only the pixels are known."""
    return PatchFacts(np.asarray(ids, dtype=str), prints, nowhere(len(ids)), np.full(len(ids), ""), square)


def nowhere(n: int) -> Footprints:
    """Of ``n`` patches without a place."""
    return Footprints(np.full(n, ""), np.full((n, 2), np.nan), np.full((n, 2), np.nan), np.zeros(n, bool))


def together(parts: Sequence[Fingerprints], bands: tuple[str, ...]) -> Fingerprints:
    """One after the other."""
    if not parts:
        return Fingerprints(bands, np.empty((0, len(bands)), np.uint64), np.empty((0, 0, 0), np.uint8))
    side = min(part.planes.shape[1] for part in parts)
    return Fingerprints(
        bands,
        np.concatenate([part.hashes for part in parts]),
        np.concatenate([part.planes[:, :side, :side] for part in parts]),
    )
