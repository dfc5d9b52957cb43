"""A dataset seen class by class: how many of each in every part of it, and what their pixels look like.

The tables are in the bands' units. They describe; no model learns from them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from core.data.store.dataset import Dataset
from core.data.store.summary import QUANTILES
from core.stats.design_effect import share_interval

MOST_BYTES = 256 * 2**20  # of images held at once
FEW = 30  # different values of a column that can be told apart in a figure
BINS = 5  # of a column of numbers with more values
NO_VALUE = "not stated"


# -------------------------------------------------------------------------------------------------- balance


def parts(dataset: Dataset) -> dict[str, np.ndarray]:
    """What the patches can be counted by, each (N,) text: split, group, and columns with few values or of numbers.

    Numbers with many values are cut into ``BINS`` parts of about equal size; text with more than ``FEW`` is left out.
    """
    found: dict[str, np.ndarray] = {}
    if dataset.split is not None:
        found["split"] = _named(dataset.split)
    if dataset.groups is not None:
        found["group"] = _named(dataset.groups)
    for name, values in dataset.columns.items():
        told = _told_apart(values)
        if told is not None and name not in found:
            found[name] = told
    return found


def balance(labels: np.ndarray, values: np.ndarray, groups: np.ndarray | None = None) -> pd.DataFrame:
    """Patches of each class by value: value, patches, positive, negative, unlabelled, share, low, high.

    labels: (N,) 1, 0, -1; values: (N,) text; groups: (N,) or None, minded where a value has several. ``share`` is that
    of the positive class among the labelled, with its 95 % interval (Wilson, 1927), nan where none is labelled. Most
    patches first.
    """
    counts = pd.crosstab(np.asarray(values), np.asarray(labels)).reindex(columns=[1, 0, -1], fill_value=0)
    table = pd.DataFrame({"value": counts.index.astype(str), "patches": counts.sum(axis=1).to_numpy()})
    for column, label in (("positive", 1), ("negative", 0), ("unlabelled", -1)):
        table[column] = counts[label].to_numpy()
    table[["share", "low", "high"]] = _shares(np.asarray(labels), np.asarray(values), groups, counts.index)
    return table.sort_values("patches", ascending=False, kind="stable").reset_index(drop=True)


def _shares(labels: np.ndarray, values: np.ndarray, groups: np.ndarray | None, order: pd.Index) -> np.ndarray:
    """(V, 3) share, low, high of each value in this order."""
    labelled = np.flatnonzero(labels >= 0)
    code_of = order.get_indexer(values[labelled])
    rows = labelled[np.argsort(code_of, kind="stable")]
    ends = np.searchsorted(np.sort(code_of), np.arange(1, len(order)))
    return np.array([_share(labels[own], groups, own) for own in np.split(rows, ends)]).reshape(-1, 3)


def _share(labels: np.ndarray, groups: np.ndarray | None, rows: np.ndarray) -> tuple[float, float, float]:
    own = None if groups is None else np.asarray(groups)[rows]
    if own is not None and len(set(own.tolist())) < 2:
        own = None  # a share of this one group, whose spread between groups is no matter
    return share_interval(labels == 1, own)


def _named(values: np.ndarray) -> np.ndarray:
    texts = np.asarray(values).astype(str).astype(object)
    texts[np.char.strip(np.asarray(values).astype(str)) == ""] = NO_VALUE
    return texts


def _told_apart(values: np.ndarray) -> np.ndarray | None:
    """(N,) text with at most ``FEW`` values, or None where that is not to be had."""
    distinct = np.unique(values)
    if 2 <= len(distinct) <= FEW and values.dtype.kind != "f":
        return _named(values)
    if values.dtype.kind not in "iuf" or len(distinct) < 2:
        return None
    numbers = values.astype(np.float64)
    finite = np.isfinite(numbers)
    edges = np.unique(np.quantile(numbers[finite], np.linspace(0, 1, BINS + 1))) if finite.any() else np.empty(0)
    if len(edges) < 2:
        return None
    words = np.array([f"{low:.4g} to {high:.4g}" for low, high in zip(edges[:-1], edges[1:], strict=True)], object)
    told = np.full(len(numbers), NO_VALUE, object)
    told[finite] = words[np.clip(np.searchsorted(edges, numbers[finite], side="right") - 1, 0, len(words) - 1)]
    return told


# ---------------------------------------------------------------------------------------------------- pixels


@dataclass(frozen=True, eq=False)
class ClassPixels:
    """What the pixels of each class are like.

    Attributes:
        quantiles: a row a band and class: band, label, n_patches, n_pixels, mean, q01 .. q99, in the band's unit.
        means: label -> (C, H, W) float32, the mean patch over usable pixels, nan where no patch has one.
        n: label -> patches that were read.
    """

    quantiles: pd.DataFrame
    means: dict[int, np.ndarray]
    n: dict[int, int]


def drawn_rows(labels: np.ndarray, label: int, n: int, seed: int) -> np.ndarray:
    """At most ``n`` rows of a class, drawn without replacement; the same seed gives the same rows, sorted."""
    rows = np.flatnonzero(np.asarray(labels) == label)
    return np.sort(np.random.default_rng([seed, label + 1]).permutation(rows)[:n])


def describe_classes(dataset: Dataset, per_class: int = 200, seed: int = 0) -> ClassPixels:
    """Quantiles of every band and the mean patch of each class, from at most ``per_class`` patches drawn at random.

    Fewer are drawn where their images would fill more than ``MOST_BYTES``. Pixels without data are left out.
    """
    most = max(1, MOST_BYTES // (4 * int(np.prod(dataset.shape))))
    rows, means, n = [], {}, {}
    for label in (1, 0, -1):
        chosen = drawn_rows(dataset.labels, label, min(per_class, most), seed)
        if not len(chosen):
            continue
        images = dataset.images(chosen)  # (n, C, H, W)
        usable = np.isfinite(images)
        n[label] = len(chosen)
        counts = usable.sum(axis=0)
        sums = np.where(usable, images, 0).sum(axis=0, dtype=np.float64)
        means[label] = np.where(counts > 0, sums / np.maximum(counts, 1), np.nan).astype(np.float32)
        rows += [
            _band_row(band, label, len(chosen), images[:, i][usable[:, i]]) for i, band in enumerate(dataset.band_names)
        ]
    return ClassPixels(pd.DataFrame(rows), means, n)


def _band_row(band: str, label: int, n_patches: int, values: np.ndarray) -> dict:
    quantiles = np.quantile(values, list(QUANTILES.values())) if values.size else [np.nan] * len(QUANTILES)
    mean = float(values.mean(dtype=np.float64)) if values.size else np.nan
    row = {"band": band, "label": label, "n_patches": n_patches, "n_pixels": int(values.size), "mean": mean}
    return row | {name: float(value) for name, value in zip(QUANTILES, quantiles, strict=True)}
