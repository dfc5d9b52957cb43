"""Patches that are the same byte for byte: found by hash, and kept together when folds are drawn.

Comes in: images and groups. Goes out: a hash a patch, and groups joined wherever they share a patch. It knows nothing
of labels; near duplicates (shifted crops) are another question.
"""

from __future__ import annotations

import hashlib

import numpy as np


def patch_hashes(images: np.ndarray) -> np.ndarray:
    """(N,) text: equal for patches (N, C, H, W) whose values are equal bit for bit."""
    return np.array([hashlib.blake2b(np.ascontiguousarray(p), digest_size=16).hexdigest() for p in images], dtype="U32")


def joined_groups(groups: np.ndarray | None, hashes: np.ndarray) -> np.ndarray | None:
    """Groups that neither divide the given groups nor identical patches, so that no fold judges what it learnt.

    Args:
        groups: (N,) text, or None.
        hashes: (N,) text of :func:`patch_hashes`.

    Returns:
        (N,) text: ``groups`` where no identical patches lie in different groups; otherwise such groups carry the
        name of the first of them. None when there are neither groups nor identical patches.
    """
    names, rows = np.unique(hashes, return_inverse=True)
    if len(names) == len(hashes):
        return groups
    # Without groups every patch is its own, named by its row.
    own = np.arange(len(hashes)).astype(str) if groups is None else np.asarray(groups)
    _, group_of = np.unique(own, return_inverse=True)
    parent = np.arange(group_of.max() + 1)

    def root(node: int) -> int:
        while parent[node] != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return int(node)

    first_with: dict[int, int] = {}
    for patch, group in zip(rows.tolist(), group_of.tolist(), strict=True):
        a, b = root(first_with.setdefault(patch, group)), root(group)
        parent[max(a, b)] = min(a, b)
    roots = np.array([root(node) for node in range(len(parent))])
    return np.unique(own)[roots[group_of]]
