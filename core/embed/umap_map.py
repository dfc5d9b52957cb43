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
) -> Map:
    """The map of all patches, learnt from the training part alone.

    embeddings: (N, D) float, of one network. train_index: (n,) positions of its training part. n_neighbors is lowered
    to what the training part allows. The same input and seed give the same map (which keeps UMAP on one thread).
    With fewer than 5 training patches, equal embeddings, or no umap-learn installed, the map is a PCA and ``note`` says
    why. Raises DataError when embeddings are not finite or the training part is empty.

    The first call in a process compiles UMAP's code (about 10 s; about 30 s more above 4096 training patches, where
    neighbours are searched approximately).
    """
    features, train_index = _standardise(embeddings, train_index)
    learnt = features[train_index]
    note = _why_not_umap(learnt)
    if not note:
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
    mapper = _import_umap().UMAP(
        n_neighbors=max(2, min(n_neighbors, len(train_index) - 1)),
        min_dist=min_dist,
        init="pca",  # no eigensolver: as trustworthy as spectral here, and it cannot fail on a graph in pieces
        n_epochs=N_EPOCHS,
        random_state=seed,
        transform_seed=seed,
        n_jobs=1,  # what a fixed seed makes of it anyway
    )
    xy = np.empty((len(features), 2), dtype=np.float32)
    others = np.setdiff1d(np.arange(len(features)), train_index)
    with warnings.catch_warnings():
        # A patch far from all others has no edge in UMAP's graph and is laid somewhere: seen on the map, not an error.
        warnings.filterwarnings("ignore", message=".*not fully connected to the manifold", category=UserWarning)
        xy[train_index] = mapper.fit_transform(features[train_index])
        if others.size:
            xy[others] = mapper.transform(features[others])
    return xy


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
