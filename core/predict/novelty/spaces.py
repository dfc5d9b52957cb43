"""How far a patch lies from a fold's training part: by each band's values, by the bands together, by its embedding."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.embed.features import Preparation
from core.embed.neighbours import nearest
from core.predict.novelty.features import FEATURES, SPREAD, STEP

NEIGHBOURS = 5
MOST_KNOWN = 1000  # training embeddings that are compared with, so that a scene costs little
TOGETHER = tuple(FEATURES.index(name) for name in ("q05", "q50", "q95"))
FLOOR = 1e-3  # of the usual width of a band: what counts as no width at all


@dataclass(frozen=True, eq=False)
class BandSpace:
    """Values of the training part, standardised and whitened.

    centre, spread: (C, F) of the features, floor: (C,) in the bands' units, whiten: (C, F, F) of each band, and
    together: (3 C, 3 C) of the low, middle and high values of all.
    """

    centre: np.ndarray
    spread: np.ndarray
    floor: np.ndarray
    whiten: np.ndarray
    together: np.ndarray

    @classmethod
    def fit(cls, features: np.ndarray) -> BandSpace:
        """features: (n, C, F) of the training part (:func:`core.predict.novelty.features.value_features`)."""
        n_bands = features.shape[1]
        floor = np.array([_floor(features[:, band, SPREAD]) for band in range(n_bands)])
        values = _levelled(features, floor)
        quartiles = [_quantile(values, q) for q in (0.25, 0.5, 0.75)]
        spread = (quartiles[2] - quartiles[0]) / 1.349
        narrow = spread <= 1e-9 * np.maximum(1.0, np.abs(quartiles[1]))
        spread = np.where(narrow, np.maximum(floor[:, None], 1e-12), spread)
        space = cls(quartiles[1], spread, floor, np.empty(0), np.empty(0))
        z = space.standardised(features)
        whiten = np.stack([whitening(z[:, band]) for band in range(n_bands)])
        return cls(space.centre, spread, floor, whiten, whitening(z[:, :, TOGETHER].reshape(len(z), -1)))

    def standardised(self, features: np.ndarray) -> np.ndarray:
        """(N, C, F) float64: about 0 and 1 wide in the training part; far ones are drawn in. Missing is 0."""
        z = np.arcsinh((_levelled(features, self.floor) - self.centre) / self.spread)
        return np.nan_to_num(z, nan=0.0, posinf=0.0, neginf=0.0)

    def scores(self, features: np.ndarray) -> np.ndarray:
        """(N, C + 1) float64: distance of each band, and of the bands together, last."""
        return self.distances(self.standardised(features))

    def distances(self, z: np.ndarray) -> np.ndarray:
        """The same of standardised features (N, C, F)."""
        each = np.linalg.norm(np.einsum("ncf,cfg->ncg", z, self.whiten), axis=2)
        every = np.linalg.norm(z[:, :, TOGETHER].reshape(len(z), -1) @ self.together, axis=1)
        return np.concatenate([each, every[:, None]], axis=1)


@dataclass(frozen=True, eq=False)
class EmbeddingSpace:
    """Some of a fold's training embeddings, of length 1: (m, D) float32."""

    known: np.ndarray

    @classmethod
    def of(cls, embeddings: np.ndarray, rows: np.ndarray) -> EmbeddingSpace:
        """embeddings: (N, D) of the fold's network, rows: training ones that are compared with."""
        return cls(_of_length_1(embeddings[rows]))

    def scores(self, embeddings: np.ndarray) -> np.ndarray:
        """(N,) float64: mean distance to the nearest of the training embeddings (Sun and others, ICML 2022)."""
        if not len(embeddings):
            return np.empty(0)
        return nearest(_of_length_1(embeddings), self.known, NEIGHBOURS).distance.mean(axis=1)


def _of_length_1(embeddings: np.ndarray) -> np.ndarray:
    return Preparation("cosine", np.empty(0), np.empty(0)).rows(embeddings)


def _levelled(features: np.ndarray, floor: np.ndarray) -> np.ndarray:
    """Width as its logarithm, and the step in widths, as its logarithm: both tell factors, whatever the level."""
    values = np.array(features, np.float64)
    width = np.maximum(values[..., SPREAD], 0.0) + floor
    values[..., STEP] = np.log((np.maximum(values[..., STEP], 0.0) + 1e-3 * floor) / width)
    values[..., SPREAD] = np.log(width)
    return values


def _floor(widths: np.ndarray) -> float:
    known = widths[np.isfinite(widths) & (widths > 0)]
    return FLOOR * float(np.median(known)) if known.size else 1e-12


def _quantile(values: np.ndarray, q: float) -> np.ndarray:
    with np.errstate(all="ignore"):
        known = np.isfinite(values)
        filled = np.where(known, values, np.nan)
        found = np.nanquantile(filled, q, axis=0) if known.any() else np.zeros(values.shape[1:])
    return np.nan_to_num(found, nan=0.0)


def whitening(z: np.ndarray) -> np.ndarray:
    """(d, d) that makes rows (n, d) of the training part of length about sqrt(d); shrunk (Ledoit and Wolf)."""
    from sklearn.covariance import ledoit_wolf

    covariance = ledoit_wolf(z)[0] + 1e-6 * np.eye(z.shape[1])
    values, vectors = np.linalg.eigh(covariance)
    return vectors / np.sqrt(np.maximum(values, 1e-9))
