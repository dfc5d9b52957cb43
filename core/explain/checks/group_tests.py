"""Does attention follow the content or stay at its place? Patches rolled, flipped, inset, and rolled beneath corners.

Three things put a hot spot into one corner, and one test alone does not tell them apart. A network with pooling sees a
burnt-in mark wherever it is, so that under a whole roll its hot spot moves along with the mark: rolling alone would
call a watermark content. What a mark does do is stay in its place from patch to patch while everything else differs.
So beside the whole roll everything but the four corners is rolled beneath them:

    cause of a hot corner                     whole patch rolled      rolled beneath the corners
    content that happens to lie there         moves along             leaves the corner's company, cools
    a mark in the pixels (watermark, fill)    moves along             stays hot: the rest did not matter
    position (padding, crop of the network)   stays in the corner     stays hot

A corner that is hot for whole groups of patches (ratio over ``HOT``) and stays hot beneath the roll is flagged, with
"position" or "mark" as its cause. Content that truly lies in one corner of every patch is flagged as a mark too: the
meter cannot know that it belongs there, the person who looks at the patches can.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from core.explain.cam.overlay import constant_maps, dead_maps, upsample_maps
from core.explain.checks.position import CORNER, CORNERS, RANGES, place_shares, places
from core.stats.grouped_means import greater_than_zero, mean_of

HOT = 3.0  # times uniform
STAYS = 0.5  # of its attention that a corner keeps when everything else is rolled beneath it
FEWEST = 10  # living maps of a group before its corners are judged
INSET = 0.75  # side of the shrunken patch, as a share of the patch's
TESTS = ("roll", "flip", "inset")
CORRELATION = (-1.0, 1.0)

MapsOf = Callable[[np.ndarray], np.ndarray]
Moved = Callable[[np.ndarray], np.ndarray]  # (N, ..., H, W) -> the same shape


def movement(maps_of: MapsOf, images: np.ndarray, maps: np.ndarray) -> pd.DataFrame:
    """One row a patch: how the map of a changed patch goes with the moved map (follow) and the unmoved one (stay).

    maps_of: normalised (N, C, H, W) float32 -> raw maps (N, h, w). maps: those of ``images``. Columns: follow_ and
    stay_ of each of ``TESTS`` (Pearson's correlation of maps drawn at the patch's size, averaged over the test's
    variants; nan where a map is dead); and by corner before_, beneath_ (after everything else was rolled beneath),
    same_ and along_ (after the whole roll: the attention in the corner, and where its content went), times uniform.
    """
    size = images.shape[2:]
    drawn = upsample_maps(maps, size)
    columns: dict[str, np.ndarray] = {}
    for test, variants in _variants(size).items():
        follow, stay = [], []
        for move in variants:
            found = upsample_maps(maps_of(np.ascontiguousarray(move(images))), size)
            follow.append(correlations(found, move(drawn)))
            stay.append(correlations(found, drawn))
        columns[f"follow_{test}"], columns[f"stay_{test}"] = np.mean(follow, axis=0), np.mean(stay, axis=0)
    half, back = _rolled(size[0] // 2, size[1] // 2), _rolled(-(size[0] // 2), -(size[1] // 2))
    whole = maps_of(np.ascontiguousarray(half(images)))
    beneath = place_shares(maps_of(beneath_corners(images)))
    before, same = place_shares(maps), place_shares(whole)
    along = place_shares(back(upsample_maps(whole, size)))
    for corner in CORNERS:
        columns |= {f"before_{corner}": before[corner], f"beneath_{corner}": beneath[corner]}
        columns |= {f"same_{corner}": same[corner], f"along_{corner}": along[corner]}
    return pd.DataFrame(columns)


def beneath_corners(images: np.ndarray, corner: float = CORNER) -> np.ndarray:
    """Patches rolled by half of each side, their four corners left as they were.

    The middle, where the roll would bring the corners' content a second time, is left too: a second mark would draw
    half of the attention away from the first.
    """
    size = images.shape[-2:]
    half = _rolled(size[0] // 2, size[1] // 2)
    corners = places(size, corner)["corners"] > 0
    return np.where(corners | half(corners), images, half(images)).astype(np.float32)


def correlations(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(N,) Pearson's correlation of each pair of maps (N, H, W); nan where either is dead or constant."""
    silent = dead_maps(a) | dead_maps(b) | constant_maps(a) | constant_maps(b)
    x, y = (maps.reshape(len(maps), -1).astype(np.float64) for maps in (a, b))
    x, y = (values - values.mean(axis=1, keepdims=True) for values in (x, y))
    scale = np.sqrt((x**2).sum(axis=1) * (y**2).sum(axis=1))
    return np.divide((x * y).sum(axis=1), scale, out=np.full(len(x), np.nan), where=~silent & (scale > 0))


