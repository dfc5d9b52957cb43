"""Occlusion: what a model answers when some of a patch's bands, or a window of it, are replaced.

Any function of patches will do as a model; only the caller can make sure that the patches are out of fold. Bands are
written over in one copy of a batch and put back, so that nearly all of the time goes into the function itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.errors import ConfigError, FormatError

Predict = Callable[[Any], Any]  # Tensor (n, C, H, W) float32 on the device -> (n, ...); it must not keep its argument


def occlude(
    predict: Predict,
    images: np.ndarray,
    other: np.ndarray,
    subsets: Iterable[Iterable[int]],
    batch_size: int = 256,
    device: Any = "cpu",
) -> tuple[np.ndarray, dict[frozenset[int], np.ndarray]]:
    """Answers for patches as they are, and with each subset of their bands taken from ``other``.

    images: (N, C, H, W) float32. other: the same shape, or (1, C, 1, 1) for a constant a band. subsets: of band
    numbers; equal ones are asked once, the empty one costs nothing. Returns p0 (N, ...) and by subset (N, ...).
    Raises FormatError when the shapes do not fit.
    """
    import torch

    images, other = _checked(images, other)
    wanted = {frozenset(int(band) for band in subset) for subset in subsets}
    spots = {subset: [(slice(None), run) for run in _runs(subset)] for subset in sorted(wanted, key=sorted) if subset}
    before: list[np.ndarray] = []
    after: dict[frozenset[int], list[np.ndarray]] = {subset: [] for subset in spots}
    for start in range(0, max(len(images), 1), batch_size):
        batch = torch.tensor(images[start : start + batch_size], dtype=torch.float32, device=device)  # a copy
        source = torch.as_tensor(_rows(other, start, batch_size), dtype=torch.float32, device=device).expand_as(batch)
        before.append(_answer(predict, batch))
        answers = _changed(predict, batch, source, list(spots.values()), batch_size)
        for subset, found in zip(spots, answers, strict=True):
            after[subset].append(found)
    p0 = np.concatenate(before)
    return p0, {subset: np.concatenate(after[subset]) if subset else p0 for subset in wanted}


@dataclass(frozen=True)
class Windows:
    """Where a window of ``size`` pixels a side stands: its top rows and left columns, the last flush with the edge."""

    size: int
    rows: tuple[int, ...]
    columns: tuple[int, ...]

    @classmethod
    def over(cls, height: int, width: int, size: int, stride: int) -> Windows:
        """Windows a stride apart over a patch. Raises ConfigError for a window that does not fit."""
        if not (1 <= size <= min(height, width) and stride >= 1):
            raise ConfigError(
                f"A window of {size} pixels at steps of {stride} does not fit patches of {height}x{width}. Choose a "
                f"window of 1 to {min(height, width)} pixels and a step of at least 1."
            )
        rows, columns = ((*range(0, side - size, stride), side - size) for side in (height, width))
        return cls(size, tuple(rows), tuple(columns))

    def to_pixels(self, drops: np.ndarray, height: int, width: int) -> np.ndarray:
        """Drops (N, rows, columns) spread over the patch: each pixel's mean over the windows that cover it."""
        total, count = np.zeros((len(drops), height, width)), np.zeros((height, width))
        for i, top in enumerate(self.rows):
            for j, left in enumerate(self.columns):
                window = np.s_[top : top + self.size, left : left + self.size]
                total[:, *window] += drops[:, i, j, None, None]
                count[window] += 1
        return (total / np.maximum(count, 1)).astype(np.float32)


def occlude_windows(
    predict: Predict,
    images: np.ndarray,
    other: np.ndarray,
    windows: Windows,
    batch_size: int = 256,
    device: Any = "cpu",
    bands: Iterable[int] | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Answers for patches as they are, and with each window of them (in all bands, or in ``bands``) from ``other``.

    images, other, predict: as :func:`occlude` takes them. Returns p0 (N, ...) and (N, rows, columns, ...).
    """
    import torch

    images, other = _checked(images, other)
    runs = _runs(range(images.shape[1]) if bands is None else bands)
    spots = []
    for top in windows.rows:
        for left in windows.columns:
            window = slice(top, top + windows.size), slice(left, left + windows.size)
            spots.append([(slice(None), run, *window) for run in runs])
    before, after = [], []
    for start in range(0, max(len(images), 1), batch_size):
        batch = torch.tensor(images[start : start + batch_size], dtype=torch.float32, device=device)
        source = torch.as_tensor(_rows(other, start, batch_size), dtype=torch.float32, device=device).expand_as(batch)
        before.append(_answer(predict, batch))
        stacked = np.stack(list(_changed(predict, batch, source, spots, batch_size)), axis=1)
        after.append(stacked.reshape(len(stacked), len(windows.rows), len(windows.columns), *stacked.shape[2:]))
    return np.concatenate(before), np.concatenate(after)


def _changed(
    predict: Predict, batch: Any, source: Any, spots: Sequence[list[tuple]], batch_size: int
) -> Iterator[np.ndarray]:
    """Answers (n, ...) with each spot of the batch taken from the source; few patches fill a batch with many spots.

    A spot is a list of slices: copying those is several times cheaper than looking places up.
    """
    n = len(batch)
    together = batch_size // max(n, 1)
    if together < 2:
        for spot in spots:
            kept = [batch[part].clone() for part in spot]
            for part in spot:
                batch[part] = source[part]
            yield _answer(predict, batch)
            for part, values in zip(spot, kept, strict=True):
                batch[part] = values
        return
    for start in range(0, len(spots), together):
        some = spots[start : start + together]
        many = batch.repeat(len(some), 1, 1, 1)
        for row, spot in enumerate(some):
            for part in spot:
                many[row * n : (row + 1) * n][part] = source[part]
        found = _answer(predict, many)
        yield from found.reshape(len(some), n, *found.shape[1:])


def _runs(bands: Iterable[int]) -> list[slice]:
    """The bands as slices, neighbours together."""
    ordered = sorted({int(band) for band in bands})
    starts = [band for band in ordered if band - 1 not in ordered]
    ends = [band + 1 for band in ordered if band + 1 not in ordered]
    return [slice(start, end) for start, end in zip(starts, ends, strict=True)]


def _answer(predict: Predict, batch: Any) -> np.ndarray:
    found = predict(batch)
    if hasattr(found, "detach"):
        found = found.detach().cpu().numpy()
    return np.array(found)  # a copy: predict may answer with a view of its argument


def _rows(other: np.ndarray, start: int, n: int) -> np.ndarray:
    return other if len(other) == 1 else other[start : start + n]


def _checked(images: np.ndarray, other: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    images, other = np.asarray(images), np.asarray(other, np.float32)
    if images.ndim != 4 or other.shape not in (images.shape, (1, images.shape[1], 1, 1)):
        raise FormatError(
            f"Occlusion got patches of shape {images.shape} and replacements of shape {other.shape}. It needs "
            "(N, C, H, W), and the same shape or one value a band (1, C, 1, 1)."
        )
    return images, other
