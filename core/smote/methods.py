"""Oversampling methods, so that SSIM-SMOTE can be compared with simpler ones; all give the same ``Synthetics``.

``ssim`` is paper A's; ``plain`` is SMOTE of Chawla et al. 2002, neighbours by Euclidean distance; ``random`` repeats
patches. Class weights make no patches: they are in the loss.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from core.config import SmoteConfig
from core.smote.resample import Synthetics, copies_of, spread, synthesise
from core.smote.topk import Neighbours, listed_ssim

ROWS = 512  # patches whose distances to all others are held at once


def oversample(
    minority: np.ndarray,
    n_new: int,
    config: SmoteConfig,
    *,
    data_range: float | Sequence[float] | np.ndarray,
    seed: int,
    valid: np.ndarray | None = None,
    device: Any = None,
) -> Synthetics:
    """``n_new`` patches by ``config.method``; arguments and errors as of :func:`core.smote.resample.synthesise`."""
    if config.method == "random":
        return repeat(minority, n_new, seed=seed, valid=valid)
    plain = config.method == "plain" and n_new > 0 and len(minority) > 1
    return synthesise(
        minority,
        n_new,
        k_neighbors=config.k_neighbors,
        alpha=config.alpha,
        beta=config.beta,
        clip=config.clip,
        data_range=data_range,
        seed=seed,
        valid=valid,
        device=device,
        neighbours=nearest_vectors(minority, config.k_neighbors, data_range, valid) if plain else None,
    )


def repeat(minority: np.ndarray, n_new: int, *, seed: int = 0, valid: np.ndarray | None = None) -> Synthetics:
    """Random oversampling: patches repeated, each equally often; anchor and neighbour are the same, the weight is 1."""
    anchor = np.zeros(0, np.int64)
    if len(minority):
        anchor = spread(np.arange(len(minority)), n_new, np.random.default_rng(seed))
    ones = np.ones(len(anchor), np.float32)
    images = np.asarray(minority, np.float32)[anchor]
    return Synthetics(images, anchor, anchor.copy(), ones, ones.copy(), None if valid is None else valid[anchor])


def nearest_vectors(
    patches: np.ndarray,
    k_neighbors: int,
    data_range: float | Sequence[float] | np.ndarray,
    valid: np.ndarray | None = None,
) -> Neighbours:
    """The k nearest others by Euclidean distance over all values, exact copies left out; their SSIM beside them."""
    index = euclidean(patches, k_neighbors)
    row, column = np.nonzero(index >= 0)
    ssim = np.full(index.shape, -1.0, np.float32)
    ssim[row, column] = listed_ssim(patches, data_range, row, index[row, column], valid)
    return Neighbours(index, ssim)


def euclidean(samples: np.ndarray, k_neighbors: int) -> np.ndarray:
    """(n, k) int64 positions of the k nearest others of (n, ...) samples, copies left out; -1 where there are fewer."""
    flat = np.asarray(samples, np.float32).reshape(len(samples), -1)
    copies, k = copies_of(samples), min(k_neighbors, len(flat) - 1)
    squares = np.einsum("nd,nd->n", flat, flat, dtype=np.float64)
    index = np.full((len(flat), k), -1, np.int64)
    for start in range(0, len(flat), ROWS):
        rows = slice(start, min(start + ROWS, len(flat)))
        distance = squares[rows, None] + squares[None] - 2.0 * (flat[rows] @ flat.T)
        distance[copies[rows, None] == copies[None]] = np.inf
        order = np.argsort(distance, axis=1, kind="stable")[:, :k]
        index[rows] = np.where(np.isfinite(np.take_along_axis(distance, order, 1)), order, -1)
    return index
