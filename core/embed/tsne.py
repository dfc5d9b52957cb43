"""t-SNE of a training part, and where other patches would fall on it; on prepared rows (``core.embed.features``).

t-SNE learns places, not a rule: what comes later is put among its nearest training patches, which keeps it out of empty
ground less well than UMAP does.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from core.embed.neighbours import nearest
from core.embed.umap_projection import starting_places

N_PLACING = 5  # training patches whose weighted mean place a later patch takes
START_SPREAD = 1e-4  # standard deviation that t-SNE wants to start from (van der Maaten and Hinton 2008)


def fit_tsne(learnt: np.ndarray, perplexity: float, seed: int) -> tuple[np.ndarray, Callable[[np.ndarray], np.ndarray]]:
    """Places (n, 2) float32 of the training part's rows (n, D), and what places later rows (m, D)."""
    from sklearn.manifold import TSNE

    start = starting_places(learnt, seed)
    start *= START_SPREAD / max(float(start[:, 0].std()), 1e-12)
    most = max(1.0, (len(learnt) - 1) / 3)  # a perplexity near the number of patches has no neighbourhoods
    mapper = TSNE(perplexity=min(perplexity, most), init=start.astype(np.float32), random_state=seed)
    xy = mapper.fit_transform(learnt).astype(np.float32)
    return xy, lambda later: between_neighbours(later, learnt, xy)


def between_neighbours(later: np.ndarray, learnt: np.ndarray, xy: np.ndarray) -> np.ndarray:
    """(m, 2) float32: the mean place of each row's nearest training patches, near ones counting most.

    later: (m, D), learnt: (n, D) prepared rows; xy: (n, 2). Weights are Gaussian, half the distance to the farthest of
    them wide.
    """
    found = nearest(later, learnt, N_PLACING)
    width = np.maximum(0.5 * found.distance[:, -1:], 1e-12)
    weight = np.exp(-0.5 * (found.distance / width) ** 2)
    return ((weight[:, :, None] * xy[found.index]).sum(1) / weight.sum(1, keepdims=True)).astype(np.float32)
