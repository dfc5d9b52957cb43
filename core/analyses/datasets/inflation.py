"""What a leaking split adds to scores: folds that divide the same ground against folds that keep it together.

Nothing is trained but classifiers on band statistics, which takes seconds; two finished runs can be compared too.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from core.config import FoldsConfig
from core.data.band_statistics import band_statistics
from core.data.fold_drawing import draw_folds
from core.data.folds import Folds
from core.data.store.dataset import Dataset
from core.errors import DataError, RunError
from core.progress import Progress, Steps
from core.runs.store import RunFolder

PROBES = {"stats_logreg": "logistic regression", "stats_svm": "an SVM", "stats_nearest": "the nearest neighbour"}
NEAREST = "stats_nearest"
REPEATS = 3  # draws of folds that are pooled, since one draw may be lucky
BATCH = 256


@dataclass(frozen=True)
class Inflation:
    """F1 (and AUC) of one classifier under leaking folds minus that under folds that keep the same ground together.

    lo, hi: 95 % interval of ``difference``, paired and over whole groups; nan where undefined. n: patches judged;
    n_groups: what was resampled. An interval that holds 0 settles nothing.
    """

    head: str
    metric: str
    leaking: float
    honest: float
    difference: float
    lo: float
    hi: float
    p: float
    n: int
    n_groups: int

    def to_dict(self) -> dict:
        """Plain values."""
        return asdict(self)


def inflation(
    dataset: Dataset,
    pairs: pd.DataFrame,
    config: FoldsConfig | None = None,
    labels: np.ndarray | None = None,
    seed: int = 0,
    repeats: int = REPEATS,
) -> Steps[list[Inflation]]:
    """What folds that ignore groups and pairs add to the scores of classifiers on band statistics.

    Logistic regression and an RBF-SVM, the baselines of every run, and the nearest neighbour, which remembers what it
    has seen and so gains most from a leak. Thresholds are cross-fitted; ``repeats`` draws of folds are pooled.

    pairs: of ``core.data.leakage.split_audit.leaks_of``. config: how the honest folds are grouped; none: as by default.
    labels: (N,) int8 where some patches are left out; none: the dataset's.
    """
    labels = dataset.labels if labels is None else labels
    config = config or FoldsConfig()
    ways = tuple(config.model_copy(update={"grouped": grouped}) for grouped in (False, True))
    first = draw_folds(dataset, labels, ways[1], seed, pairs)
    honest = first.groups
    if honest is None and not first.folds.left_out:
        raise DataError(
            f"{dataset.name} has no groups, and no two of its patches show the same ground: there is nothing that "
            "folds could keep together, so both kinds of folds are the same."
        )
    features = statistics_of(dataset, labels)
    draws = [tuple(draw_folds(dataset, labels, way, seed + k, pairs).folds for way in ways) for k in range(repeats)]
    honest = dataset.ids if honest is None else honest
    rows: list[Inflation] = []
    for done, (name, words) in enumerate(PROBES.items()):
        scored = []
        for k, draw in enumerate(draws):
            yield Progress((done + k / repeats) / len(PROBES), f"Scoring {words}, draw {k + 1} of {repeats}.")
            scored.append([_out_of_fold(name, features, labels, folds) for folds in draw])
        rows += _compared(name, labels, honest, scored)
    return rows


def statistics_of(dataset: Dataset, labels: np.ndarray) -> np.ndarray:
    """(N, 9 C) float32 band statistics of the labelled patches, 0 for the others; read in batches."""
    rows = np.flatnonzero(labels >= 0)
    features = np.zeros((len(dataset), 9 * dataset.shape[0]), np.float32)
    for start in range(0, len(rows), BATCH):
        part = rows[start : start + BATCH]
        features[part] = band_statistics(dataset.images(part))
    return features


def inflation_of_runs(leaking: RunFolder, honest: RunFolder) -> list[Inflation]:
    """The same for two finished runs on the same patches, for instance one with folds.grouped=false and its twin.

    Each with its own headline; the groups are those of ``honest``. Raises RunError when they share too few patches.
    """
    tables = [run.oof().set_index("id") for run in (leaking, honest)]
    heads = [run.summary()["head"] for run in (leaking, honest)]
    ids = tables[0].index.intersection(tables[1].index)
    if len(ids) < 2 or (tables[0].loc[ids, "label"] != tables[1].loc[ids, "label"]).any():
        raise RunError(f"{leaking.name} and {honest.name} did not judge the same labelled patches.")
    a, b = (table.loc[ids] for table in tables)
    groups = b["group"].to_numpy() if "group" in b and b["group"].notna().all() else None
    judged = [
        (t[f"pred_{head}"].to_numpy(), t[f"prob_{head}"].to_numpy()) for t, head in zip((a, b), heads, strict=True)
    ]
    name = heads[0] if heads[0] == heads[1] else f"{heads[0]} / {heads[1]}"
    return _rows(name, b["label"].to_numpy(), *judged[0], *judged[1], groups, len(ids))


def _out_of_fold(name: str, features: np.ndarray, labels: np.ndarray, folds: Folds) -> tuple[np.ndarray, np.ndarray]:
    """Decisions and probabilities of the labelled patches, out of fold."""
    from core.evaluate.calibration.fit import cross_fitted_platt
    from core.evaluate.thresholds import cross_fitted_thresholds, decisions

    known = np.flatnonzero(folds.fold_of >= 0)
    scores = np.zeros(len(labels))
    for fold in range(folds.n_splits):
        train, val = folds.train(fold), folds.val(fold)
        scores[val] = _fitted(name, features[train], labels[train]).decision(features[val])
    fold_of, truth = folds.fold_of[known], labels[known]
    if name == NEAREST:
        return (scores[known] > 0.5).astype(np.int8), scores[known]
    probs, _ = cross_fitted_platt(scores[known], truth, fold_of)
    return decisions(probs, fold_of, cross_fitted_thresholds(truth, probs, fold_of)), probs


def _fitted(name: str, features: np.ndarray, labels: np.ndarray) -> Any:
    from core.heads.baselines import fit_baseline

    return _Nearest(features, labels) if name == NEAREST else fit_baseline(name, features, labels)


class _Nearest:
    """The label of the nearest training patch, on standardised features."""

    def __init__(self, features: np.ndarray, labels: np.ndarray):
        from sklearn.neighbors import KNeighborsClassifier
        from sklearn.preprocessing import StandardScaler

        self._scaler = StandardScaler().fit(features)
        self._model = KNeighborsClassifier(1).fit(self._scaler.transform(features), labels)

    def decision(self, features: np.ndarray) -> np.ndarray:
        return self._model.predict(self._scaler.transform(features)).astype(np.float64)


def _compared(name: str, labels: np.ndarray, groups: np.ndarray, judged: list) -> list[Inflation]:
    """All draws pooled: a group is resampled with all its patches in all draws."""
    known = labels >= 0
    repeats = len(judged)
    leaking, honest = ([draw[side] for draw in judged] for side in (0, 1))
    a, probs_a = (np.concatenate([one[k] for one in leaking]) for k in (0, 1))
    b, probs_b = (np.concatenate([one[k] for one in honest]) for k in (0, 1))
    truth, clusters = np.tile(labels[known], repeats), np.tile(groups[known], repeats)
    return _rows(name, truth, a, probs_a, b, probs_b, clusters, int(known.sum()))


def _rows(name, truth, pred_a, probs_a, pred_b, probs_b, groups, n: int) -> list[Inflation]:
    from core.evaluate.comparison.significance import compare

    found = compare(truth, pred_a, probs_a, pred_b, probs_b, groups).differences
    n_groups = n if groups is None else len(set(groups.tolist()))
    return [
        Inflation(name, metric, d.a, d.b, d.difference, d.lo, d.hi, d.p, n, n_groups)
        for metric, d in found.items()
        if metric in ("f1", "auc")
    ]
