"""What all masks of a collection hold, before it is decided what in them means landslide."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np

from core.data.readers.masks.raw import Raw, RawMask, is_grey

STRIP_PIXELS = 16 * 2**20  # of a large mask, read at once
MOST_VALUES = 1000  # of one mask kept as they are; of more the first three digits are
DIGITS = 3


class Found:
    """Values of masks and how often they occur.

    Attributes:
        values: number -> pixels, over all masks of numbers; colours: code -> pixels, over all masks in colours.
        indices: palette index -> pixels, of pictures with a palette; shown: code -> pixels, of rasters with one.
        n_unseen: pixels that the file calls not seen, and nan; n_tagged: the former alone.
        n_masks: how many were looked at; n_palettes: how many of them have a palette.
        lossy: names of those saved with a loss; tops: (largest value, name, lossy) of each mask of numbers.
        zero_is_white: names of those whose 0 is shown white.
        has_fractions: whether numbers that are not whole occur.
        wide: name of a mask whose numbers are no bytes, or "".
    """

    def __init__(self) -> None:
        self.values: Counter[float] = Counter()
        self.colours: Counter[int] = Counter()
        self.indices: Counter[int] = Counter()
        self.shown: Counter[int] = Counter()
        self.n_unseen, self.n_tagged, self.n_masks, self.n_palettes = 0, 0, 0, 0
        self.lossy: list[str] = []
        self.zero_is_white: list[str] = []
        self.tops: list[tuple[float, str, bool]] = []
        self.has_fractions = False
        self.wide = ""

    def add(self, mask: RawMask) -> None:
        """Look at one mask. Raises DataError when it cannot be used; then nothing of it counts."""
        seen = [_counted(raw) for raw in _strips(mask)]
        self.n_masks += 1
        tops = []
        for values, n_unseen, raw in seen:
            self.n_unseen += n_unseen
            self.n_tagged += 0 if raw.unseen is None else int(raw.unseen.sum())
            if raw.is_colour:
                self.colours.update(values)
                if raw.index is not None:
                    self.indices.update(_tally(raw.index))
            else:
                self.shown.update({} if raw.colours is None else _tally(raw.colours))
                self.values.update(values)
                tops += list(values)
                self.has_fractions |= any(value != int(value) for value in values)
                if raw.values.dtype != np.uint8:
                    self.wide = self.wide or mask.file
        self.n_palettes += seen[0][2].index is not None
        lossy = seen[0][2].lossy
        if seen[0][2].zero_is_white:
            self.zero_is_white.append(mask.file)
        if lossy:
            self.lossy.append(mask.file)
        if tops:
            self.tops.append((max(tops), mask.file, lossy))

    def as_numbers(self) -> Counter[float]:
        """Values of all masks as numbers, those of grey colours as their shade."""
        found = Counter(self.values)
        for code, n in self.colours.items():
            found[code & 255] += n
        return found

    def as_colours(self) -> Counter[int]:
        """Values of all masks as colours, bytes as shades of grey unless a palette says how they are shown."""
        if self.shown:
            return self.colours + self.shown
        found = Counter(self.colours)
        for value, n in self.values.items():
            found[int(value) * 0x010101] += n
        return found

    @property
    def is_grey(self) -> bool:
        """Whether all colours are shades of grey, so that numbers say it all."""
        return bool(is_grey(np.array(list(self.colours), np.int64)).all())


def _strips(mask: RawMask) -> Iterator[Raw]:
    if not mask.windowed:
        yield mask.raw()
        return
    height, width = mask.shape()
    rows = max(1, STRIP_PIXELS // width)
    for row in range(0, height, rows):
        yield mask.raw((row, 0, min(rows, height - row), width))


def _counted(raw: Raw) -> tuple[dict[Any, int], int, Raw]:
    values = raw.values if raw.unseen is None else raw.values[~raw.unseen]
    n_all = raw.values.size
    if values.dtype.kind == "f":
        values = values[np.isfinite(values)]
    return _tally(values), n_all - values.size, raw


def _tally(values: np.ndarray) -> dict[Any, int]:
    if values.dtype == np.uint8:
        counts = np.bincount(values.ravel(), minlength=256)
        return {int(value): int(counts[value]) for value in np.flatnonzero(counts)}
    found, counts = np.unique(values, return_counts=True)
    if len(found) > MOST_VALUES and values.dtype.kind == "f":
        with np.errstate(divide="ignore"):
            step = 10.0 ** (np.floor(np.log10(np.abs(found.astype(np.float64)))) - DIGITS + 1)
        rounded = np.where(found == 0, 0.0, np.round(found / np.where(step > 0, step, 1)) * step)
        found, inverse = np.unique(rounded, return_inverse=True)
        counts = np.bincount(inverse, counts).astype(np.int64)
    return dict(zip(found.tolist(), counts.tolist(), strict=True))
