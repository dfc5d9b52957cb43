"""The patches of a group side by side at one stretch, and what differs between them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from core.data.leakage.footprints import metres_per_degree
from core.data.leakage.groups import PatchGroup
from core.data.leakage.shifted_crops import TURNS
from core.data.pictures.drawing import NO_DATA_RGB
from core.data.store import Dataset
from core.text import count, percent
from dashboard import cache
from dashboard.patches import gallery, render
from dashboard.patches.pair import overlap_masks

SIDE = 384  # pixels of a picture
BRIGHTEST = 0.25  # a difference of this share of black to white, and more, is drawn brightest


@dataclass(frozen=True)
class Difference:
    """rgb: (SIDE, SIDE x W/H, 3) uint8, grey where the two share no ground. a, b: ids. words: for people."""

    rgb: np.ndarray
    a: str
    b: str
    words: str


def links(group: PatchGroup, ids: list[str]) -> dict[str, pd.Series]:
    """For each of ``ids`` but the first, the pair by which it is reached from there; none where no path stays inside.

    So every patch is compared with one that it was found to resemble.
    """
    reached, found = {ids[0]}, {}
    inside = group.pairs[group.pairs["a"].isin(ids) & group.pairs["b"].isin(ids)]
    pairs = [pair for _, pair in inside.iterrows()]
    while new := [pair for pair in pairs if (pair["a"] in reached) != (pair["b"] in reached)]:
        found[new[0]["b"] if new[0]["a"] in reached else new[0]["a"]] = new[0]
        reached |= {new[0]["a"], new[0]["b"]}
    return found


def difference(data: Dataset, pair: pd.Series, look: gallery.Look) -> Difference:
    """What differs between two patches as they are drawn, b turned and moved onto a; and in how many bands."""
    first, second = gallery.pictures(data, [pair["a"], pair["b"]], replace(look, mask=False), side=data.shape[1])
    height, width = data.shape[1:]
    mine, theirs = overlap_masks(int(pair["dy"]), int(pair["dx"]), height, width)
    mine_rows, their_rows = (np.ix_(mask.any(axis=1), mask.any(axis=0)) for mask in (mine, theirs))
    turned = _turned(second.transpose(2, 0, 1), pair).transpose(1, 2, 0)
    apart = np.full((height, width), np.nan)
    apart[mine_rows] = np.abs(first[mine_rows].astype(float) - turned[their_rows]).mean(axis=-1) / 255
    rgb = np.full((height, width, 3), NO_DATA_RGB, np.uint8)
    known = np.isfinite(apart)
    rgb[known] = np.rint(render.colours(np.clip(apart[known] / BRIGHTEST, 0.0, 1.0))).astype(np.uint8)
    images = cache.images(data, data.index_of([pair["a"], pair["b"]]))
    a, b = images[0][:, mine.any(axis=1)][:, :, mine.any(axis=0)], _turned(images[1], pair)
    b = b[:, theirs.any(axis=1)][:, :, theirs.any(axis=0)]
    differing = int((~((a == b) | (np.isnan(a) & np.isnan(b)))).any(axis=(1, 2)).sum())
    words = "No pixel differs in any band." if not differing else (
        f"Mean {percent(np.nanmean(apart), 1)}, largest {percent(np.nanmax(apart), 0)} of black to white; "
        f"{count(differing)} of {count(len(a))} bands differ."
    )  # fmt: skip
    return Difference(render.enlarge(rgb, SIDE), str(pair["a"]), str(pair["b"]), words)


def shared_outlined(data: Dataset, group: PatchGroup, ids: list[str], look: gallery.Look) -> list[np.ndarray]:
    """The pictures of some of a group; of two crops of one ground, that ground is outlined."""
    drawn = gallery.pictures(data, ids, look, side=SIDE)
    if len(group.ids) == 2:
        pair = group.pairs.iloc[0]
        if pair["kind"] in ("shifted", "overlap") and not pair["turn"] and (pair["dy"] or pair["dx"]):
            masks = dict(
                zip((pair["a"], pair["b"]), overlap_masks(int(pair["dy"]), int(pair["dx"]), *data.shape[1:]),
                    strict=True)
            )  # fmt: skip
            drawn = [render.outline(rgb, masks[one]) for rgb, one in zip(drawn, ids, strict=True)]
    return drawn


def metres_from_first(data: Dataset, ids: list[str]) -> list[float]:
    """How far the centre of each lies from that of the first, in metres; nan where a place is not known."""
    if data.lonlat is None:
        return [float("nan")] * len(ids)
    lonlat = data.lonlat[data.index_of(ids)].astype(float)
    per_lon, per_lat = metres_per_degree(lonlat[0, 1])
    return np.hypot(*((lonlat - lonlat[0]) * [per_lon, per_lat]).T).tolist()


def _turned(image: np.ndarray, pair: pd.Series) -> np.ndarray:
    """(C, H, W) as the other patch of the pair is seen."""
    return np.ascontiguousarray(TURNS[pair["turn"]](image)) if pair["turn"] else image
