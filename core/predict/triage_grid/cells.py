"""A grid of cells over a probability raster: what each is expected to hold, what of it was not seen, and its rank.

What is expected is the sum of calibrated probability times ground: square kilometres of patches that hold a landslide.
A cell that was not seen has a rank of its own and never counts as clear; one that was seen in part counts as if the
rest were like it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from core.errors import ConfigError
from core.predict.maps.geodesic import areas_m2, lonlat_shapes
from core.predict.maps.grid import Grid

UNSEEN_FROM = 0.5  # share of a cell that was not seen, from which what was seen cannot speak for it
FLAT, STEEP = 5.0, 25.0  # degrees: weight LEAST below the first, 1 above the second, a straight line between them
LEAST = 0.1
LOOK, BELOW, PARTLY, UNSEEN = "look", "below threshold", "partly not seen", "not seen"
STATUS = (LOOK, PARTLY, BELOW, UNSEEN)
MOST_CELLS = 250_000


@dataclass(frozen=True)
class Cells:
    """(n,) each, row by row of the grid.

    row, col: place in the grid. shapes: polygons in pixels. lonlat: in degrees. seen_km2, unseen_km2: ground.
    expected_km2: sum of probability times ground that was seen. above_km2: ground at or above the threshold. prob_max:
    the highest probability, nan where nothing was seen. slope: mean slope in degrees, nan where not given. priority:
    expected ground of the whole cell, weighted by slope. rank: 1.. among the cells that were seen, 0 for the others.
    unseen_rank: 1.. among those that were not, 0 for the others. status: what to do, one of STATUS.
    """

    row: np.ndarray
    col: np.ndarray
    shapes: np.ndarray
    lonlat: np.ndarray
    seen_km2: np.ndarray
    unseen_km2: np.ndarray
    expected_km2: np.ndarray
    above_km2: np.ndarray
    prob_max: np.ndarray
    slope: np.ndarray
    priority: np.ndarray
    rank: np.ndarray
    unseen_rank: np.ndarray
    status: np.ndarray

    def __len__(self) -> int:
        return len(self.row)

    @property
    def ranked(self) -> np.ndarray:
        """Rows of the cells that were seen, the first to look at first."""
        found = np.flatnonzero(self.rank)
        return found[np.argsort(self.rank[found])]

    @property
    def not_seen(self) -> np.ndarray:
        """Rows of the cells that were not, in their own order."""
        found = np.flatnonzero(self.unseen_rank)
        return found[np.argsort(self.unseen_rank[found])]

    @cached_property
    def area_km2(self) -> np.ndarray:
        """Ground of each cell."""
        return self.seen_km2 + self.unseen_km2


def slope_weight(slope: np.ndarray) -> np.ndarray:
    """Weight of ground by its slope in degrees, LEAST to 1; unknown slope (nan) weighs 1."""
    weight = np.clip((slope - FLAT) / (STEEP - FLAT), LEAST, 1.0)
    return np.where(np.isnan(weight), 1.0, weight)


def cell_pixels(grid: Grid, cell_m: float) -> tuple[int, int]:
    """Rows and columns of pixels in a cell of ``cell_m`` metres. Raises ConfigError for cells that make no sense."""
    width, height = grid.pixel_m
    rows, cols = max(1, round(cell_m / height)), max(1, round(cell_m / width))
    if cell_m < 0.9 * min(width, height):
        raise ConfigError(
            f"A cell of {cell_m:g} m is smaller than a pixel ({width:.3g} by {height:.3g} m). Choose a larger cell."
        )
    n = -(-grid.height // rows) * -(-grid.width // cols)
    if n > MOST_CELLS:
        raise ConfigError(f"Cells of {cell_m:g} m give {n:,} of them; at most {MOST_CELLS:,}. Choose a larger cell.")
    return rows, cols


def triage_cells(
    probs: np.ndarray,
    grid: Grid,
    cell_m: float,
    called: np.ndarray,
    slope: np.ndarray | None = None,
    unseen_from: float = UNSEEN_FROM,
) -> Cells:
    """The cells of a probability raster, ranked.

    probs: (H, W), nan where nothing was seen. called: (H, W) bool, ground that is not cleared: at or above the
    threshold. slope: (H, W) degrees. unseen_from: share of a cell that was not seen, from which what was seen cannot
    speak for it, unless some of that is called.
    """
    rows, cols = cell_pixels(grid, cell_m)
    top, left = np.arange(0, grid.height, rows), np.arange(0, grid.width, cols)
    row, col = (one.ravel() for one in np.meshgrid(np.arange(len(top)), np.arange(len(left)), indexing="ij"))
    shapes = _boxes(grid, top[row], left[col], rows, cols)
    lonlat = lonlat_shapes(shapes, grid)
    area = areas_m2(lonlat) / 1e6

    def total(values: np.ndarray) -> np.ndarray:
        by_row = np.add.reduceat(values, top, axis=0, dtype=np.float64)
        return np.add.reduceat(by_row, left, axis=1).ravel()

    seen = np.isfinite(probs)
    known = np.where(seen, probs, np.float32(0))
    n_all, n_seen = total(np.ones(probs.shape, bool)), total(seen)
    pixel_km2 = area / n_all
    highest = np.maximum.reduceat(
        np.maximum.reduceat(np.where(seen, probs, -np.inf), top, axis=0), left, axis=1
    ).ravel()
    steep = np.full(len(area), np.nan)
    weighted, weight_all = total(known), n_all
    if slope is not None:
        weight = slope_weight(slope)
        weighted, weight_all = total(known * weight), total(weight)
        there = np.isfinite(slope)
        n_there = total(there)
        steep = np.where(n_there > 0, total(np.where(there, slope, 0)) / np.maximum(n_there, 1), np.nan)
    share_seen = n_seen / n_all
    priority = np.where(n_seen > 0, weighted * pixel_km2 / np.maximum(share_seen, 1e-12), 0.0)
    n_called = total(called & seen)
    speaks = (n_seen > 0) & ((1 - share_seen < unseen_from) | (n_called > 0))
    status = np.full(len(area), UNSEEN, dtype=object)
    status[speaks] = np.where(n_called > 0, LOOK, np.where(n_seen == n_all, BELOW, PARTLY))[speaks]
    return Cells(
        row=row,
        col=col,
        shapes=shapes,
        lonlat=lonlat,
        seen_km2=area * share_seen,
        unseen_km2=area * (1 - share_seen),
        expected_km2=total(known) * pixel_km2,
        above_km2=n_called * pixel_km2,
        prob_max=np.where(n_seen > 0, highest, np.nan),
        slope=steep,
        priority=priority,
        rank=_ranks(np.where(speaks, priority, np.nan)),
        unseen_rank=_ranks(np.where(speaks, np.nan, weight_all * pixel_km2 * (1 - share_seen))),
        status=status,
    )


def _ranks(values: np.ndarray) -> np.ndarray:
    """1 for the highest; 0 where there is no value. Equal values keep the order of the grid."""
    ranks = np.zeros(len(values), np.int64)
    known = np.flatnonzero(np.isfinite(values))
    ranks[known[np.argsort(-values[known], kind="stable")]] = np.arange(1, len(known) + 1)
    return ranks


def _boxes(grid: Grid, top: np.ndarray, left: np.ndarray, rows: int, cols: int) -> np.ndarray:
    import shapely

    bottom, right = np.minimum(top + rows, grid.height), np.minimum(left + cols, grid.width)
    return shapely.box(left, top, right, bottom)
