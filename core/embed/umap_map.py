"""A two-dimensional map of one fold's embeddings: UMAP fitted on its training part, the other patches laid into it.

Comes in: embeddings of one network, the positions of its training part, a seed. Goes out: a place for every patch and
how far the map can be trusted. It knows nothing of labels, heads or colours, so the map cannot flatter them.

Embeddings are standardised by the training part first: the SVM measures distance in standardised features, so
neighbours on the map are neighbours as the head sees them.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from core.errors import DataError

MIN_FOR_UMAP = 5  # training patches; with fewer a neighbourhood graph says nothing that the axes of a PCA do not
N_EPOCHS = 200  # umap's own choice for large sets; 500 (its choice for small) moved trustworthiness by < 0.004
EXACT_BELOW = 4096  # training patches: umap-learn's own bound between exact and approximate neighbours
MAX_FOR_TRUST = 2000  # patches on which trustworthiness is computed: its cost grows with the square


@dataclass(frozen=True)
class Map:
    """Places of patches on the plane.

    xy: (N, 2) float32, in the order of the embeddings. trustworthiness: of the training part, 0 to 1, 1 when every
    neighbour on the map is a neighbour among the embeddings (Venna and Kaski 2001), nan with too few patches. method:
    what made the map. note: why it is not UMAP, or empty.
    """

    xy: np.ndarray
    trustworthiness: float
    method: Literal["umap", "pca"] = "umap"
    note: str = ""


def fit_map(
    embeddings: np.ndarray,
    train_index: np.ndarray,
    n_neighbors: int = 15,
    min_dist: float = 0.1,
    seed: int = 0,
    method: Literal["umap", "pca"] = "umap",
) -> Map:
    """The map of all patches, learnt from the training part alone.

    embeddings: (N, D) float, of one network. train_index: (n,) positions of its training part. n_neighbors is lowered
    to what the training part allows. The same input and seed give the same map (which keeps UMAP on one thread).
    With fewer than 5 training patches, equal embeddings, or no umap-learn installed, the map is a PCA and ``note`` says
    why. Raises DataError when embeddings are not finite or the training part is empty.

    The first call in a process compiles UMAP's code (about 10 s; about 45 s from 4096 training patches on, where
    neighbours are searched approximately).
    """
    features, train_index = _standardise(embeddings, train_index)
    learnt = features[train_index]
    note = _why_not_umap(learnt) if method == "umap" else ""
    if method == "umap" and not note:
        try:
            xy = _umap(features, train_index, n_neighbors, min_dist, seed)
            return Map(xy, _trust(learnt, xy[train_index], n_neighbors, seed))
        except ModuleNotFoundError as error:
            if (error.name or "").split(".")[0] != "umap":
                raise
            note = "umap-learn is not installed (pip install umap-learn): the map is a PCA."
    xy = _pca(features, learnt)
    return Map(xy, _trust(learnt, xy[train_index], n_neighbors, seed), "pca", note)


def _standardise(embeddings: np.ndarray, train_index: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Embeddings with mean 0 and standard deviation 1 over the training part; a constant feature is only centred."""
    embeddings, train_index = np.asarray(embeddings, dtype=np.float32), np.asarray(train_index, dtype=np.int64)
    if not train_index.size:
        raise DataError("The map's training part is empty. Give the positions of the fold's training patches.")
    n_bad = int((~np.isfinite(embeddings).all(axis=1)).sum())
    if n_bad:
        raise DataError(f"{n_bad} of {len(embeddings)} embeddings are not finite numbers. Train the fold again.")
    learnt = embeddings[train_index].astype(np.float64)
    centre, spread = learnt.mean(axis=0), learnt.std(axis=0)
    constant = spread <= 1e-6 * np.maximum(1.0, np.abs(centre))  # rounding of float32, not information
    return ((embeddings - centre) / np.where(constant, 1.0, spread)).astype(np.float32), train_index