def movement_summary(table: pd.DataFrame, groups: np.ndarray | None = None) -> list[dict[str, Any]]:
    """A row a test: follow, stay and their difference, each with interval; p that follow is the larger; and a word."""
    rows = []
    for test in TESTS:
        follow, stay = table[f"follow_{test}"].to_numpy(float), table[f"stay_{test}"].to_numpy(float)
        difference = mean_of(follow - stay, groups)
        word = "undecided"
        if difference.lo > 0:
            word = "content"
        elif difference.hi < 0:
            word = "position"
        means = {
            "follow": mean_of(follow, groups, CORRELATION).to_dict(),
            "stay": mean_of(stay, groups, CORRELATION).to_dict(),
            "difference": difference.to_dict(),
        }
        rows.append({"test": test, **means, "p": greater_than_zero(follow - stay, groups), "follows": word})
    return rows


def corner_verdicts(table: pd.DataFrame, outcome: np.ndarray, groups: np.ndarray | None = None) -> list[dict[str, Any]]:
    """A row a corner and group of patches: ratio with interval, what stays of it, hot, cause, flagged.

    Groups: each outcome, and "called" (TP and FP). A corner is hot when its mean ratio is over ``HOT`` and its interval
    lies above 1, over at least ``FEWEST`` living maps.
    """
    outcome = np.asarray(outcome)
    sets = {name: outcome == name for name in ("tp", "fp", "fn", "tn")}
    sets["called"] = sets["tp"] | sets["fp"]
    rows = []
    for name, chosen in sets.items():
        own = None if groups is None else groups[chosen]
        for corner in CORNERS:
            values = {key: table.loc[chosen, f"{key}_{corner}"].to_numpy(float) for key in _PARTS}
            rows.append({"outcome": name, "corner": corner, **_judged(values, own, RANGES[corner])})
    return rows


_PARTS = ("before", "beneath", "same", "along")


def _judged(values: dict[str, np.ndarray], groups: np.ndarray | None, bounds: tuple[float, float]) -> dict[str, Any]:
    before = mean_of(values["before"], groups, bounds)
    beneath, same, along = (mean_of(values[key], groups).value for key in _PARTS[1:])
    hot = before.n >= FEWEST and before.value > HOT and before.lo > 1
    kept = beneath / before.value if before.value else float("nan")
    cause = ""
    if hot:
        cause = "content"
        if kept >= STAYS:
            cause = "position" if same >= along else "mark"
    return {
        "ratio": before.value,
        "lo": before.lo,
        "hi": before.hi,
        "n": before.n,
        "beneath": beneath,
        "kept": kept,
        "same": same,
        "along": along,
        "hot": hot,
        "cause": cause,
        "flagged": cause in ("position", "mark"),
    }


def _variants(size: tuple[int, int]) -> dict[str, tuple[Moved, ...]]:
    height, width = size
    return {
        "roll": (_rolled(height // 2, width // 2), _rolled(height // 2, 0), _rolled(0, width // 2)),
        "flip": (lambda x: x[..., ::-1, :], lambda x: x[..., ::-1], lambda x: x[..., ::-1, ::-1]),
        "inset": (_inset,),
    }


def _rolled(down: int, right: int) -> Moved:
    return lambda x: np.roll(x, (down, right), axis=(-2, -1))


def _inset(x: np.ndarray) -> np.ndarray:
    """Shrunk into the middle; around it 0, the mean of training (a map has no attention there)."""
    height, width = x.shape[-2:]
    inner = max(1, round(INSET * height)), max(1, round(INSET * width))
    top, left = (height - inner[0]) // 2, (width - inner[1]) // 2
    flat = np.asarray(x, np.float32).reshape(-1, height, width)
    out = np.zeros_like(flat)
    out[:, top : top + inner[0], left : left + inner[1]] = upsample_maps(flat, inner)
    return out.reshape(x.shape)
