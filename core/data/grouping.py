"""What must stay in one fold: the dataset's groups, a column, blocks of ground, and patches that show the same place.

The pairs are those of ``core.data.leakage``; the folds are drawn in ``core.data.folds``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from core.config import FoldsConfig
from core.data.leakage.blocks import blocks, sides
from core.data.leakage.duplicates import joined, merged
from core.data.leakage.footprints import HEIGHT, WIDTH, footprints
from core.data.store.dataset import Dataset
from core.errors import ConfigError, FoldError
from core.text import list_names

PAIR_WORDS = {
    "identical": "identical", "near": "nearly identical", "shifted": "shifted crops", "overlap": "overlapping",
    "synthetic": "blends",
}  # fmt: skip
SHOWN = 3  # pairs named in a sentence


@dataclass(frozen=True, eq=False)
class Grouping:
    """groups: (N,) text, or None when nothing needs to stay together. notes: sentences for the run's warnings."""

    groups: np.ndarray | None
    notes: tuple[str, ...] = ()


def groups_for(
    dataset: Dataset, labels: np.ndarray, config: FoldsConfig, pairs: pd.DataFrame, base: np.ndarray | None
) -> Grouping:
    """``base``, (N,) text or None, as groups that the folds of a run must not divide.

    labels: (N,) int8 of this run, -1 for what is left out. pairs: of ``core.data.leakage.split_audit``. Identical
    patches are always joined; the other pairs by ``config.on_leak``.

    Raises FoldError when pairs lie in different groups and ``config.on_leak`` is "refuse".
    """
    if len(pairs):  # what is left out is in no fold
        pairs = pairs[(labels[rows_of(dataset, pairs)] >= 0).all(axis=1)]
    identical = rows_of(dataset, pairs[pairs["kind"] == "identical"])
    groups = joined(base, len(dataset), identical)
    if not config.grouped:
        said = f"{_words(pairs)} may lie in different folds (folds.grouped=false): the scores are likely flattered."
        return Grouping(groups, (said,) if len(pairs) else ())
    across = _across(dataset, groups, pairs)
    if not len(across):
        return Grouping(groups)
    if config.on_leak == "refuse":
        raise FoldError(
            f"{_words(across)} would lie in different folds. Set folds.on_leak=group to keep them together, "
            "exclude them, or name their scene as the group."
        )
    if config.on_leak == "ignore":
        return Grouping(groups, (f"{_words(across)} may lie in different folds (folds.on_leak=ignore).",))
    return _join(dataset, labels, groups, across)


def ways_of_grouping(dataset: Dataset) -> tuple[str, ...]:
    """What ``folds.group_by`` may be for this dataset; of its columns, those that several patches share a value of."""
    ways = ["groups"] if dataset.groups is not None else []
    ways += ["duplicates"]
    if footprints(dataset).known.any():
        ways.append("block")
    columns = ({} if dataset.split is None else {"split": dataset.split}) | dataset.columns
    columns = {name: values for name, values in columns.items() if name not in (WIDTH, HEIGHT)}
    return (*ways, *(name for name, values in columns.items() if 2 <= len(np.unique(values)) <= len(dataset) / 2))


def chosen_groups(dataset: Dataset, config: FoldsConfig) -> np.ndarray | None:
    """(N,) text by ``config.group_by``, or None where the dataset has no groups or only duplicates count.

    Blocks have the first of the sides that :func:`core.data.leakage.blocks.sides` offers. Raises ConfigError when the
    dataset lacks what is asked for.
    """
    match config.group_by:
        case "groups":
            return dataset.groups
        case "duplicates":
            return None
        case "block":
            ground = footprints(dataset)
            if not ground.known.any():
                raise ConfigError(
                    f"folds.group_by=block needs the place of each patch, and {dataset.name} has none. Ingest "
                    "GeoTIFFs, tiles of larger images, or a table with longitude and latitude, or group by something "
                    "else."
                )
            return blocks(ground, sides(ground, config.block_km)[0], dataset.ids)
        case "split" if dataset.split is not None:
            return np.asarray(dataset.split)
        case column if column in dataset.columns:
            values = dataset.columns[column]
            names = values.astype(str)
            unknown = (np.char.strip(names) == "") | (names == "nan")
            return np.where(unknown, np.char.add("patch ", dataset.ids), names)  # what is unknown is its own
        case column:
            there = ", ".join(["groups", "duplicates", "block", *dataset.columns])
            raise ConfigError(
                f"folds.group_by={column}: {dataset.name} has no column '{column}'. Possible here: {there}. "
                "A group column is named when ingesting (--group-column)."
            )


def rows_of(dataset: Dataset, pairs: pd.DataFrame) -> np.ndarray:
    """(n, 2) int64 rows of the patches of each pair."""
    if not len(pairs):
        return np.empty((0, 2), np.int64)
    return np.stack([dataset.index_of(pairs["a"]), dataset.index_of(pairs["b"])], axis=1)


def _across(dataset: Dataset, groups: np.ndarray | None, pairs: pd.DataFrame) -> pd.DataFrame:
    """Those of ``pairs`` whose patches have different groups; all of them where there are no groups."""
    if groups is None or not len(pairs):
        return pairs
    rows = rows_of(dataset, pairs)
    return pairs[groups[rows[:, 0]] != groups[rows[:, 1]]]


def _join(dataset: Dataset, labels: np.ndarray, groups: np.ndarray | None, across: pd.DataFrame) -> Grouping:
    """Groups joined wherever a pair crosses them, but for what would swallow a class."""
    together = merged(groups, len(dataset), rows_of(dataset, across))
    own = groups if groups is not None else dataset.ids
    swollen = [name for name in _too_large(labels, together) if len(set(own[together == name])) > 1]
    notes = [
        f"{_words(across)} lay in different groups; the groups were joined, so that no fold judges what it learnt."
    ]
    if swollen:
        kept = across[~np.isin(together[dataset.index_of(across["a"])], swollen)]
        left = len(across) - len(kept)
        together = joined(groups, len(dataset), rows_of(dataset, kept))
        notes = [_words(kept) + " lay in different groups, which were joined."] if len(kept) else []
        notes.append(
            f"{left} pairs of patches look alike across groups, but joining them would put more than half of a class "
            "into one fold: they were left apart, which may flatter the scores. Decide on them: Review, Duplicates."
        )
    return Grouping(together, tuple(notes))


def _too_large(labels: np.ndarray, groups: np.ndarray) -> Iterable[str]:
    """Groups that hold more than half of the patches of a class."""
    large: set[str] = set()
    for label in (0, 1):
        names, counts = np.unique(groups[labels == label], return_counts=True)
        large |= set(names[counts > counts.sum() / 2].tolist())
    return large


def _words(pairs: pd.DataFrame) -> str:
    counts = pairs["kind"].value_counts()
    what = ", ".join(f"{counts[kind]} {words}" for kind, words in PAIR_WORDS.items() if kind in counts)
    named = list_names([f"{a} and {b}" for a, b in zip(pairs["a"], pairs["b"], strict=True)], SHOWN)
    return f"{len(pairs)} pairs of patches that show the same ground ({what}: {named})"
