"""Band occlusion: what a patch's probability loses when one band is replaced by a constant (paper A, Figure 7).

Comes in: a function from patches to probabilities, normalised patches, the constant of each band. Goes out: the
probabilities before and after, and a summary by band with its interval. It knows nothing of models: any function of
patches will do, and only the caller can see to it that they are out-of-fold.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from core.errors import DataError, FormatError, LabelError

PERCENTILES = (2.5, 97.5)


@dataclass(frozen=True)
class BandImportance:
    """Band occlusion summed up over n landslide patches; every array is (C,) float64, in the order of the bands.

    drop_sum, drop_mean: of p0 - p_b, with p0 the true probability before occlusion. lo, hi: 95 % bootstrap interval of
    drop_mean. paper_sum: of 1 - p_b, paper A's way, which takes p0 to be 1 and so counts the model's own doubt as the
    band's importance. n: patches summed over.
    """

    drop_sum: np.ndarray
    drop_mean: np.ndarray
    lo: np.ndarray
    hi: np.ndarray
    paper_sum: np.ndarray
    n: int


def occlude_bands(
    predict: Callable[[np.ndarray], np.ndarray],
    images: np.ndarray,
    fill: np.ndarray,
    batch_size: int = 256,
    keep: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Predictions of patches as they are and with each band in turn replaced by its constant.

    predict: (n, C, H, W) float32 -> (n, ...), n at most batch_size; it must not keep or change its argument.
    images: (N, C, H, W) float32. fill: (C,), the constant of each band in the same unit. keep: (N, H, W) bool, pixels
    left as they are (nodata: filling one band would make them look like data). Returns p0 (N, ...) and p_b (C, N, ...).
    Raises FormatError when fill does not have one value a band.
    """
    images, fill = np.asarray(images), np.asarray(fill, dtype=np.float32)
    if images.ndim != 4 or fill.shape != images.shape[1:2]:
        raise FormatError(
            f"Occlusion got patches of shape {images.shape} and {fill.size} fill values of shape {fill.shape}. "
            "It needs (N, C, H, W) and one value a band."
        )
    before, after = [], []
    for start in range(0, max(len(images), 1), batch_size):
        batch = np.array(images[start : start + batch_size], dtype=np.float32)  # a copy: bands are overwritten in it
        before.append(np.array(predict(batch)))  # a copy, as below
        kept = np.zeros(1, bool) if keep is None else keep[start : start + batch_size]
        after.append(np.stack([_without(predict, batch, band, value, kept) for band, value in enumerate(fill)]))
    return np.concatenate(before), np.concatenate(after, axis=1)


def band_importance(
    p0: np.ndarray,
    p_b: np.ndarray,
    labels: np.ndarray,
    groups: np.ndarray | None = None,
    n_boot: int = 1000,
    seed: int = 0,
) -> BandImportance:
    """The drops of landslide patches, by band; see :class:`BandImportance`.

    p0: (N,) probability of landslide. p_b: (C, N), band b occluded. labels: (N,); only patches labelled 1 count.
    groups: (N,), resampled whole; none resamples patches. The interval is nan with fewer than two groups. Raises
    LabelError when no patch is a landslide.
    """
    p0, p_b, labels = np.asarray(p0, dtype=np.float64), np.asarray(p_b, dtype=np.float64), np.asarray(labels)
    if p0.shape != labels.shape or p_b.shape[1:] != p0.shape:
        raise DataError(f"Occlusion's shapes disagree: p0 {p0.shape}, p_b {p_b.shape}, labels {labels.shape}.")
    landslide = labels == 1
    n = int(landslide.sum())
    if n == 0:
        raise LabelError("No patch is labelled landslide, so there is no drop to sum. Label some, or take others.")
    drops = p0[landslide] - p_b[:, landslide]  # (C, n)
    lo, hi = _interval_of_mean(drops, None if groups is None else np.asarray(groups)[landslide], n_boot, seed)
    return BandImportance(
        drop_sum=drops.sum(axis=1),
        drop_mean=drops.mean(axis=1),
        lo=lo,
        hi=hi,
        paper_sum=(1.0 - p_b[:, landslide]).sum(axis=1),
        n=n,
    )


def _without(
    predict: Callable[[np.ndarray], np.ndarray], batch: np.ndarray, band: int, value: float, left: np.ndarray
) -> np.ndarray:
    kept = batch[:, band].copy()
    batch[:, band] = np.where(left, kept, value)
    found = np.array(predict(batch))  # a copy: predict may answer with a view of its argument
    batch[:, band] = kept
    return found


def _interval_of_mean(
    values: np.ndarray, groups: np.ndarray | None, n_boot: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """95 % percentile interval of each row's mean, (C, n) -> (C,), (C,), drawing groups with replacement."""
    n_rows, n = values.shape
    group_of = np.arange(n) if groups is None else np.unique(groups, return_inverse=True)[1]
    n_groups = int(group_of.max()) + 1
    if n_groups < 2:
        return np.full(n_rows, np.nan), np.full(n_rows, np.nan)
    sums = np.stack([np.bincount(group_of, row, minlength=n_groups) for row in values])  # (C, G)
    sizes = np.bincount(group_of, minlength=n_groups)
    rng = np.random.default_rng(seed)
    means = np.empty((n_boot, n_rows))
    for row in range(n_boot):
        counts = np.bincount(rng.integers(n_groups, size=n_groups), minlength=n_groups)
        means[row] = (sums @ counts) / (sizes @ counts)
    lo, hi = np.percentile(means, PERCENTILES, axis=0)
    return lo, hi
