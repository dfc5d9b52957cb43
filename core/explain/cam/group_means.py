"""Mean attention maps by outcome, with how many maps stand behind each cell and its interval.

Torch is not loaded: the dashboard imports this module.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.explain.cam.overlay import constant_maps, dead_maps
from core.stats.grouped_means import intervals_of_means

OUTCOMES = ("tp", "fp", "fn", "tn")


@dataclass(frozen=True)
class MeanMap:
    """The mean of n maps of n_groups groups: cam, lo, hi (h, w), or None without any; n_dead hold no evidence.

    The unit is the mean peak of a fold's living maps, because every fold's network has its own scale. lo, hi: 95 %
    interval of each cell by itself, groups resampled whole; nan with fewer than two groups.
    """

    cam: np.ndarray | None
    lo: np.ndarray | None
    hi: np.ndarray | None
    n: int
    n_groups: int
    n_dead: int


def outcomes_of(labels: np.ndarray, pred: np.ndarray) -> np.ndarray:
    """(N,) text: tp, fp, fn or tn; labels and pred are 0 or 1."""
    labels, pred = np.asarray(labels).astype(int), np.asarray(pred).astype(int)
    return np.array(["tn", "fp", "fn", "tp"])[2 * labels + pred]


def mean_maps(
    maps: np.ndarray, outcome: np.ndarray, fold: np.ndarray, groups: np.ndarray | None = None
) -> dict[str, MeanMap]:
    """By outcome; maps (N, h, w) raw, the others (N,). Dead maps count as the zeros they are, others must be finite."""
    maps, outcome, fold = np.asarray(maps, np.float64), np.asarray(outcome), np.asarray(fold)
    finite, dead = np.isfinite(maps).all(axis=(1, 2)), dead_maps(maps)
    levels = fold_levels(maps, fold)
    unit = np.array([levels.get(int(one), 1.0) for one in fold])
    found = {}
    for name in OUTCOMES:
        chosen = (outcome == name) & finite
        own = maps[chosen] / unit[chosen, None, None]
        kept = None if groups is None else np.asarray(groups)[chosen]
        if not len(own):
            found[name] = MeanMap(None, None, None, 0, 0, int(((outcome == name) & dead).sum()))
            continue
        lo, hi = (ends.reshape(own.shape[1:]) for ends in intervals_of_means(own.reshape(len(own), -1), kept))
        lo = np.maximum(lo, 0.0)  # there is no evidence below none
        n_groups = len(own) if kept is None else len(np.unique(kept))
        n_dead = int(((outcome == name) & dead).sum())
        found[name] = MeanMap(own.mean(axis=0), lo, hi, len(own), n_groups, n_dead)
    return found


def fold_levels(maps: np.ndarray, fold: np.ndarray) -> dict[int, float]:
    """The mean peak of each fold's living maps: what is strong evidence there, since every network has its own scale.

    maps: (N, h, w) raw; fold: (N,). Folds in which every map is dead are left out.
    """
    maps, fold = np.asarray(maps, np.float64), np.asarray(fold)
    alive = ~dead_maps(maps)
    peaks = maps.max(axis=(1, 2), initial=0.0)
    return {int(one): float(peaks[alive & (fold == one)].mean()) for one in np.unique(fold[alive])}


def silence(maps: np.ndarray) -> dict[str, float | int]:
    """How many maps say nothing: n, and the shares that are dead (no evidence) and constant (no place)."""
    n = len(maps)
    dead, constant = dead_maps(maps), constant_maps(maps)
    share = {"dead": float(dead.mean()), "constant": float(constant.mean())} if n else {"dead": 0.0, "constant": 0.0}
    return {"n": n, **share}
