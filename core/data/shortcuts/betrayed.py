"""How well the label can be told from the files alone, out of fold: a network can cheat with whatever tells it.

Each property is tested by itself and those that leave traces in pixels together. Trees learn it on four of five folds,
whole groups apart, and are judged on the fifth. p values are of an AUC of 0.5, for several properties at once (Holm).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import numpy as np

from core.data.folds import make_folds
from core.data.store.dataset import Dataset
from core.data.tabular.leaks import SIZE_COLUMNS
from core.errors import FoldError
from core.evaluate.metrics import auc
from core.stats.bootstrap import by_group, group_draws, group_index, kish
from core.stats.intervals import bounded_interval, t_pvalue

LEAST = 0.6  # AUC from which a property that tells the label for sure is worth a warning
LEVEL = 0.05  # of p, after Holm's correction
FOLDS, TREES, N_BOOT = 5, 100, 500
MOST_TESTED = 6000  # patches, drawn at random where there are more
MOST_CATEGORIES = 20  # the most frequent ones; the others are one
ALL = "all"
Kind = Literal["pixels", "names", "detail"]


@dataclass(frozen=True)
class Property:
    """title: in the middle of a sentence. parts: of the file, or columns. kind: what a network sees of it.

    "pixels": it leaves traces there. "names": nothing. "detail": it follows from what the picture shows, and need be no
    fault. mend: what to do where it tells the label.
    """

    title: str
    parts: tuple[str, ...]
    kind: Kind
    mend: str


_SAVED = "Save all pictures from their originals with the same program and quality"
PROPERTIES = {
    "size": Property(
        "picture size",
        ("width", "height"),
        "pixels",
        "Resizing leaves traces of the size that it began with. Cut windows of one size from the pictures (--tile) "
        "instead of resizing them, or keep pictures of sizes that both classes have",
    ),
    "noted_size": Property(
        "picture size (from a column)",
        tuple(f"noted {name}" for name in SIZE_COLUMNS),
        "pixels",
        "If the pictures were resized from these sizes, that left traces in them. Leave the columns out of "
        "model.columns, and keep pictures of sizes that both classes have",
    ),
    "format": Property("file format", ("format",), "pixels", _SAVED),
    "encoding": Property("the way the file was saved", ("encoding",), "pixels", _SAVED),
    "blocks": Property("traces of JPEG compression", ("blocks",), "pixels", _SAVED),
    "frame": Property(
        "a plain border",
        ("frame",),
        "pixels",
        "Cut the border off, or name its value with --nodata, so that no network sees it",
    ),
    "bytes": Property(
        "bytes a pixel of the file",
        ("bytes_per_pixel",),
        "detail",
        "Ground with more detail takes more bytes, so that this need be no fault. It is one where the classes were "
        "saved in different ways",
    ),
    "order": Property("order of the file names", ("order",), "names", ""),
    "name": Property("pattern of the file names", ("name_pattern",), "names", ""),
}
BY_NAME = (
    "No network sees a name. But the classes were collected apart: what else differed between the collections (place, "
    "season, sensor, processing) a network can learn instead of landslides."
)


@dataclass(frozen=True)
class Betrayal:
    """How well one property tells the label, out of fold.

    n: patches for which it is known. auc with its 95 % interval lo, hi (whole groups resampled); nan where it cannot be
    told. p: of an AUC of 0.5, corrected for all that were tested. kind: as of
    :class:`Property`.
    """

    name: str
    title: str
    kind: Kind
    n: int
    auc: float
    lo: float
    hi: float
    p: float

    @property
    def tells(self) -> bool:
        """Whether the label can be told from it, for sure and well enough to matter."""
        return self.auc >= LEAST and self.p < LEVEL


@dataclass(frozen=True)
class Betrayals:
    """rows: best first, ``ALL`` (those that leave traces, together) among them. same: titles of what all files share.

    n, n_positive, n_groups: of the patches tested. note: why nothing, or not all, was tested; "" otherwise.
    """

    rows: tuple[Betrayal, ...] = ()
    same: tuple[str, ...] = ()
    n: int = 0
    n_positive: int = 0
    n_groups: int = 0
    note: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Betrayals:
        """The inverse of :meth:`to_dict`, also after JSON."""
        nan: Any = float("nan")
        rows = tuple(
            Betrayal(**{key: nan if value is None else value for key, value in row.items()}) for row in values["rows"]
        )
        return cls(**{**values, "rows": rows, "same": tuple(values["same"])})


def betrayed(dataset: Dataset, labels: np.ndarray, seed: int = 0) -> Betrayals:
    """How well the files of ``dataset`` tell its label. labels: (N,) int8 of what counts, -1 for the rest."""
    values = {**dataset.files, **_noted(dataset)}
    if not values:
        return Betrayals(
            note="This dataset file does not say what files its patches came from: it was made before that was kept, "
            "or from a table. Import the source again to have it looked at."
        )
    rows = np.flatnonzero(labels >= 0)
    if len(np.unique(labels[rows])) < 2:
        return Betrayals(n=len(rows), note="It needs labelled patches of both classes.")
    rng = np.random.default_rng(seed)
    sampled = len(rows) > MOST_TESTED
    if sampled:
        rows = np.sort(rng.choice(rows, MOST_TESTED, replace=False))
    target = labels[rows].astype(np.int8)
    groups = None if dataset.groups is None else dataset.groups[rows]
    values = {name: np.asarray(column)[rows] for name, column in values.items()}
    tables = {name: table for name, one in PROPERTIES.items() if (table := _table(one, values)) is not None}
    varied = {name: table for name, table in tables.items() if _varies(table)}
    same = tuple(PROPERTIES[name].title for name in tables if name not in varied)
    seen = [name for name in varied if PROPERTIES[name].kind == "pixels"]
    if len(seen) > 1:
        varied[ALL] = np.concatenate([varied[name] for name in seen], axis=1)
    n_positive, n_groups = int(target.sum()), group_index(groups, len(rows))[1]
    note = f"{MOST_TESTED:,} patches, drawn at random, were tested." if sampled else ""
    try:
        found = [_tested(name, table, target, groups, seed) for name, table in varied.items()]
    except FoldError as error:
        return Betrayals((), same, len(rows), n_positive, n_groups, f"It cannot be tested: {error}")
    return Betrayals(_corrected(found), same, len(rows), n_positive, n_groups, note)


def _noted(dataset: Dataset) -> dict[str, np.ndarray]:
    """Columns that speak of the size of the pictures, as the parts of ``noted_size`` are called."""
    return {f"noted {name.lower()}": v for name, v in dataset.columns.items() if name.lower() in SIZE_COLUMNS}


def _table(one: Property, values: Mapping[str, np.ndarray]) -> np.ndarray | None:
    """(N, F) numbers of a property, nan where unknown; None where the dataset has nothing of it."""
    parts = [_numbers(values[part]) for part in one.parts if part in values]
    if not parts:
        return None
    if len(parts) == 2:  # width and height
        with np.errstate(divide="ignore", invalid="ignore"):
            parts += [parts[0] * parts[1], parts[0] / parts[1]]
    return np.stack(parts, axis=1)


def _numbers(column: np.ndarray) -> np.ndarray:
    """(N,) numbers as they are; texts by how frequent they are, nan where "" stands."""
    if column.dtype.kind != "U":
        return np.asarray(column, np.float64)
    names, inverse, counts = np.unique(column, return_inverse=True, return_counts=True)
    place = np.empty(len(names))
    place[np.argsort(-counts, kind="stable")] = np.minimum(np.arange(len(names)), MOST_CATEGORIES)
    place[names == ""] = np.nan
    return place[inverse]


def _varies(table: np.ndarray) -> bool:
    known = table[np.isfinite(table).all(axis=1)]
    return len(known) > 0 and bool((np.ptp(known, axis=0) > 0).any())


def _tested(name: str, table: np.ndarray, labels: np.ndarray, groups: np.ndarray | None, seed: int) -> Betrayal:
    """One property, its p value not corrected yet. Raises FoldError where no folds can be drawn."""
    one = PROPERTIES.get(name, Property("all that a network can see together", (), "pixels", ""))
    known = np.isfinite(table).any(axis=1) if name == ALL else np.isfinite(table).all(axis=1)
    table, labels, groups = table[known], labels[known], None if groups is None else groups[known]
    scores = _out_of_fold(table, labels, groups, seed)
    value = auc(labels, scores)
    samples, worth = _resampled(labels, scores, groups, seed)
    lo, hi = bounded_interval(value, samples, worth)
    spread = float(np.nanstd(samples))
    p = t_pvalue(value - 0.5, spread, worth) if spread > 1e-12 else float(value == 0.5)
    return Betrayal(name, one.title, one.kind, len(labels), value, lo, hi, p)


def _out_of_fold(table: np.ndarray, labels: np.ndarray, groups: np.ndarray | None, seed: int) -> np.ndarray:
    """(N,) share of trees' votes for the positive class, of folds that they have not seen."""
    from sklearn.ensemble import ExtraTreesClassifier

    try:
        folds = make_folds(labels, groups, FOLDS, seed)
    except FoldError:
        folds = make_folds(labels, groups, 2, seed)
    scores = np.zeros(len(labels))
    for fold in range(folds.n_splits):
        train, val = folds.train(fold), folds.val(fold)
        trees = ExtraTreesClassifier(TREES, min_samples_leaf=5, class_weight="balanced", random_state=seed)
        scores[val] = trees.fit(table[train], labels[train]).predict_proba(table[val])[:, 1]
    return scores