def _why_not_umap(learnt: np.ndarray) -> str:
    if len(learnt) < MIN_FOR_UMAP:
        return f"Only {len(learnt)} training patches (UMAP needs {MIN_FOR_UMAP}): the map is a PCA."
    if not np.ptp(learnt, axis=0).any():
        return "All training embeddings are equal: there is nothing to map."
    return ""


def _umap(features: np.ndarray, train_index: np.ndarray, n_neighbors: int, min_dist: float, seed: int) -> np.ndarray:
    others = np.setdiff1d(np.arange(len(features)), train_index)
    learnt, later = features[train_index], features[others]
    exact = len(learnt) < EXACT_BELOW
    mapper = _import_umap().UMAP(
        n_neighbors=max(2, min(n_neighbors, len(learnt) - 1)),
        min_dist=min_dist,
        metric="precomputed" if exact else "euclidean",
        init=_start(learnt, seed),
        n_epochs=N_EPOCHS,
        random_state=seed,
        transform_seed=seed,
        n_jobs=1,  # what a fixed seed makes of it anyway
    )
    xy = np.empty((len(features), 2), dtype=np.float32)
    with warnings.catch_warnings():
        # Both explain what precomputed distances mean, which is meant here.
        warnings.filterwarnings("ignore", message="using precomputed metric", category=UserWarning)
        warnings.filterwarnings("ignore", message="Transforming new data with precomputed", category=UserWarning)
        xy[train_index] = mapper.fit_transform(_distances(learnt, learnt) if exact else learnt)
        if others.size:
            xy[others] = mapper.transform(_distances(later, learnt) if exact else later)
    return xy


def _distances(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Euclidean distances (n, m) by matrix product: umap's own loop over pairs takes ten times as long."""
    from sklearn.metrics import euclidean_distances

    return euclidean_distances(first, None if first is second else second)


def _start(learnt: np.ndarray, seed: int) -> np.ndarray:
    """Where UMAP starts from: two principal components up to 10 either way, with noise that parts equal patches.

    No eigensolver on the graph: as trustworthy as the spectral start here, and it cannot fail on a graph in pieces.
    """
    from sklearn.decomposition import PCA

    components = PCA(n_components=min(2, learnt.shape[1]), random_state=seed).fit_transform(learnt)
    start = np.zeros((len(learnt), 2))
    start[:, : components.shape[1]] = components * (10.0 / np.abs(components).max())
    return (start + np.random.default_rng(seed).normal(scale=1e-4, size=start.shape)).astype(np.float32)


def _import_umap() -> Any:
    with warnings.catch_warnings():
        # Said on every import; parametric UMAP is not used here.
        warnings.filterwarnings("ignore", message="Tensorflow not installed", category=ImportWarning)
        import umap
    return umap


def _pca(features: np.ndarray, learnt: np.ndarray) -> np.ndarray:
    """The first two principal axes of the training part, (N, 2) float32; a missing axis is zero."""
    _, _, axes = np.linalg.svd(learnt, full_matrices=False)  # learnt is centred already
    axes = axes[:2] * np.where(axes[:2].sum(axis=1, keepdims=True) < 0, -1.0, 1.0)  # svd leaves the sign open
    xy = np.zeros((len(features), 2), dtype=np.float32)
    xy[:, : len(axes)] = features @ axes.T
    return xy


def _trust(learnt: np.ndarray, xy: np.ndarray, n_neighbors: int, seed: int) -> float:
    from sklearn.manifold import trustworthiness

    if len(learnt) > MAX_FOR_TRUST:
        some = np.random.default_rng(seed).choice(len(learnt), MAX_FOR_TRUST, replace=False)
        learnt, xy = learnt[some], xy[some]
    n_neighbors = min(n_neighbors, (len(learnt) - 1) // 2)
    return float(trustworthiness(learnt, xy, n_neighbors=n_neighbors)) if n_neighbors >= 1 else math.nan
