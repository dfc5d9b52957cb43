"""Squares of ground that patches are grouped by, on Earth or within a picture."""

from __future__ import annotations

import numpy as np

from core.data.leakage.footprints import EARTH, Footprints

KM_PER_DEGREE = (110.574, 111.320)  # of latitude; of longitude at the equator
USUAL_M = 5000.0  # side of a block where nothing is asked for
MOST_SIDES = 16.0  # sides of a patch that a block has at most in a picture whose pixels have no size


def sides(ground: Footprints, block_km: float | None) -> list[tuple[float, float]]:
    """Sides of blocks to try, the largest first: metres, and pixels where a picture's pixels have no size.

    block_km: the only side, where one is asked for. Otherwise half of the side before, down to a patch's own.
    """
    metric, pixels = (_side(ground, in_metres) for in_metres in (True, False))
    if block_km is not None:
        many = 1000 * block_km / metric if metric else MOST_SIDES
        return [(1000 * block_km, many * pixels)]
    many = USUAL_M / metric if metric else MOST_SIDES
    steps = [many]
    while steps[-1] / 2 > 1:
        steps.append(steps[-1] / 2)
    if steps[-1] > 1:
        steps.append(1.0)
    return [(step * metric, step * pixels) for step in steps]


def blocks(ground: Footprints, side: tuple[float, float], ids: np.ndarray) -> np.ndarray:
    """(N,) text: the square that each patch's centre lies in; a patch without a place is a block of its own.

    side: as in :func:`sides`. On Earth rows of blocks follow the parallels.
    """
    named = np.char.add("patch ", ids).astype(object)
    earth = ground.frame == EARTH
    named[earth] = spatial_blocks(ground.center[earth], side[0] / 1000)
    for in_metres, length in zip((True, False), side, strict=True):
        here = ground.known & ~earth & (ground.in_metres == in_metres)
        column, row = np.floor(ground.center[here] / length).astype(int).T
        pictures = [frame.partition(" ")[2] for frame in ground.frame[here]]
        named[here] = [f"{name} block {r} {c}" for name, r, c in zip(pictures, row, column, strict=True)]
    return named.astype(str)


def spatial_blocks(lonlat: np.ndarray, block_km: float) -> list[str]:
    """The square of ground, ``block_km`` on a side, of each place (n, 2) in degrees."""
    lon, lat = lonlat.T
    row = np.floor(lat * KM_PER_DEGREE[0] / block_km).astype(int)
    middle = np.deg2rad((row + 0.5) * block_km / KM_PER_DEGREE[0])  # latitude of the row of blocks
    column = np.floor(lon * KM_PER_DEGREE[1] * np.cos(middle) / block_km).astype(int)
    return [f"block {r} {c}" for r, c in zip(row, column, strict=True)]


def _side(ground: Footprints, in_metres: bool) -> float:
    """The side of most patches, 0 where there are none."""
    here = ground.known & (ground.in_metres == in_metres)
    return float(np.median(ground.size[here].max(axis=1))) if here.any() else 0.0
