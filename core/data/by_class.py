"""A dataset seen class by class: how many of each in every part of it, and what their pixels look like.

The tables are in the bands' units. They describe; no model learns from them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from core.data.store.dataset import Dataset
from core.data.store.summary import QUANTILES
from core.stats.design_effect import share_interval, wilson

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
    labels, values = np.asarray(labels), np.asarray(values)
    codes, names = pd.factorize(values, sort=True)
    positive, negative, unlabelled = (np.bincount(codes[labels == label], minlength=len(names)) for label in (1, 0, -1))
    table = pd.DataFrame({"value": names.astype(str), "patches": positive + negative + unlabelled})
    table["positive"], table["negative"], table["unlabelled"] = positive, negative, unlabelled
    table["share"] = positive / np.where(positive + negative > 0, positive + negative, np.nan)
    table["low"], table["high"] = wilson(positive, positive + negative)
    if groups is not None:
        several, rows_of = _of_several(codes, labels >= 0, np.asarray(groups))
        ends = [share_interval(labels[rows] == 1, np.asarray(groups)[rows]) for rows in rows_of]
        if ends:
            table.loc[several, ["share", "low", "high"]] = ends
    return table.sort_values("patches", ascending=False, kind="stable").reset_index(drop=True)


def _of_several(codes: np.ndarray, known: np.ndarray, groups: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
    """Codes of values whose known patches are of several groups, and their rows; in others no spread matters."""
    pairs = pd.DataFrame({"code": codes[known], "group": groups[known]}).drop_duplicates()["code"].value_counts()
    rows = np.flatnonzero(known & np.isin(codes, pairs.index[pairs > 1]))
    rows = rows[np.argsort(codes[rows], kind="stable")]
    several, starts = np.unique(codes[rows], return_index=True)
    return several, np.split(rows, starts[1:]) if len(rows) else []


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
