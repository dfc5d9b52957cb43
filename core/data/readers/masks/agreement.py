"""Whether labels and masks say the same: told at the end of an import."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from core.data.readers.base import Aside, some
from core.text import counted, list_names


class Agreement:
    """Labels held against masks, batch by batch. threshold: share of the area from which a mask means landslide."""

    def __init__(self, class_names: tuple[str, str], threshold: float):
        self._classes, self._threshold = class_names, threshold
        self._empty: list[str] = []
        self._covered: list[str] = []
        self._n = [0, 0, 0]  # unlabelled, negative, positive

    def add(
        self, ids: Sequence[str], labels: Sequence[int], masks: np.ndarray | None, has_mask: Sequence[bool]
    ) -> None:
        """Count patches in. masks: (n, H, W) 0 or 1, or None. has_mask: whether a patch's mask was there and used."""
        for label in labels:
            self._n[label + 1] += 1
        if masks is None:
            return
        shares = masks.mean(axis=(1, 2))
        for name, label, share, there in zip(ids, labels, shares, has_mask, strict=True):
            if there and label == 1 and share == 0:
                self._empty.append(name)
            if there and label == 0 and share >= self._threshold:
                self._covered.append(name)

    def tell(self, aside: Aside) -> None:
        """The warnings."""
        negative, positive = self._classes
        if self._covered or self._empty:
            parts = [
                f"{counted(len(names), 'patch', 'patches')} labelled '{label}' with {what} ({some(names)})"
                for names, label, what in (
                    (self._covered, negative, "a landslide in the mask"),
                    (self._empty, positive, "an empty mask"),
                )
                if names
            ]
            aside.warn(
                f"Labels and masks contradict each other: {list_names(parts)}. If classes are exchanged, say "
                "--positive; if the masks are inverted, --mask-value 0."
            )
        n_negative, n_positive = self._n[1:]
        if n_positive > 1 and not n_negative:
            aside.warn(f"Every labelled patch is '{positive}': nothing can be learnt without patches that are not.")
