"""Patches that are blends of two others, as SMOTE or MixUp make them: found inside a dataset that says nothing of it.

A child is ``c = w a + (1 - w) b`` pixel by pixel. One parent has at least half of the weight, so it is among the
patches most like the child; from there the other parent lies exactly in the child's direction: ``c - a`` and ``b - a``
are parallel. Directions are compared for all b at once on a few linear numbers a patch, and what passes is judged on
all pixels by least squares.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from core.data.leakage.overlap import BOX, detail_of
from core.data.leakage.shifted_crops import Cells, Patches, on_all_cores, principal
from core.progress import Progress, Steps

NUMBERS = 48  # of a patch; linear, so that a blend of patches is the blend of their numbers
NEIGHBOURS = 10  # patches most like the child that are tried as its nearer parent
PARALLEL = 0.95  # cosine of the two directions from which a pair of parents is judged on all pixels
WEIGHT = (0.04, 0.96)  # of the parent; beyond it a child is a near-duplicate
LEFT_OVER = 0.25  # of the distance to the nearer parent that the blend may leave unexplained
FINE_LEFT_OVER = 0.6  # the same of fine detail: plain patches are blends of each other by chance, their texture is not
BATCH = 128  # children at a time


@dataclass(frozen=True)
class Child:
    """Rows of a child and its parents. weight: of ``parent``, at least 0.5. left_over: of what the blend should be."""

    row: int
    parent: int
    other: int
    weight: float
    left_over: float
    span: float  # distance between the parents


def find_children(patches: Patches, cells: Cells) -> Steps[list[Child]]:
    """Every patch that two others explain, by row. Of siblings on one line the outermost two are the parents."""
    numbers = _linear_numbers(cells.values)
    n = len(numbers)
    found: dict[int, list[Child]] = {}
    blocks = [np.arange(start, min(start + BATCH, n)) for start in range(0, n if n > 2 else 0, BATCH)]
    for done, triples in enumerate(on_all_cores(lambda rows: list(_parallel(numbers, rows)), blocks), 1):
        for row, parent, other in triples:
            child = _judged(patches, cells, row, parent, other)
            if child:
                found.setdefault(row, []).append(child)
        yield Progress(done / len(blocks), f"Looking for blends, {done} of {len(blocks)} blocks of patches.")
    return [_outermost(found[row]) for row in sorted(found)]


def _outermost(children: list[Child]) -> Child:
    """Of explanations that are about equally exact the one with the most distant parents."""
    exact = min(child.left_over for child in children)
    return max((c for c in children if c.left_over <= 2 * exact + 0.01), key=lambda c: c.span)


def _linear_numbers(values: np.ndarray) -> np.ndarray:
    """(N, 48) float32: the widest directions of the cells, pooled to 10 x 10, about their mean, half-whitened."""
    n, n_bands, side, _ = values.shape
    pooled = values.reshape(n, n_bands, side // 2, 2, side // 2, 2).mean(axis=(3, 5)).reshape(n, -1)
    rows = np.unique(np.linspace(0, n - 1, min(n, 768)).astype(int))
    center = pooled[rows].mean(axis=0)
    sample = (pooled[rows] - center).astype(np.float64)
    directions, spread = principal(sample, NUMBERS)
    return ((pooled - center) @ (directions / np.sqrt(np.maximum(spread, 1e-12)))).astype(np.float32)


def _parallel(numbers: np.ndarray, rows: np.ndarray) -> Iterator[tuple[int, int, int]]:
    """Triples (child, nearer parent, other parent) whose directions agree; at most one other for each nearer parent."""
    n = len(numbers)
    squares = np.square(numbers).sum(axis=1)
    near = np.maximum(squares[rows, None] - 2 * numbers[rows] @ numbers.T + squares, 0.0)  # (r, N) squared distance
    near[np.arange(len(rows)), rows] = np.inf
    k = min(NEIGHBOURS, n - 2)
    parents = np.argpartition(near, k - 1, axis=1)[:, :k].ravel()  # (r k,)
    children = np.repeat(rows, k)
    away = numbers[children] - numbers[parents]  # (r k, 48): c - a
    dots = numbers[parents] @ numbers.T  # (r k, N): a . b
    cosine = away @ numbers.T
    cosine -= (away * numbers[parents]).sum(axis=1)[:, None]  # (c - a) . (b - a)
    span = squares[parents, None] - 2 * dots
    span += squares
    np.sqrt(np.maximum(span, 1e-12, out=span), out=span)  # |b - a|
    length = np.linalg.norm(away, axis=1)[:, None]
    cosine /= span
    cosine /= np.maximum(length, 1e-6)
    cosine[span <= length] = -1.0  # the child lies between its parents
    each = np.arange(len(children))
    cosine[each, children] = cosine[each, parents] = -1.0
    best = cosine.max(axis=1)
    for i in np.flatnonzero(best >= PARALLEL):
        alike = np.flatnonzero(cosine[i] >= best[i] - 0.005)
        yield int(children[i]), int(parents[i]), int(alike[span[i, alike].argmax()])


def _left_over(c: np.ndarray, a: np.ndarray, b: np.ndarray, weight: float) -> float:
    """What the blend leaves unexplained, over the distance to the nearer parent; infinite where there is none."""
    nearer = min(np.linalg.norm(c - a), np.linalg.norm(c - b))
    return float(np.linalg.norm(c - b - weight * (a - b)) / nearer) if nearer > 1e-4 * np.sqrt(c.size) else np.inf


def _judged(patches: Patches, cells: Cells, row: int, parent: int, other: int) -> Child | None:
    """The child when all pixels agree, or None."""
    z, there = cells.scaled(np.asarray(patches[np.array([row, parent, other])]))
    c, a, b = z[:, there.all(axis=0)].astype(np.float64)  # (known values,) each
    across = a - b
    span = float(np.linalg.norm(across))
    weight = float(((c - b) * across).sum() / max(span**2, 1e-12))
    if not WEIGHT[0] <= weight <= WEIGHT[1]:
        return None
    left_over = _left_over(c, a, b, weight)
    fine_c, fine_a, fine_b = (
        detail_of(one, known)[:, BOX // 2 : -(BOX // 2), BOX // 2 : -(BOX // 2)]
        for one, known in zip(z, there, strict=True)
    )
    if left_over > LEFT_OVER or _left_over(fine_c, fine_a, fine_b, weight) > FINE_LEFT_OVER:
        return None
    if weight < 0.5:
        parent, other, weight = other, parent, 1.0 - weight
    return Child(row, parent, other, weight, left_over, span)
