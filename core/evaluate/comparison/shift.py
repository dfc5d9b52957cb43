"""How far another dataset lies from the one a run was trained on: band by band, and in the network's embedding.

Every distance stands beside what chance alone would give. A shift explains a drop of the metrics; it does not prove it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from core.errors import DataError
from core.evaluate.metrics import auc

FEWEST = 20  # embeddings of each set
MOST = 500  # embeddings of each set that distances are computed from
COMPONENTS = 32  # principal directions of both sets together
FOLDS, RIDGE = 5, 1.0
SHIFTED = 0.5  # standardised mean difference from which a band is called shifted ("medium", Cohen 1988)


@dataclass(frozen=True)
class EmbeddingShift:
    """Distance of two sets of embeddings.

    separability: out-of-fold AUC of a linear classifier that tells the sets apart: 0.5 not at all, 1 wholly. mmd:
    squared maximum mean discrepancy, Gaussian kernel of the median distance; p: how often sets drawn from the pooled
    patches lie as far apart. frechet: squared Frechet distance of two normal distributions, on standardised
    principal directions.
    n_a, n_b: how many embeddings were compared.
    """

    separability: float
    mmd: float
    p: float
    frechet: float
    n_a: int
    n_b: int

    def sentence(self) -> str:
        """For people."""
        if self.p >= 0.05:
            return f"In the network's eyes the two sets cannot be told apart (p {self.p:.2f})."
        return (
            f"In the network's eyes the two sets differ: a linear classifier tells them apart with AUC "
            f"{self.separability:.2f} (0.5: not at all), p {self.p:.3f}."
        )


def band_shift(a: np.ndarray, b: np.ndarray, names: Sequence[str]) -> pd.DataFrame:
    """One row a band: mean and spread of each set, the standardised mean difference and the KS distance.

    a, b: (n, C), (m, C) one value a patch and band (its mean), in the band's unit; nan where it has none. Columns:
    band, mean_a, std_a, mean_b, std_b, smd (mean of b minus mean of a, over the pooled spread), ks (largest
    distance of the two distributions, 0-1), p (of ks, asymptotic), shifted (|smd| of 0.5 or more).
    """
    rows = []
    for band, name in enumerate(names):
        x, y = (values[:, band][np.isfinite(values[:, band])].astype(np.float64) for values in (a, b))
        if x.size < 2 or y.size < 2:
            rows.append({"band": name})
            continue
        pooled = np.sqrt((x.var(ddof=1) + y.var(ddof=1)) / 2)
        smd = float((y.mean() - x.mean()) / pooled) if pooled > 0 else (0.0 if x.mean() == y.mean() else np.inf)
        ks = _ks(x, y)
        row = {"band": name, "mean_a": x.mean(), "std_a": x.std(ddof=1), "mean_b": y.mean(), "std_b": y.std(ddof=1)}
        rows.append(row | {"smd": smd, "ks": ks, "p": _ks_p(ks, x.size, y.size), "shifted": abs(smd) >= SHIFTED})
    columns = ["band", "mean_a", "std_a", "mean_b", "std_b", "smd", "ks", "p", "shifted"]
    return pd.DataFrame(rows, columns=columns)


def embedding_shift(a: np.ndarray, b: np.ndarray, n_permutations: int = 200, seed: int = 0) -> EmbeddingShift:
    """The distance of embeddings a (n, D) and b (m, D); at most 500 of each, drawn with the seed.

    Raises DataError for fewer than 20 of either: chance alone would set them apart.
    """
    if min(len(a), len(b)) < FEWEST:
        raise DataError(
            f"The distance of two sets needs at least {FEWEST} patches of each; there are {len(a)} and {len(b)}."
        )
    rng = np.random.default_rng(seed)
    a, b = (x[np.sort(rng.permutation(len(x))[:MOST])].astype(np.float64) for x in (a, b))
    z = _principal(np.concatenate([a, b]))
    is_b = np.arange(len(z)) >= len(a)
    kernel = _kernel(z)
    found = _mmd(kernel, is_b)
    luck = np.array([_mmd(kernel, rng.permutation(is_b)) for _ in range(n_permutations)])
    return EmbeddingShift(
        separability=_separability(z, is_b, rng),
        mmd=found,
        p=float((1 + (luck >= found).sum()) / (1 + n_permutations)),
        frechet=_frechet(z[~is_b], z[is_b]),
        n_a=len(a),
        n_b=len(b),
    )


def _ks(x: np.ndarray, y: np.ndarray) -> float:
    x, y, everything = np.sort(x), np.sort(y), np.concatenate([x, y])
    below = (np.searchsorted(values, everything, side="right") / values.size for values in (x, y))
    first, second = below
    return float(np.abs(first - second).max())


def _ks_p(ks: float, n: int, m: int) -> float:
    """Kolmogorov's limit distribution with Stephens' correction (1970)."""
    root = np.sqrt(n * m / (n + m))
    t = (root + 0.12 + 0.11 / root) * ks
    if t < 0.3:
        return 1.0
    k = np.arange(1, 101)
    return float(np.clip(2 * ((-1.0) ** (k - 1) * np.exp(-2 * (k * t) ** 2)).sum(), 0.0, 1.0))


def _principal(x: np.ndarray) -> np.ndarray:
    """(N, at most 32) coordinates on the principal directions, each of unit variance; constant directions left out."""
    x = x - x.mean(axis=0)
    x = x / np.maximum(x.std(axis=0), 1e-12)
    u, s, _ = np.linalg.svd(x, full_matrices=False)
    keep = min(COMPONENTS, int((s > 1e-8 * max(s[0], 1e-300)).sum()))
    return u[:, :keep] * np.sqrt(len(x))


def _kernel(z: np.ndarray) -> np.ndarray:
    squared = (z**2).sum(axis=1)
    distance = np.maximum(squared[:, None] + squared[None, :] - 2 * z @ z.T, 0)
    median = np.median(distance[np.triu_indices(len(z), 1)])
    return np.exp(-distance / max(median, 1e-12))


def _mmd(kernel: np.ndarray, is_b: np.ndarray) -> float:
    """The unbiased estimate (Gretton et al. 2012); it may lie below 0."""
    a, b = (~is_b).astype(float), is_b.astype(float)
    n, m = a.sum(), b.sum()
    within_a, within_b = a @ kernel @ a - n, b @ kernel @ b - m  # the diagonal is 1
    return float(within_a / (n * (n - 1)) + within_b / (m * (m - 1)) - 2 * (a @ kernel @ b) / (n * m))


def _frechet(x: np.ndarray, y: np.ndarray) -> float:
    """|mean - mean|^2 + tr(S_x + S_y - 2 (S_x S_y)^(1/2)); the root's trace is the sum of roots of its eigenvalues."""
    sx, sy = (np.atleast_2d(np.cov(values, rowvar=False)) for values in (x, y))
    roots = np.sqrt(np.maximum(np.linalg.eigvals(sx @ sy).real, 0)).sum()
    return float(((x.mean(axis=0) - y.mean(axis=0)) ** 2).sum() + np.trace(sx) + np.trace(sy) - 2 * roots)


def _separability(z: np.ndarray, is_b: np.ndarray, rng: np.random.Generator) -> float:
    """AUC of ridge regression on which set a patch is of, each patch by the fit that has not seen it."""
    fold = np.empty(len(z), int)
    for part in (np.flatnonzero(is_b), np.flatnonzero(~is_b)):
        fold[rng.permutation(part)] = np.arange(part.size) % FOLDS
    score = np.zeros(len(z))
    target = np.where(is_b, 1.0 / is_b.sum(), -1.0 / (~is_b).sum()) * len(z) / 2
    for k in range(FOLDS):
        x, held = np.column_stack([z[fold != k], np.ones((fold != k).sum())]), z[fold == k]
        weights = np.linalg.solve(x.T @ x + RIDGE * np.eye(x.shape[1]), x.T @ target[fold != k])
        score[fold == k] = held @ weights[:-1]
    return auc(is_b, score)
