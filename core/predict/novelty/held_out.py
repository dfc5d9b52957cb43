"""Conformal p-values by groups: how many held-out groups lie at least as far out.

A patch of a new place is exchangeable with those of the groups that a fold held out, not with single patches of them,
which resemble each other. So each held-out group counts once, however many patches it has (Lee, Barber and Willett,
Distribution-free inference with hierarchical data, 2023), and the new one counts as one more. Each fold compares in its
own space with its own held-out groups, and the folds are pooled (cross-conformal prediction; Vovk, 2015).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

SCALE_AT = 0.9  # quantile of the held-out scores of a fold that is brought to 1


@dataclass(frozen=True, eq=False)
class HeldOut:
    """scores: by fold (n,) float64 of its held-out patches, larger is further; groups: by fold (n,) whole numbers."""

    scores: tuple[np.ndarray, ...]
    groups: tuple[np.ndarray, ...]

    @cached_property
    def weights(self) -> tuple[np.ndarray, ...]:
        """By fold (n,): one over the number of patches of the group."""
        return tuple(weights_of(groups) for groups in self.groups)

    @cached_property
    def n_groups(self) -> int:
        """Of all folds."""
        return sum(len(np.unique(groups)) for groups in self.groups)

    @property
    def least(self) -> float:
        """The smallest p-value that there can be."""
        return 1.0 / (self.n_groups + 1)

    @cached_property
    def _tails(self) -> tuple[tuple[np.ndarray, np.ndarray], ...]:
        found = []
        for scores, weights in zip(self.scores, self.weights, strict=True):
            order = np.argsort(scores, kind="stable")
            found.append((scores[order], np.append(np.cumsum(weights[order][::-1])[::-1], 0.0)))
        return tuple(found)

    def further(self, fold: int, scores: np.ndarray) -> np.ndarray:
        """(N,) how many groups of a fold, as shares of their patches, score at least as high; nan counts as near."""
        ordered, tails = self._tails[fold]
        return tails[np.searchsorted(ordered, np.nan_to_num(scores, nan=-np.inf), side="left")]

    def p_values(self, scores: Sequence[np.ndarray]) -> np.ndarray:
        """(N,) in (0, 1]. scores: by fold (N,), of the same new patches in each fold's space."""
        total = np.sum([self.further(fold, one) for fold, one in enumerate(scores)], axis=0)
        return (1.0 + total) / (self.n_groups + 1)

    def own_p_values(self) -> tuple[np.ndarray, ...]:
        """By fold (n,): each held-out patch against the other groups of all folds, its own left out."""
        found = []
        for fold, (scores, weights) in enumerate(zip(self.scores, self.weights, strict=True)):
            total = sum(self.further(other, scores) for other in range(len(self.scores)))
            own = np.zeros(len(scores))
            groups = self.groups[fold]
            for group in np.unique(groups):
                mine = np.flatnonzero(groups == group)
                ordered = np.sort(scores[mine])
                own[mine] = (len(mine) - np.searchsorted(ordered, scores[mine], side="left")) * weights[mine[0]]
            found.append((1.0 + total - own) / self.n_groups)
        return tuple(found)


def weights_of(groups: np.ndarray) -> np.ndarray:
    """(n,) one over the number of rows of the same group."""
    _, index, counts = np.unique(groups, return_inverse=True, return_counts=True)
    return 1.0 / counts[index]


def scale_of(scores: np.ndarray, groups: np.ndarray, at: float = SCALE_AT) -> float:
    """What scores (n,) are divided by to be compared with others: their quantile ``at``, each group counting once."""
    known = np.isfinite(scores)
    if not known.any():
        return 1.0
    values, weights = scores[known], weights_of(groups)[known]
    order = np.argsort(values, kind="stable")
    share = np.cumsum(weights[order]) / weights.sum()
    return max(float(values[order][min(np.searchsorted(share, at), len(order) - 1)]), 1e-12)
