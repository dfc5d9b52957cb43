"""What is known of each outline: its ground, its probability with interval, disagreement, slope and height."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from core.predict.maps.geodesic import areas_m2, lonlat_shapes
from core.predict.maps.grid import Grid, Terrain
from core.predict.maps.promise import Promise
from core.predict.maps.roads import Crossed, Roads, crossed
from core.predict.polygons.outlines import Outlines, outlines

UNKNOWN_DATE = "unknown"
NUMBERS = {  # decimals that a column is worth
    "area_m2": 1, "above_m2": 1, "prob_mean": 4, "prob_max": 4, "share_lo": 4, "share_hi": 4, "disagree": 4,
    "slope_deg": 2, "elev_m": 1,
}  # fmt: skip


@dataclass(frozen=True)
class Polygons:
    """Outlines in pixels and in degrees with their columns, and what holds for all of them.

    shapes: (n,) in pixels. lonlat: (n,) in degrees. columns: name -> n values. crossed: roads, or None.
    """

    grid: Grid
    shapes: np.ndarray
    lonlat: np.ndarray
    columns: dict[str, list[Any]]
    crossed: Crossed | None

    def __len__(self) -> int:
        return len(self.shapes)


def polygons(
    probs: np.ndarray,
    grid: Grid,
    promise: Promise,
    cell_px: float,
    *,
    called: np.ndarray | None = None,
    disagreement: np.ndarray | None = None,
    terrain: Terrain | None = None,
    roads: Roads | None = None,
    date: str | None = None,
) -> Polygons:
    """Outline and describe what lies at or above the promise's threshold.

    probs: (H, W) float32, nan where nothing was seen. cell_px: side of the ground that one answer speaks of, in
    pixels. called: (H, W) bool, what is outlined instead of what lies at or above the threshold. disagreement: (H, W),
    between the folds' models. date: of the source image.
    """
    seen = np.isfinite(probs)
    with np.errstate(invalid="ignore"):
        above = probs >= np.float32(promise.threshold) if called is None else called & seen
    found = outlines(above, seen, cell_px)
    lonlat = lonlat_shapes(found.shapes, grid) if len(found) else found.shapes
    columns = _columns(found, lonlat, probs, grid, promise, cell_px, disagreement, terrain)
    columns |= {
        "source_date": [date or UNKNOWN_DATE] * len(found),
        "run": [promise.run] * len(found),
        "threshold": [round(promise.threshold, 6)] * len(found),
        "promise": [promise.words] * len(found),
    }
    lying = None
    if roads is not None:
        lying = crossed(lonlat, roads)
        columns["roads"] = lying.of_shape
    return Polygons(grid, found.shapes, lonlat, columns, lying)


def _columns(
    found: Outlines,
    lonlat: np.ndarray,
    probs: np.ndarray,
    grid: Grid,
    promise: Promise,
    cell_px: float,
    disagreement: np.ndarray | None,
    terrain: Terrain | None,
) -> dict[str, list[Any]]:
    n = len(found)
    rows, cols = np.nonzero(found.label)
    at = found.label[rows, cols] - 1
    counts = np.bincount(at, minlength=n)

    def mean(values: np.ndarray | None) -> np.ndarray:
        if values is None:
            return np.full(n, np.nan)
        mine = values[rows, cols].astype(np.float64)
        known = np.isfinite(mine)
        total, there = np.bincount(at[known], mine[known], n), np.bincount(at[known], minlength=n)
        return np.where(there > 0, total / np.maximum(there, 1), np.nan)

    highest = np.full(n, -np.inf)
    np.maximum.at(highest, at, probs[rows, cols])
    prob_mean = mean(probs)
    low, high = promise.interval(prob_mean)
    exact = areas_m2(lonlat_shapes(found.exact, grid)) if n else np.empty(0)
    values = {
        "area_m2": areas_m2(lonlat),
        "above_m2": exact,
        "prob_mean": prob_mean,
        "prob_max": highest,
        "share_lo": low,
        "share_hi": high,
        "disagree": mean(disagreement),
        "slope_deg": mean(None if terrain is None else terrain.slope),
        "elev_m": mean(None if terrain is None else terrain.elevation),
    }
    columns: dict[str, list[Any]] = {"id": list(range(1, n + 1))}
    columns |= {name: _plain(one, NUMBERS[name]) for name, one in values.items()}
    columns["below_cell"] = [bool(k < cell_px**2) for k in counts]
    return columns


def _plain(values: np.ndarray, digits: int) -> list[float | None]:
    return [round(float(value), digits) if np.isfinite(value) else None for value in values]
