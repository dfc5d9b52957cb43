"""How well maps say where in a patch a landslide lies: the highest point, and what lies above a threshold, on masks.

The threshold of a fold is the one that fits the masks of the other folds best, so that no patch chooses its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from core.stats.bootstrap import FEWEST_GROUPS, by_group, effective_groups, group_index, resampled_sums
from core.stats.grouped_means import N_BOOT, Mean, mean_of
from core.stats.intervals import bounded_interval

THRESHOLDS = np.round(np.arange(0.02, 0.99, 0.02), 2)
SHARE = (0.0, 1.0)
MEASURES = ("pointing", "iou")


@dataclass(frozen=True)
class Scored:
    """Of one way. table: a row a patch (pointing, iou, off_px); thresholds: by fold; threshold: for new ground."""

    table: pd.DataFrame
    thresholds: dict[int, float]
    threshold: float


def scored(maps: np.ndarray, masks: np.ndarray, fold: np.ndarray) -> Scored:
    """maps: (N, H, W) in 0-1, on one scale; masks: (N, H, W), none empty; fold: (N,), in which each was held out.

    pointing: whether the highest pixel lies in the mask (of several as high, their share that does). off_px: its
    distance to the mask in pixels, 0 inside. iou: of the mask and the pixels at the threshold or above; with one fold
    alone there is no other to choose by, and it is nan.
    """
    inside, fold = np.asarray(masks) > 0, np.asarray(fold)
    by_threshold = ious(maps, inside)  # (N, T)
    iou, thresholds = np.full(len(maps), np.nan), {}
    for one in np.unique(fold).tolist():
        others = fold != one
        if others.any():
            best = int(by_threshold[others].mean(axis=0).argmax())
            thresholds[int(one)], iou[fold == one] = float(THRESHOLDS[best]), by_threshold[fold == one, best]
    hits, off = _pointed(maps, inside)
    deployed = float(THRESHOLDS[int(by_threshold.mean(axis=0).argmax())])
    return Scored(pd.DataFrame({"pointing": hits, "iou": iou, "off_px": off}), thresholds, deployed)


def ious(maps: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """(N, T) float64: intersection over union of the mask and the pixels at each of ``THRESHOLDS`` or above."""
    both, either = overlap_counts(maps, inside)
    return both / np.maximum(either, 1)


def overlap_counts(maps: np.ndarray, inside: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pixels in both and in either of the mask and what lies at each of ``THRESHOLDS`` or above: (N, T) int64 each."""
    both, either = (np.empty((len(maps), len(THRESHOLDS)), np.int64) for _ in range(2))
    size = inside.sum(axis=(1, 2))
    for k, threshold in enumerate(THRESHOLDS):
        called = np.asarray(maps) >= np.float32(threshold)
        both[:, k] = (called & inside).sum(axis=(1, 2))
        either[:, k] = called.sum(axis=(1, 2)) + size - both[:, k]
    return both, either


def pooled_iou(both: np.ndarray, either: np.ndarray, groups: np.ndarray | None, seed: int = 0) -> Mean:
    """IoU over the pixels of all patches together, with its interval; both, either: (N,) pixels; groups: (N,)."""
    counts = np.stack([both, either], axis=1).astype(np.float64)
    group_of, n_groups = group_index(groups, len(counts))
    value = float(counts[:, 0].sum() / max(counts[:, 1].sum(), 1))
    if n_groups < FEWEST_GROUPS:
        return Mean(value, np.nan, np.nan, len(counts), n_groups)
    sums = resampled_sums(by_group(counts, group_of, n_groups), N_BOOT, seed)
    lo, hi = bounded_interval(value, sums[:, 0] / np.maximum(sums[:, 1], 1), effective_groups(groups, len(counts)))
    return Mean(value, float(lo), float(hi), len(counts), n_groups)


def random_point(masks: np.ndarray) -> pd.DataFrame:
    """What a point drawn at random hits, its mean distance to the mask, and the overlap of the whole patch."""
    inside = np.asarray(masks) > 0
    share = inside.mean(axis=(1, 2))
    off = np.array([_distance(one).mean() for one in inside])
    return pd.DataFrame({"pointing": share, "iou": share, "off_px": off})


def _pointed(maps: np.ndarray, inside: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Whether the highest pixel is inside, and its distance to the mask, (N,) each; of several, their mean."""
    hits, off = np.empty(len(maps)), np.empty(len(maps))
    for i, (one, mask) in enumerate(zip(maps, inside, strict=True)):
        top = one == one.max()
        hits[i], off[i] = mask[top].mean(), _distance(mask)[top].mean()
    return hits, off


def _distance(mask: np.ndarray) -> np.ndarray:
    from scipy.ndimage import distance_transform_edt

    return distance_transform_edt(~mask)


def summarised(
    tables: dict[str, pd.DataFrame], groups: np.ndarray | None, rivals: tuple[str, ...]
) -> dict[str, dict[str, Any]]:
    """By way: each measure's mean with interval, and its gain over each rival; off_px: mean, and 90 % are within.

    groups: (N,) resampled whole. better: the highest point beats every rival's, with its whole interval.
    """
    found: dict[str, dict[str, Any]] = {}
    for way, table in tables.items():
        row: dict[str, Any] = {name: mean_of(table[name].to_numpy(float), groups, SHARE).to_dict() for name in MEASURES}
        row["off_px"] = mean_of(table["off_px"].to_numpy(float), groups).to_dict()
        row["within_px"] = float(np.quantile(table["off_px"], 0.9)) if len(table) else float("nan")
        row["gain"] = {
            rival: {
                name: mean_of((table[name] - tables[rival][name]).to_numpy(float), groups).to_dict()
                for name in MEASURES
            }
            for rival in rivals
            if rival != way
        }
        row["better"] = way not in rivals and all(bool(gain["pointing"]["lo"] > 0) for gain in row["gain"].values())
        found[way] = row
    return found
