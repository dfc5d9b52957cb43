"""Patches that belong together, kept together: equal ones by hash, any others by pairs of rows.

Groups are joined wherever a pair crosses them; shifted crops are found in ``core.data.leakage.split_audit``.
"""

from __future__ import annotations

import hashlib

import numpy as np


def patch_hashes(images: np.ndarray) -> np.ndarray:
    """(N,) text: equal for patches (N, C, H, W) whose values are equal bit for bit."""
    found = [hashlib.blake2b(np.ascontiguousarray(patch).data, digest_size=16).hexdigest() for patch in images]
    return np.array(found, dtype="U32")


def equal_pairs(hashes: np.ndarray) -> np.ndarray:
    """(n, 2) int64: each further patch of a set of equal ones, with the first of it."""
    first: dict[str, int] = {}
    pairs = [(first.setdefault(name, row), row) for row, name in enumerate(hashes.tolist())]
    return np.array([pair for pair in pairs if pair[0] != pair[1]], np.int64).reshape(-1, 2)


def joined(groups: np.ndarray | None, n: int, pairs: np.ndarray) -> np.ndarray | None:
    """Groups that divide neither the given groups nor any pair, so that no fold judges what it learnt.

    Args:
        groups: (n,) text, or None.
        n: number of patches.
        pairs: (m, 2) rows that belong together.

    Returns:
        (n,) text: ``groups`` where no pair crosses them; otherwise joined groups carry the name of the first of them.
        None when there are neither groups nor pairs; with pairs alone a group is named by its first row.
    """
    return merged(groups, n, pairs) if len(pairs) else groups


def merged(groups: np.ndarray | None, n: int, pairs: np.ndarray) -> np.ndarray:
    """(n,) text: as :func:`joined`, where there are pairs."""
    # Without groups every patch is its own, named by its row.
    own = np.arange(n).astype(str) if groups is None else np.asarray(groups)
    names, group_of = np.unique(own, return_inverse=True)
    parent = np.arange(len(names))

    def root(node: int) -> int:
        while parent[node] != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return int(node)

    for left, right in group_of[pairs].tolist():
        a, b = root(left), root(right)
        parent[max(a, b)] = min(a, b)
    roots = np.array([root(node) for node in range(len(parent))])
    return names[roots[group_of]]
