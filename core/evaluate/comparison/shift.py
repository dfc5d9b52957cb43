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
from core.stats.permutation import GroupShuffle

FEWEST = 20  # embeddings of each set
MOST = 500  # embeddings of each set that distances are computed from
COMPONENTS = 32  # principal directions of both sets together
FOLDS, RIDGE = 5, 1.0
SHIFTED = 0.5  # standardised mean difference from which a band is called shifted ("medium", Cohen 1988)


@dataclass(frozen=True)
class EmbeddingShift:
    """Distance of two sets of embeddings.

    separability: AUC of a linear classifier that tells the sets apart, on groups that it was not fitted on: 0.5 not at
    all, 1 wholly. mmd: squared maximum mean discrepancy, Gaussian kernel of the median distance; p: how often sets of
    as many whole groups, drawn from the pool of both, lie as far apart; nan where there are too few groups. frechet:
    squared Frechet distance of two normal distributions, on standardised principal directions.
    n_a, n_b: how many embeddings were compared; groups_a, groups_b: of how many groups, None where none are known.
    """

    separability: float
    mmd: float
    p: float
    frechet: float
    n_a: int
    n_b: int
    groups_a: int | None = None
    groups_b: int | None = None

    def sentence(self) -> str:
        """For people."""
        caveat = ""
        if self.groups_a is None and self.groups_b is None:
            caveat = " No groups are known: patches count as independent, so p may be too small."
        if not np.isfinite(self.p):
            return (
                f"The two sets have {self.groups_a or self.n_a} and {self.groups_b or self.n_b} groups of patches: too "
                f"few to tell a difference between the sets from one between groups (separability "
                f"{self.separability:.2f})."
            )
        if self.p >= 0.05:
            return f"In the network's embedding the two sets do not differ significantly (p {self.p:.2f}).{caveat}"
        return (
            f"In the network's embedding the two sets differ: a linear classifier tells them apart with AUC "
            f"{self.separability:.2f} (0.5: not at all), p {self.p:.3f}.{caveat}"
        )


def band_shift(
    a: np.ndarray,
    b: np.ndarray,
    names: Sequence[str],
    groups_a: np.ndarray | None = None,
    groups_b: np.ndarray | None = None,
    n_permutations: int = 500,
    seed: int = 0,
) -> pd.DataFrame:
    """One row a band: mean and spread of each set, the standardised mean difference and the KS distance.

    a, b: (n, C), (m, C) one value a patch and band (its mean), in the band's unit; nan where it has none. groups_a,
    groups_b: (n,), (m,), or None. Columns: band, mean_a, std_a, mean_b, std_b, smd (mean of b minus mean of a, over the
    pooled spread), ks (largest distance of the two distributions, 0-1), p (of ks: whole groups are permuted; asymptotic
    where no groups are known; nan with too few groups), shifted (|smd| of 0.5 or more).
    """
    rows = []
    for band, name in enumerate(names):
        known_a, known_b = np.isfinite(a[:, band]), np.isfinite(b[:, band])
        x, y = a[known_a, band].astype(np.float64), b[known_b, band].astype(np.float64)
        if x.size < 2 or y.size < 2:
            rows.append({"band": name})
            continue
        pooled = np.sqrt((x.var(ddof=1) + y.var(ddof=1)) / 2)
        smd = float((y.mean() - x.mean()) / pooled) if pooled > 0 else (0.0 if x.mean() == y.mean() else np.inf)
        ks = _KS(x, y)
        distance = float(ks(np.arange(x.size + y.size)[None] >= x.size)[0])
        if groups_a is None and groups_b is None:
            p = _ks_p(distance, x.size, y.size)
        else:
            sides = ((groups_a, known_a), (groups_b, known_b))
            of_a, of_b = (None if g is None else np.asarray(g)[known] for g, known in sides)
            shuffle = GroupShuffle(of_a, of_b, x.size, y.size)
            p = float(shuffle.p_value(ks, n_permutations, np.random.default_rng(seed)))
        row = {"band": name, "mean_a": x.mean(), "std_a": x.std(ddof=1), "mean_b": y.mean(), "std_b": y.std(ddof=1)}
        rows.append(row | {"smd": smd, "ks": distance, "p": p, "shifted": abs(smd) >= SHIFTED})
    columns = ["band", "mean_a", "std_a", "mean_b", "std_b", "smd", "ks", "p", "shifted"]
    return pd.DataFrame(rows, columns=columns)


