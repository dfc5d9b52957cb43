"""A two-dimensional projection of one fold's embeddings: fitted on its training part, other patches placed on it.

Neither labels nor heads have a part in it, so it cannot flatter them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from core.config import EmbedConfig
from core.embed.features import Preparation
from core.embed.tsne import fit_tsne
from core.embed.umap_projection import fit_umap

MIN_PATCHES = 5  # training patches; with fewer a neighbourhood graph says nothing that the axes of a PCA do not
MAX_FOR_TRUST = 2000  # patches on which trustworthiness is computed: its cost grows with the square
TSNE_NOTE = (
    "t-SNE has no way to place patches that it was not fitted on: each held-out patch is shown at the weighted mean "
    "position of its nearest training patches in the embedding."
)
Method = Literal["umap", "pca", "tsne"]
Place = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Projection:
    """Places of patches on the plane.

    xy: (N, 2) float32, in the order of the embeddings. trustworthiness: of the training part, 0 to 1, 1 when every
    neighbour in the plane is a neighbour among the embeddings (Venna and Kaski 2001), nan with too few patches;
    placed: the same of the patches that were placed afterwards. method: what made it. note: what else is to be known
    of it, or empty. place: (m, D) embeddings -> (m, 2) float32, where they fall; it moves nothing.
    """

    xy: np.ndarray
    trustworthiness: float
    placed: float = math.nan
    method: Method = "umap"
    note: str = ""
    place: Place = field(default=lambda embeddings: np.zeros((len(embeddings), 2), np.float32), repr=False)


def fit_projection(
    embeddings: np.ndarray, train_index: np.ndarray, settings: EmbedConfig | None = None, seed: int = 0
) -> Projection:
    """The projection of all patches, fitted on the training part alone.

    embeddings: (N, D) float, of one network. train_index: (n,) positions of its training part. Numbers of neighbours
    are lowered to what that allows. The same input and seed give the same projection (which keeps UMAP on one thread).
    With fewer than 5 training patches, equal embeddings, or no umap-learn installed, it is a PCA and ``note`` says why.
    Raises DataError when embeddings are not finite or the training part is empty.

    The first UMAP in a process compiles its code (about 10 s; about 45 s from 4096 training patches on, where
    neighbours are searched approximately).
    """
    settings = settings or EmbedConfig()
    train_index = np.asarray(train_index, dtype=np.int64)
    preparation = Preparation.fit(embeddings, train_index, settings.metric)
    rows = preparation.rows(embeddings)
    others = np.setdiff1d(np.arange(len(rows)), train_index)
    xy = np.zeros((len(rows), 2), np.float32)
    method, note, xy[train_index], place = _learn(rows[train_index], settings, seed)
    if others.size:
        xy[others] = place(rows[others])
    k = settings.n_neighbors
    return Projection(
        xy=xy,
        trustworthiness=_trust(rows[train_index], xy[train_index], k, seed),
        placed=_trust(rows[others], xy[others], k, seed),
        method=method,
        note=note,
        place=lambda later: place(preparation.rows(later)),
    )


def _learn(learnt: np.ndarray, settings: EmbedConfig, seed: int) -> tuple[Method, str, np.ndarray, Place]:
    """Method, note, places of the training part (n, 2), and what places other prepared rows."""
    method: Method = settings.method
    note = "" if method == "pca" else _why_only_pca(learnt, method)
    if method == "umap" and not note:
        try:
            return "umap", "", *fit_umap(learnt, settings.n_neighbors, settings.min_dist, seed)
        except ModuleNotFoundError as error:
            if (error.name or "").split(".")[0] != "umap":
                raise
            note = "umap-learn is not installed (pip install umap-learn), so this is a PCA."
    if method == "tsne" and not note:
        return "tsne", TSNE_NOTE, *fit_tsne(learnt, settings.perplexity, seed)
    place = _pca(learnt)
    return "pca", note, place(learnt), place


def _why_only_pca(learnt: np.ndarray, method: Method) -> str:
    name = {"umap": "UMAP", "tsne": "t-SNE"}[method]
    if len(learnt) < MIN_PATCHES:
        return f"Only {len(learnt)} training patches ({name} needs {MIN_PATCHES}), so this is a PCA."
    if not np.ptp(learnt, axis=0).any():
        return "All training embeddings are equal: there is nothing to project."
    return ""


def _pca(learnt: np.ndarray) -> Place:
    """What lays rows on the first two principal axes of the training part; a missing axis is zero."""
    centre = learnt.mean(axis=0)
    _, _, axes = np.linalg.svd(learnt - centre, full_matrices=False)
    axes = axes[:2] * np.where(axes[:2].sum(axis=1, keepdims=True) < 0, -1.0, 1.0)  # svd leaves the sign open

    def place(rows: np.ndarray) -> np.ndarray:
        xy = np.zeros((len(rows), 2), dtype=np.float32)
        xy[:, : len(axes)] = (rows - centre) @ axes.T
        return xy

    return place


def _trust(rows: np.ndarray, xy: np.ndarray, n_neighbors: int, seed: int) -> float:
    from sklearn.manifold import trustworthiness

    if len(rows) > MAX_FOR_TRUST:
        some = np.random.default_rng(seed).choice(len(rows), MAX_FOR_TRUST, replace=False)
        rows, xy = rows[some], xy[some]
    n_neighbors = min(n_neighbors, (len(rows) - 1) // 2)
    return float(trustworthiness(rows, xy, n_neighbors=n_neighbors)) if n_neighbors >= 1 else math.nan