def _resampled(
    labels: np.ndarray, scores: np.ndarray, groups: np.ndarray | None, seed: int
) -> tuple[np.ndarray, float]:
    """(N_BOOT,) AUC in resamples of whole groups, nan where a class is missing, and how many groups carry it."""
    group_of, n_groups = group_index(groups, len(labels))
    order = np.argsort(-scores, kind="stable")
    starts = np.flatnonzero(np.concatenate([[True], np.diff(scores[order]) < 0]))
    hit, found = labels[order].astype(float), []
    for draws in group_draws(n_groups, N_BOOT, seed):
        weights = draws[:, group_of[order]]
        right, every = (np.add.reduceat(part, starts, axis=1) for part in (weights * hit, weights))
        false, above = every - right, np.cumsum(right, axis=1)
        pairs = above[:, -1] * false.sum(axis=1)
        wins = (false * (above - 0.5 * right)).sum(axis=1)
        found.append(np.divide(wins, pairs, out=np.full(len(draws), np.nan), where=pairs > 0))
    classes = by_group(np.stack([labels == 1, labels == 0], axis=1).astype(float), group_of, n_groups)
    return np.concatenate(found), min(kish(classes[:, 0]), kish(classes[:, 1]))


def _corrected(rows: Sequence[Betrayal]) -> tuple[Betrayal, ...]:
    """Best first, p values for as many tests as there are (Holm 1979)."""
    ranked, worst, found = sorted(rows, key=lambda row: row.p), 0.0, []
    for i, row in enumerate(ranked):
        worst = max(worst, min(1.0, row.p * (len(ranked) - i)))
        found.append(replace(row, p=worst))
    return tuple(sorted(found, key=lambda row: -row.auc))