def embedding_shift(
    a: np.ndarray,
    b: np.ndarray,
    groups_a: np.ndarray | None = None,
    groups_b: np.ndarray | None = None,
    n_permutations: int = 500,
    seed: int = 0,
) -> EmbeddingShift:
    """The distance of embeddings a (n, D) and b (m, D) of patches in groups (n,), (m,); at most 500 of each are drawn.

    Raises DataError for fewer than 20 of either: chance alone would set them apart.
    """
    if min(len(a), len(b)) < FEWEST:
        raise DataError(
            f"The distance of two sets needs at least {FEWEST} patches of each; there are {len(a)} and {len(b)}."
        )
    rng = np.random.default_rng(seed)
    chosen = [np.sort(rng.permutation(len(x))[:MOST]) for x in (a, b)]
    a, b = (x[rows].astype(np.float64) for x, rows in zip((a, b), chosen, strict=True))
    of_a, of_b = (None if g is None else np.asarray(g)[k] for g, k in zip((groups_a, groups_b), chosen, strict=True))
    shuffle = GroupShuffle(of_a, of_b, len(a), len(b))
    z = _principal(np.concatenate([a, b]))
    kernel = _kernel(z)
    is_b = shuffle.is_b
    return EmbeddingShift(
        separability=_separability(z, is_b, shuffle.group_of, rng),
        mmd=float(_mmd(kernel, is_b[None])[0]),
        p=float(shuffle.p_value(lambda sets: _mmd(kernel, sets), n_permutations, rng)),
        frechet=_frechet(z[~is_b], z[is_b]),
        n_a=len(a),
        n_b=len(b),
        groups_a=None if of_a is None else shuffle.n_groups_a,
        groups_b=None if of_b is None else shuffle.n_groups_b,
    )


class _KS:
    """Kolmogorov and Smirnov's distance of the two parts of pooled values, for many ways of parting them at once."""

    def __init__(self, x: np.ndarray, y: np.ndarray):
        pooled = np.concatenate([x, y])
        self._order = np.argsort(pooled, kind="stable")
        ordered = pooled[self._order]
        self._ends = np.append(np.flatnonzero(np.diff(ordered)), len(ordered) - 1)  # the last of equal values

    def __call__(self, is_b: np.ndarray) -> np.ndarray:
        """(R, N) bool -> (R,)."""
        ordered = is_b[:, self._order]
        second = np.cumsum(ordered, axis=1)[:, self._ends] / ordered.sum(axis=1, keepdims=True)
        first = np.cumsum(~ordered, axis=1)[:, self._ends] / (~ordered).sum(axis=1, keepdims=True)
        return np.abs(first - second).max(axis=1)


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


def _mmd(kernel: np.ndarray, is_b: np.ndarray) -> np.ndarray:
    """The unbiased estimate (Gretton et al. 2012) of each way of parting: (R, N) bool -> (R,); it may lie below 0."""
    b = is_b.astype(np.float64)
    a = 1.0 - b
    n, m = a.sum(axis=1), b.sum(axis=1)
    to_a, to_b = a @ kernel, b @ kernel
    within_a, within_b = (to_a * a).sum(axis=1) - n, (to_b * b).sum(axis=1) - m  # the diagonal is 1
    return within_a / (n * (n - 1)) + within_b / (m * (m - 1)) - 2 * (to_a * b).sum(axis=1) / (n * m)


def _frechet(x: np.ndarray, y: np.ndarray) -> float:
    """|mean - mean|^2 + tr(S_x + S_y - 2 (S_x S_y)^(1/2)); the root's trace is the sum of roots of its eigenvalues."""
    sx, sy = (np.atleast_2d(np.cov(values, rowvar=False)) for values in (x, y))
    roots = np.sqrt(np.maximum(np.linalg.eigvals(sx @ sy).real, 0)).sum()
    return float(((x.mean(axis=0) - y.mean(axis=0)) ** 2).sum() + np.trace(sx) + np.trace(sy) - 2 * roots)


def _separability(z: np.ndarray, is_b: np.ndarray, group_of: np.ndarray, rng: np.random.Generator) -> float:
    """AUC of ridge regression on which set a patch is of, each group by the fit that has not seen it.

    The only group of a set is divided: nothing would be left to learn that set from.
    """
    fold = np.empty(len(z), int)
    for part in (np.flatnonzero(is_b), np.flatnonzero(~is_b)):
        names, own = np.unique(group_of[part], return_inverse=True)
        if len(names) == 1:
            own, names = np.arange(part.size), part
        deal = np.empty(len(names), int)
        deal[rng.permutation(len(names))] = np.arange(len(names)) % FOLDS
        fold[part] = deal[own]
    score = np.full(len(z), np.nan)
    for k in range(FOLDS):
        fit, held = fold != k, fold == k
        if not held.any() or len(np.unique(is_b[fit])) < 2:
            continue
        target = np.where(is_b[fit], 1.0 / is_b[fit].sum(), -1.0 / (~is_b[fit]).sum()) * fit.sum() / 2
        x = np.column_stack([z[fit], np.ones(fit.sum())])
        weights = np.linalg.solve(x.T @ x + RIDGE * np.eye(x.shape[1]), x.T @ target)
        score[held] = z[held] @ weights[:-1]
    known = np.isfinite(score)
    return auc(is_b[known], score[known]) if len(np.unique(is_b[known])) == 2 else float("nan")
