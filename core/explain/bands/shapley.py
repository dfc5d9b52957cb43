"""Exact Shapley values: what each group of bands contributes to a patch's drop, all orders of removal counted alike.

The shares add up to the drop without any of the groups (Shapley 1953). With G groups there are 2^G subsets.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import factorial

import numpy as np


def subsets_of(groups: Sequence[Sequence[int]]) -> list[frozenset[int]]:
    """The bands of every subset of the groups, by its number: bit g says that group g is in it."""
    return [
        frozenset(band for g, group in enumerate(groups) if number >> g & 1 for band in group)
        for number in range(2 ** len(groups))
    ]


def shapley_values(drops: np.ndarray) -> np.ndarray:
    """(G, ...) from drops (2^G, ...), where row s is the drop without the groups of subset s; row 0 is 0.

    phi_g = sum over subsets S without g of |S|! (G - |S| - 1)! / G! * (drop(S and g) - drop(S)).
    """
    drops = np.asarray(drops, np.float64)
    n_groups = int(len(drops)).bit_length() - 1
    values = np.zeros((n_groups, *drops.shape[1:]))
    for number in range(len(drops)):
        size = number.bit_count()
        for g in range(n_groups):
            if not number >> g & 1:
                weight = factorial(size) * factorial(n_groups - size - 1) / factorial(n_groups)
                values[g] += weight * (drops[number | 1 << g] - drops[number])
    return values


def group_drops(
    p0: np.ndarray, after: Mapping[frozenset[int], np.ndarray], groups: Sequence[Sequence[int]]
) -> np.ndarray:
    """(2^G, N, ...) drops p0 - p in the order of :func:`subsets_of`; after: the answers by removed bands."""
    return np.stack([p0 - after[subset] if subset else np.zeros_like(p0) for subset in subsets_of(groups)])
