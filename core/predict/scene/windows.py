"""Where a scene's windows lie, which stripe each belongs to, and how overlapping answers become one value a pixel.

A window is a patch-sized part of the scene. Its answer counts most in its middle and least at its border: weights fall
linearly, so that at a stride of half a window the values between two centres are interpolated linearly. Nothing here
knows of files or networks.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.arrays import Whole
from core.data.readers.geo.tiles import starts
from core.errors import FormatError

EDGE = "shift"  # the last window ends at the border


@dataclass(frozen=True)
class Stripe:
    """Some rows of windows, read at once, and the rows of pixels that are complete when they are answered.

    first, last: the rows of windows, counted from 0, last not among them. top, bottom: the pixels that the windows
    cover. final: (first, last) of the rows of pixels that this stripe stores, last not among them.
    """

    number: int
    first: int
    last: int
    top: int
    bottom: int
    final: tuple[int, int]


@dataclass(frozen=True)
class WindowGrid:
    """Windows of ``side`` (height, width) pixels over a scene of ``shape``: where each begins.

    rows, cols: first row of each row of windows, first column of each column.
    """

    shape: tuple[int, int]
    side: tuple[int, int]
    stride: int
    rows: tuple[int, ...]
    cols: tuple[int, ...]

    @classmethod
    def over(cls, shape: tuple[int, int], side: tuple[int, int], stride: int, name: str = "The scene") -> WindowGrid:
        """Raises FormatError for a scene smaller than a window, and for a stride that leaves gaps."""
        if stride < 1 or stride > min(side):
            raise FormatError(
                f"A stride of {stride} pixels does not fit windows of {side[0]}x{side[1]}; accepted: 1 to {min(side)}."
            )
        rows, cols = (tuple(starts(n, s, stride, EDGE)) for n, s in zip(shape, side, strict=True))
        if not rows or not cols:
            raise FormatError(
                f"{name} is {shape[0]}x{shape[1]} pixels, smaller than one patch of the run ({side[0]}x{side[1]}). "
                "Give a larger scene, or one with smaller pixels."
            )
        return cls(shape, side, stride, rows, cols)

    @property
    def n_windows(self) -> int:
        """How many windows there are."""
        return len(self.rows) * len(self.cols)

    def stripes(self, most_rows: int, most_windows: int | None = None) -> list[Stripe]:
        """The rows of windows in stripes.

        A stripe covers at most ``most_rows`` rows of pixels and has at most ``most_windows`` windows, but at least one
        row of them.
        """
        found: list[Stripe] = []
        first = 0
        most = len(self.rows) if most_windows is None else max(1, most_windows // len(self.cols))
        while first < len(self.rows):
            last, end = first + 1, min(len(self.rows), first + most)
            while last < end and self.rows[last] + self.side[0] - self.rows[first] <= most_rows:
                last += 1
            end = self.shape[0] if last == len(self.rows) else self.rows[last]
            bottom = self.rows[last - 1] + self.side[0]
            found.append(Stripe(len(found), first, last, self.rows[first], bottom, (self.rows[first], end)))
            first = last
        return found

    def touching(self, top: int, bottom: int) -> range:
        """Rows of windows that cover some of the rows of pixels from ``top`` to ``bottom``."""
        covering = [k for k, row in enumerate(self.rows) if row < bottom and row + self.side[0] > top]
        return range(covering[0], covering[-1] + 1)

    def some(self, most: int) -> Iterator[tuple[int, int]]:
        """(row, column) of at most ``most`` windows, spread evenly over the scene."""
        n_rows = min(len(self.rows), most, max(1, round((most * len(self.rows) / len(self.cols)) ** 0.5)))
        n_cols = min(len(self.cols), max(1, most // n_rows))
        for row in _spread(self.rows, n_rows):
            for col in _spread(self.cols, n_cols):
                yield row, col

    def blended(self, answers: np.ndarray, first: int, top: int, bottom: int) -> np.ndarray:
        """(K, bottom - top, W) float64: the answers of all windows over each pixel, weighted; nan where there is none.

        answers: (n, columns of windows, K), of the rows of windows from ``first`` on; nan for one without an answer.
        They must include every row of windows that touches these pixels.
        """
        down = _weights(self.rows[first : first + len(answers)], self.side[0], top, bottom)
        across = _weights(self.cols, self.side[1], 0, self.shape[1])
        there = np.isfinite(answers[:, :, 0])
        total = _spread_out(down, there.astype(np.float64), across)
        found = np.empty((answers.shape[2], bottom - top, self.shape[1]))
        for k in range(answers.shape[2]):
            found[k] = _spread_out(down, np.where(there, answers[:, :, k], 0.0), across)
        with np.errstate(invalid="ignore", divide="ignore"):
            found /= total
        found[:, total == 0] = np.nan
        return found


class WindowSum:
    """Maps of windows blended pixel by pixel, with the weights of :meth:`WindowGrid.blended`.

    sums: (2, H, W) float32 of a part of the scene: weighted values, and weights.
    """

    def __init__(self, shape: tuple[int, int], side: tuple[int, int]) -> None:
        self.sums = np.zeros((2, *shape), np.float32)
        self._side, down, across = side, tent(side[0]), tent(side[1])
        self._weights = (down[:, None] * across[None]).astype(np.float32)

    def add(self, corners: Sequence[tuple[int, int]], maps: np.ndarray, n: int, first: bool) -> None:
        """Maps (K, h, w) of windows that begin at ``corners``, by one of ``n`` models; first: by the first of them."""
        weights = self._weights / np.float32(n)
        for (row, col), one in zip(corners, maps, strict=True):
            at = (slice(row, row + self._side[0]), slice(col, col + self._side[1]))
            self.sums[0][at] += weights * one
            if first:
                self.sums[1][at] += self._weights


def window_shares(marked: np.ndarray, rows: Whole, cols: Whole, side: tuple[int, int]) -> np.ndarray:
    """(rows, cols) float64, the share of marked pixels in each window. marked: (H, W) bool."""
    sums = np.zeros((marked.shape[0] + 1, marked.shape[1] + 1), np.int64)
    sums[1:, 1:] = marked.cumsum(0, dtype=np.int64).cumsum(1)
    top, left = np.asarray(rows)[:, None], np.asarray(cols)[None]
    bottom, right = top + side[0], left + side[1]
    inside = sums[bottom, right] - sums[top, right] - sums[bottom, left] + sums[top, left]
    return inside / (side[0] * side[1])


def tent(side: int) -> np.ndarray:
    """(side,) weights, highest in the middle, falling linearly and above 0 at the border."""
    return 1.0 - np.abs((np.arange(side) + 0.5) * 2 / side - 1.0)


def _weights(begins: Sequence[int], side: int, top: int, bottom: int) -> Any:
    """(n, bottom - top) sparse: the weight of each window at each pixel."""
    from scipy.sparse import csr_array

    row = np.repeat(np.arange(len(begins)), side)
    col = (np.asarray(begins)[:, None] + np.arange(side)).ravel() - top
    inside = (col >= 0) & (col < bottom - top)
    values = np.tile(tent(side), len(begins))[inside]
    return csr_array((values, (row[inside], col[inside])), shape=(len(begins), bottom - top))


def _spread_out(down: Any, values: np.ndarray, across: Any) -> np.ndarray:
    """(pixels down, pixels across) of values (windows down, windows across)."""
    return (across.T @ (down.T @ values).T).T


def _spread(values: Sequence[int], n: int) -> list[int]:
    return [values[k] for k in np.unique(np.linspace(0, len(values) - 1, n).round().astype(int))]
