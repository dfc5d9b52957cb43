"""What was measured of one patch that may tell why a head decided on it as it did, for ``core.explain.why``.

Everything is at hand: the out-of-fold table, the embeddings and maps of the patch's own fold, its pixels and those of
a sample of its class. No network is loaded.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.data.by_class import drawn_rows
from core.data.selection import cloud_of
from core.data.store import Dataset
from core.embed.features import Preparation
from core.embed.neighbours import nearest
from core.errors import ConfigError, LandslideLensError
from core.explain import why
from core.explain.cam.overlay import dead_maps
from core.explain.checks.mask_overlap import mask_agreement
from core.flow.fold_rows import fold_rows
from core.runs.store import RunFolder

VISIBLE = ("red", "green", "blue")
PER_CLASS = 200  # patches that one is compared with
PER_LABEL = 5  # nearest training patches that are shown of each class


@dataclass(frozen=True, eq=False)
class Levels:
    """A sample of one class. rows: (n,) of the dataset; brightness, change: (n,), nan where there is none."""

    rows: np.ndarray
    brightness: np.ndarray
    change: np.ndarray


def class_levels(data: Dataset, label: int, n: int = PER_CLASS) -> Levels:
    """The levels of at most ``n`` patches of a class, drawn at random, always the same."""
    rows = drawn_rows(data.labels, label, n, 0)
    brightness, change = levels_of(data, data.images(rows)) if len(rows) else (np.empty(0), np.empty(0))
    return Levels(rows, brightness, change)


def levels_of(data: Dataset, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean of the visible bands (else all optical ones), and mean size of the SAR change: (N,) each, nan without."""
    optical = [i for i, band in enumerate(data.bands) if band.family == "optical"]
    visible = [i for i in optical if data.bands[i].name in VISIBLE] or optical
    sar = [i for i, band in enumerate(data.bands) if band.family == "sar_change"]
    return _mean(images[:, visible]), _mean(np.abs(images[:, sar]))


def _mean(values: np.ndarray) -> np.ndarray:
    flat = values.reshape(len(values), -1).astype(np.float64)
    known = np.isfinite(flat)
    n = known.sum(axis=1)
    return np.where(n > 0, np.where(known, flat, 0.0).sum(axis=1) / np.maximum(n, 1), np.nan)


@dataclass(frozen=True, eq=False)
class Nearest:
    """Rows and distances of the training patches nearest to one patch, nearest first: all, and those of each class."""

    index: np.ndarray
    distance: np.ndarray
    by_label: dict[int, tuple[np.ndarray, np.ndarray]]


def nearest_training(run: RunFolder, fold: int, row: int, k: int = why.K, each: int = PER_LABEL) -> Nearest | None:
    """The ``k`` training patches nearest to this dataset row in the embedding of the fold, and ``each`` of each label.

    None where the run kept no embeddings.
    """
    try:
        rows, embeddings = fold_rows(run, fold), run.embeddings(fold)["embeddings"]
        prepared = Preparation.fit(embeddings, rows.train, run.config().embed.metric).rows(embeddings)
    except LandslideLensError:
        return None
    others = rows.train[rows.train != row]

    def near(part: np.ndarray, most: int) -> tuple[np.ndarray, np.ndarray]:
        found = nearest(prepared[[row]], prepared[part], most)
        return part[found.index[0]], found.distance[0]

    return Nearest(*near(others, k), {label: near(others[rows.labels[others] == label], each) for label in (1, 0)})


def evidence_of(
    data: Dataset,
    row: int,
    decided: Mapping[str, tuple[int, float, float]],
    head: str,
    near: np.ndarray,
    levels: Levels | None,
    cam: np.ndarray | None = None,
    level: float | None = None,
    cloud_column: str | None = None,
    **known: Any,
) -> why.Evidence:
    """The evidence on dataset row ``row``.

    decided: by head its decision, probability and threshold. near: rows of the nearest training patches. levels: of
    the patch's own class. cam, level: its raw map (h, w) and what is strong in its fold. cloud_column: see
    ``core.data.selection.cloud_of``. known: what else was measured, as fields of the evidence.
    """
    label = int(data.labels[row])
    pred, prob, threshold = decided[head]
    image = data.images(np.array([row]))
    brightness, change = (float(values[0]) for values in levels_of(data, image))
    found: dict[str, Any] = {}
    if levels is not None and label >= 0:
        others = levels.rows != row
        found = {
            "brightness_rank": why.rank(brightness, levels.brightness[others]),
            "change_rank": why.rank(change, levels.change[others]),
            "n_class": int(others.sum()),
        }
    labelled = near[data.labels[near] >= 0]
    optical = next((band.unit for band in data.bands if band.family == "optical"), "")
    return why.Evidence(
        label, pred, prob, threshold,
        agree=sum(one[0] == pred for one in decided.values()), heads=len(decided),
        near_other=int((data.labels[labelled] != label).sum()) if label >= 0 and len(labelled) else None,
        near=len(labelled),
        brightness=_or_none(brightness), change=_or_none(change), brightness_unit=optical,
        no_data=float(1 - np.isfinite(image).all(axis=1).mean()),
        **found, **known, **_cloud(data, row, cloud_column), **_attention(data, row, cam, level),
    )  # fmt: skip


def _cloud(data: Dataset, row: int, column: str | None) -> dict[str, Any]:
    """The share under cloud where the dataset knows it, from a column of shares or of percent."""
    try:
        name, values = cloud_of(data, column)
    except ConfigError:
        return {}
    share = values[row] / (100.0 if np.nanmax(values) > 1.0 else 1.0)
    return {"cloud": float(share), "cloud_column": name} if 0.0 <= share <= 1.0 else {}


def _attention(data: Dataset, row: int, cam: np.ndarray | None, level: float | None) -> dict[str, Any]:
    found = {}
    mask = data.masks(np.array([row])) if data.has_masks else None
    if mask is not None:
        found["mask_share"] = float((mask > 0).mean())
    if cam is None:
        return found
    dead = bool(dead_maps(cam[None])[0])
    if dead:
        found["map_share"] = 0.0
    elif level:
        found["map_share"] = float(cam.max()) / level
    if mask is not None and found["mask_share"]:
        agreement = mask_agreement(cam[None], mask).iloc[0]
        if not agreement["silent"]:  # a map that is the same everywhere points nowhere
            found["inside"] = float(agreement["energy"])
    return found


def _or_none(value: float) -> float | None:
    return value if np.isfinite(value) else None
