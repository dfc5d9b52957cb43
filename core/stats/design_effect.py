"""Shares of patches that come in groups: how many independent patches they are worth, and their intervals.

Patches of one scene resemble each other, so that a binomial interval that counts them all is too narrow.
"""

from __future__ import annotations

import numpy as np

from core.stats.bootstrap import group_index, kish

Z = 1.959964  # of a two-sided 95 % interval


def design_effect(hits: np.ndarray, groups: np.ndarray | None = None) -> float:
    """How much larger the variance of the share of hits is than that of independent patches; at least 1 (Kish 1965).

    hits: (N,) 0/1. groups: (N,) or none (1). Where all or none are hits the spread cannot be seen: every group then
    counts as one patch.
    """
    hits = np.asarray(hits, np.float64)
    if groups is None or not hits.size:
        return 1.0
    group_of, n_groups = group_index(groups, hits.size)
    size = np.bincount(group_of, minlength=n_groups).astype(float)
    share = float(hits.mean())
    if share in (0.0, 1.0) or n_groups < 2:
        return hits.size / kish(size)
    off = np.bincount(group_of, hits, minlength=n_groups) - share * size
    variance = n_groups / (n_groups - 1) * float((off**2).sum())
    return max(1.0, variance / (hits.size * share * (1 - share)))


def score_design_effect(scores: np.ndarray, groups: np.ndarray | None = None) -> float:
    """The design effect that a share of low scores may have, judged by how alike the scores of one group are.

    scores: (N,), any scale. The correlation within groups is that of normal scores of the ranks (one-way analysis of
    variance); a share's own correlation is at most that when scores follow a normal copula. 1 without groups.
    """
    scores = np.asarray(scores, np.float64)
    if groups is None or scores.size < 3:
        return 1.0
    from scipy.special import ndtri

    group_of, n_groups = group_index(groups, scores.size)
    size = np.bincount(group_of, minlength=n_groups).astype(float)
    if n_groups in (1, scores.size):
        return scores.size / kish(size)
    _, tie = np.unique(scores, return_inverse=True)
    counts = np.bincount(tie)
    z = ndtri(((np.cumsum(counts) - 0.5 * (counts - 1)) / (scores.size + 1))[tie])  # mid-ranks of ties
    z = z - z.mean()
    means = np.bincount(group_of, z, minlength=n_groups) / size
    between = float((size * means**2).sum()) / (n_groups - 1)
    within = (float((z**2).sum()) - between * (n_groups - 1)) / (scores.size - n_groups)
    typical = (scores.size - (size**2).sum() / scores.size) / (n_groups - 1)
    alike = (between - within) / (between + (typical - 1) * within) if between > 0 else 0.0
    return float(1 + (scores.size / kish(size) - 1) * min(1.0, max(0.0, alike)))


def wilson(hits: np.ndarray | float, n: np.ndarray | float) -> tuple[np.ndarray, np.ndarray]:
    """95 % interval of a share (Wilson 1927), numbers or arrays; n may be an effective number; (nan, nan) for n 0."""
    hits, n = np.asarray(hits, np.float64), np.asarray(n, np.float64)
    n = np.where(n > 0, n, np.nan)
    share, square = hits / n, Z**2 / n
    centre = (share + square / 2) / (1 + square)
    reach = np.sqrt(np.maximum(share * (1 - share) * square + square**2 / 4, 0)) / (1 + square)
    return np.clip(centre - reach, 0, 1), np.clip(centre + reach, 0, 1)


def share_interval(
    hits: np.ndarray, groups: np.ndarray | None = None, least_effect: float = 1.0
) -> tuple[float, float, float]:
    """Share of hits (N,) 0/1 with its 95 % interval, groups minded: (share, lo, hi); nan without patches.

    least_effect: a design effect that is assumed in any case, such as one stated where no groups are known.
    """
    hits = np.asarray(hits, np.float64)
    if not hits.size:
        return (float("nan"),) * 3
    effect = max(design_effect(hits, groups), least_effect)
    low, high = wilson(hits.sum() / effect, hits.size / effect)
    return float(hits.mean()), float(low), float(high)
