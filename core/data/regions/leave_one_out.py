"""Leave-one-region-out folds: which region each patch lies in, and what a fold must not learn from elsewhere.

A region is what a column of the dataset names: a source, a country, an event. Regions are never joined with each other
because of patches that look alike in both; such patches are left out of the training part instead.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.config import FoldsConfig, RunConfig
from core.data.leakage.footprints import HEIGHT, WIDTH
from core.data.selection import select
from core.data.store import open_dataset
from core.data.store.dataset import Dataset
from core.errors import ConfigError, FoldError
from core.text import list_names

MOST = 20  # folds, of folds.n_splits
COVERED = 0.9  # of the patches, by regions that a column is offered for
FEW = 10  # patches of a class below which a region's own score says little
SHOWN = 5  # regions named in a sentence
UNKNOWN = "unknown region"
USUAL = (
    "region",
    "country",
    "event",
    "inventory",
    "source",
    "dataset",
    "site",
    "area",
)  # names that are looked for first


@dataclass(frozen=True, eq=False)
class Regions:
    """The folds of leave-one-region-out.

    Attributes:
        names: of each fold; a joined one names what is in it.
        fold_of: (N,) int8 in 0 .. len(names) - 1; -1 for patches without a label in use.
        notes: sentences for the run's warnings.
    """

    names: tuple[str, ...]
    fold_of: np.ndarray
    notes: tuple[str, ...] = ()


def columns_of_regions(dataset: Dataset, labels: np.ndarray | None = None) -> tuple[str, ...]:
    """Columns that name from 2 to 20 regions with both classes, those with a usual name (source, country, ...) first.

    labels: (N,) int8 in use, -1 for what is left out; none: the dataset's. 9 in 10 patches lie in such regions.
    """
    labels = np.asarray(dataset.labels if labels is None else labels)
    known = np.flatnonzero(labels >= 0)
    found = []
    for name in [*(["groups"] if dataset.groups is not None else []), *_columns(dataset)]:
        names, of = np.unique(region_names(dataset, name)[known], return_inverse=True)
        counts = np.stack([np.bincount(of[labels[known] == label], minlength=len(names)) for label in (0, 1)])
        able = (counts.min(axis=0) > 0) & (names != "")
        if 2 <= able.sum() <= MOST and counts[:, able].sum() >= COVERED * len(known):
            found.append(name)
    return tuple(sorted(found, key=_usual))


def region_names(dataset: Dataset, column: str) -> np.ndarray:
    """(N,) text: the region of each patch, "" where it is not known.

    Raises ConfigError, naming the columns there are, for one that is not.
    """
    if column == "groups" and dataset.groups is not None:
        values = dataset.groups
    elif column in (columns := _columns(dataset)):
        values = columns[column]
    else:
        there = ", ".join([*(["groups"] if dataset.groups is not None else []), *columns]) or "none"
        raise ConfigError(
            f"folds.region={column:.80}: {dataset.name} has no column '{column:.80}'. Columns here: {there}. Name "
            "one of these, or set folds.region=none."
        )
    names = np.char.strip(np.asarray(values).astype(str))
    return np.where(names == "nan", "", names)


def regions_of(dataset: Dataset, labels: np.ndarray, config: FoldsConfig) -> Regions:
    """The region, and so the fold, of every labelled patch, in alphabetical order of the regions.

    labels: (N,) int8 of this run, -1 for what is left out of the folds. config: with ``region`` set.

    Raises ConfigError for a column that is not there, FoldError for fewer than two regions, and for regions that cannot
    be a fold unless ``config.rare_regions`` joins them.
    """
    column = str(config.region)
    labels = np.asarray(labels)
    names = region_names(dataset, column)
    known = labels >= 0
    counts = {
        name: np.bincount(labels[known & (names == name)], minlength=2) for name in np.unique(names[known]).tolist()
    }
    if len(counts) < 2:
        raise FoldError(
            f"Leave-one-region-out needs at least two regions with labelled patches; the column '{column}' of "
            f"{dataset.name} names {_listed(list(counts)) if counts else 'none'}. Choose another column, or join the "
            "dataset with one from elsewhere."
        )
    rare = _rare(counts)
    if rare and config.rare_regions == "refuse":
        raise FoldError(_refused(column, counts, rare))
    kept = sorted(set(counts) - set(rare))
    while rare and len(kept) > 1 and _together(rare, counts).min() == 0:
        rare.append(kept.pop(int(np.argmin([counts[name].sum() for name in kept]))))  # what is joined has both classes
    folds = [[name] for name in kept] + ([rare] if rare else [])
    _check(column, folds, counts)
    fold_of = np.full(len(labels), -1, np.int8)
    for fold, inside in enumerate(folds):
        fold_of[known & np.isin(names, inside)] = fold
    titles = [kept[k] if k < len(kept) else f"other regions ({_listed(rare)})" for k in range(len(folds))]
    return Regions(tuple(titles), fold_of, tuple(_notes(column, titles, folds, counts)))


def resolved(dataset: Dataset, labels: np.ndarray, config: RunConfig) -> RunConfig:
    """``config`` with as many folds as regions; itself where it does not leave regions out.

    Raises as :func:`regions_of` does.
    """
    if config.folds.region is None:
        return config
    n = len(regions_of(dataset, labels, config.folds).names)
    if n == config.folds.n_splits:
        return config
    return config.model_copy(update={"folds": config.folds.model_copy(update={"n_splits": n})})


def with_regions(path: Path, config: RunConfig) -> RunConfig:
    """:func:`resolved` for a dataset file, with the labels that a run of ``config`` uses; a file is read only for that.

    Raises also what ``core.data.selection.select`` does.
    """
    if config.folds.region is None:
        return config
    dataset = open_dataset(path)
    return resolved(dataset, select(dataset, config.data, config.folds).labels, config)


def belonging(train: np.ndarray, judged: np.ndarray, groups: np.ndarray | None, pairs: np.ndarray) -> np.ndarray:
    """(n,) those rows of ``train`` that share a group with a row of ``judged``, or make a pair with one.

    groups: (N,) text, or None. pairs: (m, 2) rows.
    """
    out = np.zeros(len(train), bool)
    if groups is not None:
        out |= np.isin(groups[train], groups[judged])
    if len(pairs):
        here = np.isin(pairs, judged)  # (m, 2)
        partners = np.concatenate([pairs[here[:, 0], 1], pairs[here[:, 1], 0]])
        out |= np.isin(train, partners)
    return train[out]


# ------------------------------------------------------------------------------------------------- parts


def _columns(dataset: Dataset) -> dict[str, np.ndarray]:
    columns = ({} if dataset.split is None else {"split": dataset.split}) | dataset.columns
    return {name: values for name, values in columns.items() if name not in (WIDTH, HEIGHT)}


def _usual(name: str) -> tuple[int, str]:
    plain = name.lower()
    return next((k for k, word in enumerate(USUAL) if word in plain), len(USUAL)), plain


def _rare(counts: dict[str, np.ndarray]) -> list[str]:
    """Regions that are no fold of their own: unknown, of one class only, and the smallest beyond ``MOST``."""
    rare = [name for name, of in counts.items() if name == "" or of.min() == 0]
    sized = sorted((name for name in counts if name not in rare), key=lambda name: (-counts[name].sum(), name))
    room = MOST if not rare and len(sized) <= MOST else MOST - 1
    return [*rare, *sized[room:]]


def _refused(column: str, counts: dict[str, np.ndarray], rare: list[str]) -> str:
    single = [name for name in rare if name and counts[name].min() == 0]
    reasons = []
    if single:
        reasons.append(
            f"{_listed(single)} {'holds' if len(single) == 1 else 'hold'} one class only, so no score is defined there"
        )
    if "" in rare:
        reasons.append(f"{int(counts[''].sum()):,} labelled patches have no value of it")
    if not reasons or len(counts) - len(single) - ("" in rare) > MOST:
        reasons.append(f"there are {len(counts):,} regions, and at most {MOST} folds")
    return (
        f"Leave-one-region-out by the column '{column}' is not possible: {'; '.join(reasons)}. Set "
        "folds.rare_regions=join to evaluate these together as one fold, exclude their patches, or choose a column "
        "with fewer regions. folds.group_by=NAME keeps regions together in folds of several."
    )


def _check(column: str, folds: list[list[str]], counts: dict[str, np.ndarray]) -> None:
    if len(folds) < 2:
        raise FoldError(
            f"Leave-one-region-out by the column '{column}' is not possible: no region but "
            f"{_listed(folds[0])} holds both classes. Choose another column."
        )
    total = _together(list(counts), counts)
    for inside in folds:
        own = _together(inside, counts)
        if own.min() == 0:
            raise FoldError(
                f"Leave-one-region-out by the column '{column}' is not possible: {_listed(inside)} together hold one "
                "class only. Exclude their patches, or choose another column."
            )
        if (total - own).min() == 0:
            raise FoldError(
                f"Without the region {_listed(inside)} no patch of one of the classes is left to learn from. Choose "
                "another column, or label patches of that class elsewhere."
            )


def _together(names: list[str], counts: dict[str, np.ndarray]) -> np.ndarray:
    """(2,) patches of each class in these regions."""
    return np.sum([counts[name] for name in names], axis=0)


def _notes(column: str, titles: list[str], folds: list[list[str]], counts: dict[str, np.ndarray]) -> list[str]:
    sizes = [_together(inside, counts) for inside in folds]
    listed = ", ".join(
        f"{title} {int(of.sum()):,} patches ({int(of[1]):,} positive)" for title, of in zip(titles, sizes, strict=True)
    )
    notes = [f"Leave-one-region-out by the column '{column}', a fold for each of {len(folds)} regions: {listed}."]
    few = [title for title, of in zip(titles, sizes, strict=True) if of.min() < FEW]
    if few:
        notes.append(f"Fewer than {FEW} patches of a class in {_listed(few)}: what is scored there says little.")
    return notes


def _listed(names: list[str]) -> str:
    return list_names([name or UNKNOWN for name in names], SHOWN)
