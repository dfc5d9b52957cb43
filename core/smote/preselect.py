"""The most similar patches of each without comparing all pairs: for CPUs, where there are tens of thousands of patches.

The SSIM that is returned is exact; some of the exact neighbours are missed. A cheap descriptor
(``core.smote.descriptor``) chooses candidates. Their SSIM is computed band by band, starting with the bands on which
the descriptor is worst. After each band only the likeliest candidates stay, by the bands computed so far and the
descriptor of the others. ``benchmarks/speed/neighbours.py`` measures how many are missed, against
:func:`core.smote.topk.nearest_of_anchors`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from core.smote.topk import Neighbours, PairsByBand, Progress, _Best, nearest_patches, on_cuda

EXACT = 8000  # patches: 32 million pairs, about eight minutes of two cores for 12 bands of 64 x 64
SAMPLE, OTHERS = 64, 16  # patches, and candidates of each, on which the bands are put in order
NEAR = 256  # patches whose one band, with means and variances, stays in a third-level cache: 12 MB
CHEAP = 0.2  # the share of the time before SSIM is computed


def nearest(
    images: np.ndarray,
    data_range: float | Sequence[float] | np.ndarray,
    k_neighbors: int,
    *,
    valid: np.ndarray | None = None,
    copies: np.ndarray | None = None,
    device: Any = None,
) -> Neighbours:
    """The exact neighbours on a CUDA device, and on a CPU up to EXACT patches; beyond that pre-selected ones."""
    given: dict[str, Any] = {"valid": valid, "copies": copies}
    if len(images) <= EXACT or on_cuda(device):
        return nearest_patches(images, data_range, k_neighbors, device=device, **given)
    return nearest_preselected(images, data_range, k_neighbors, **given)


def nearest_preselected(
    images: np.ndarray,
    data_range: float | Sequence[float] | np.ndarray,
    k_neighbors: int,
    *,
    candidates: int = 192,
    valid: np.ndarray | None = None,
    copies: np.ndarray | None = None,
    progress: Progress | None = None,
) -> Neighbours:
    """The k most similar of ``candidates`` patches whose descriptors are nearest; see ``topk.nearest_patches``.

    After b bands ``candidates / 2 b`` of them stay, but at least three times k: half the candidates leave after the
    first band, and all bands together cost as much as a fifth of the candidates would.
    """
    from core.smote.descriptor import describe, likeliest, scores_of

    n = len(images)
    best = _Best(n, k_neighbors, np.arange(n) if copies is None else copies)
    if n < 2:
        return best.found()
    descriptor = describe(images, data_range)
    chosen = likeliest(descriptor, min(candidates, n - 1))  # (N, m)
    if progress:
        progress(CHEAP)
    pairs, rows = PairsByBand(images, data_range, valid), np.arange(n)[:, None]
    order = _worst_first(pairs, descriptor, chosen)
    known = np.zeros(chosen.shape)  # mean over windows, summed over bands
    listed = _Listed.of(chosen)
    for done, band in enumerate(order, 1):
        known += listed.mean_of_band(pairs, band)
        fewer = max(3 * best.k, candidates // (2 * done))
        if done < len(order) and fewer < chosen.shape[1]:
            likely = known + scores_of(descriptor, chosen, order[done:])
            likely[best.copies[chosen] == best.copies[rows]] = -np.inf
            stay = np.argpartition(-likely, fewer - 1, axis=1)[:, :fewer]
            chosen, known = np.take_along_axis(chosen, stay, 1), np.take_along_axis(known, stay, 1)
            listed = _Listed.of(chosen)
        if progress:
            progress(CHEAP + (1 - CHEAP) * done / len(order))
    allowed = best.copies[chosen] != best.copies[rows]
    if valid is not None:
        allowed &= listed.back(np.asarray(pairs.counts(listed.left, listed.right)) > 0)
    best.merge_listed(slice(0, n), np.where(allowed, known / len(order), -np.inf), chosen)
    return replace(best.found(), exact=False)


@dataclass(frozen=True)
class _Listed:
    """The pairs of (N, m) chosen others in an order in which the processor finds most patches in its cache."""

    place: np.ndarray  # (N m,) int64, positions in the flat list
    left: np.ndarray  # (N m,) int64
    right: np.ndarray
    shape: tuple[int, int]

    @classmethod
    def of(cls, chosen: np.ndarray) -> _Listed:
        """Block after block of patches, and in each block other after other, for all patches that chose it."""
        n, m = chosen.shape
        place = np.argsort(((np.arange(n) // NEAR)[:, None] * n + chosen).ravel(), kind="stable")
        return cls(place, place // m, chosen.ravel()[place], chosen.shape)

    def back(self, values: np.ndarray) -> np.ndarray:
        """(N, m) from values (N m,) of the pairs in this order."""
        out = np.empty_like(values)
        out[self.place] = values
        return out.reshape(self.shape)

    def mean_of_band(self, pairs: PairsByBand, band: int) -> np.ndarray:
        """(N, m) mean SSIM of one band over the windows of each pair, 0 where there is none."""
        counts = pairs.counts(self.left, self.right)
        return self.back(pairs.sums(band, self.left, self.right) / np.maximum(counts, 1))


def _worst_first(pairs: PairsByBand, descriptor: np.ndarray, chosen: np.ndarray) -> list[int]:
    """The bands by how far the descriptor's score is from SSIM on some candidate pairs, the farthest first."""
    from core.smote.descriptor import scores_of

    rng = np.random.default_rng(0)
    rows = rng.choice(len(chosen), min(len(chosen), SAMPLE), replace=False)
    some = chosen[rows][:, rng.permutation(chosen.shape[1])[:OTHERS]]  # (r, o)
    pair = np.concatenate([np.repeat(rows, some.shape[1]), some.ravel()])
    used, place = np.unique(pair, return_inverse=True)
    left, right = place.reshape(2, -1)
    few = PairsByBand(pairs.images[used], pairs.ranges)
    off = [
        (
            few.sums(band, left, right) / few.counts(left, right) - scores_of(descriptor, some, [band], rows).ravel()
        ).std()
        for band in range(len(pairs.ranges))
    ]
    return [int(band) for band in np.argsort(off)[::-1]]
