"""UMAP of a training part, and where other patches fall on it; on prepared rows (``core.embed.features``)."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

N_EPOCHS = 200  # umap's own choice for large sets; 500 (its choice for small) moved trustworthiness by < 0.004
EXACT_BELOW = 4096  # training patches: umap-learn's own bound between exact and approximate neighbours


def fit_umap(
    learnt: np.ndarray, n_neighbors: int, min_dist: float, seed: int
) -> tuple[np.ndarray, Callable[[np.ndarray], np.ndarray]]:
    """Places (n, 2) float32 of the training part's rows (n, D), and what projects later rows (m, D).

    n_neighbors is lowered to what the training part allows. Raises ModuleNotFoundError without umap-learn.
    """
    mapper = _mapper(learnt, n_neighbors, min_dist, seed, N_EPOCHS, starting_places(learnt, seed))
    with _quietly():
        xy = np.asarray(mapper.fit_transform(_given(learnt, learnt)), np.float32)
    return xy, _placing(mapper, learnt)


def umap_around(
    learnt: np.ndarray, xy: np.ndarray, n_neighbors: int, min_dist: float, seed: int
) -> Callable[[np.ndarray], np.ndarray]:
    """What projects later rows with a UMAP that was fitted before. xy: (n, 2) its places of the training part.

    The graph of neighbours is built again, the places are taken as they are: optimised again, they would come out
    otherwise wherever rounding differs, as it does with another number of threads.
    """
    mapper = _mapper(learnt, n_neighbors, min_dist, seed, 0, starting_places(learnt, seed))
    with _quietly():
        mapper.fit(_given(learnt, learnt))
    mapper.embedding_, mapper.n_epochs = np.array(xy, np.float32, order="C"), N_EPOCHS
    return _placing(mapper, learnt)


def _mapper(learnt: np.ndarray, n_neighbors: int, min_dist: float, seed: int, n_epochs: int, init: np.ndarray) -> Any:
    return import_umap().UMAP(
        n_neighbors=max(2, min(n_neighbors, len(learnt) - 1)),
        min_dist=min_dist,
        metric="precomputed" if len(learnt) < EXACT_BELOW else "euclidean",
        init=init,
        n_epochs=n_epochs,
        random_state=seed,
        transform_seed=seed,
        n_jobs=1,  # what a fixed seed makes of it anyway
    )


def _placing(mapper: Any, learnt: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    def place(later: np.ndarray) -> np.ndarray:
        if not len(later):
            return np.zeros((0, 2), np.float32)
        with _quietly():
            return np.asarray(mapper.transform(_given(later, learnt)), np.float32)

    return place


def _given(rows: np.ndarray, learnt: np.ndarray) -> np.ndarray:
    """What UMAP is given: distances to the training part while those are exact, the rows themselves beyond."""
    return _distances(rows, learnt) if len(learnt) < EXACT_BELOW else rows


def starting_places(learnt: np.ndarray, seed: int) -> np.ndarray:
    """(n, 2) float32 to start from: two principal components up to 10 either way, with noise that parts equal patches.

    No eigensolver on the graph: as trustworthy as the spectral start here, and it cannot fail on a graph in pieces.
    """
    from sklearn.decomposition import PCA

    components = PCA(n_components=min(2, learnt.shape[1]), random_state=seed).fit_transform(learnt)
    start = np.zeros((len(learnt), 2))
    start[:, : components.shape[1]] = components * (10.0 / np.abs(components).max())
    return (start + np.random.default_rng(seed).normal(scale=1e-4, size=start.shape)).astype(np.float32)


@contextmanager
def _quietly() -> Iterator[None]:
    """Without two warnings that explain what precomputed distances mean, which is meant here."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="using precomputed metric", category=UserWarning)
        warnings.filterwarnings("ignore", message="Transforming new data with precomputed", category=UserWarning)
        yield


def _distances(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Euclidean distances (n, m) by matrix product: umap's own loop over pairs takes ten times as long."""
    from sklearn.metrics import euclidean_distances

    return euclidean_distances(first, None if first is second else second)


def import_umap() -> Any:
    """The module ``umap``. Raises ModuleNotFoundError without umap-learn."""
    with warnings.catch_warnings():
        # Said on every import; parametric UMAP is not used here.
        warnings.filterwarnings("ignore", message="Tensorflow not installed", category=ImportWarning)
        import umap
    return umap
