"""Patches read by rows, some of them, in some of their bands; and which of them can be compared in which bands.

Where patches lack bands (Sentinel-1 of one orbit a place), two are compared in the bands that both have.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.data.leakage.shifted_crops import Patches
from core.data.store.dataset import Dataset

MOST_PARTS = 16  # sets of common bands that are compared


@dataclass(frozen=True)
class OnDisk:
    """A dataset's patches by row, read when asked for."""

    dataset: Dataset

    @property
    def shape(self) -> tuple[int, ...]:
        return (len(self.dataset), *self.dataset.shape)

    def __getitem__(self, rows) -> np.ndarray:
        return self.dataset.images(rows)


@dataclass(frozen=True)
class Rows:
    """Some rows of other patches, counted from 0, in all or some of their bands."""

    patches: Patches
    rows: np.ndarray
    bands: np.ndarray | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        n_bands = self.patches.shape[1] if self.bands is None else len(self.bands)
        return (len(self.rows), n_bands, *self.patches.shape[2:])

    @property
    def is_all(self) -> bool:
        """Whether nothing of the other patches is left out."""
        return self.shape == tuple(self.patches.shape)

    def __getitem__(self, rows) -> np.ndarray:
        images = self.patches[self.rows[rows]]
        return images if self.bands is None or len(self.bands) == images.shape[1] else images[:, self.bands]


def parts_by_bands(seen: np.ndarray) -> tuple[list[tuple[np.ndarray, np.ndarray]], int]:
    """Sets of (rows, bands) whose patches have all of these bands, so that any two with a common band meet in one.

    seen: (N, C) bool. Also how many sets of common bands are left out beyond ``MOST_PARTS``. Most bands first.
    """
    kinds, kind_of, counts = np.unique(seen, axis=0, return_inverse=True, return_counts=True)
    meeting: dict[tuple[int, ...], int] = {}
    for i, one in enumerate(kinds):
        for j, other in enumerate(kinds[: i + 1]):
            common = tuple(np.flatnonzero(one & other).tolist())
            if common:
                meeting[common] = meeting.get(common, 0) + int(counts[i]) * int(counts[j])
    chosen = sorted(meeting, key=lambda bands: -meeting[bands])[:MOST_PARTS]
    parts = []
    for bands in sorted(chosen, key=lambda bands: (-len(bands), bands)):
        rows = np.flatnonzero(np.all(kinds[:, list(bands)], axis=1)[kind_of.ravel()])
        if len(rows) > 1:
            parts.append((rows, np.array(bands)))
    return parts, len(meeting) - len(chosen)
