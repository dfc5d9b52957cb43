"""Where patches lie: centres and, where they are known, the ground that each covers; and which of two sets overlap."""

from __future__ import annotations

import numpy as np

from core.data.store.dataset import Dataset

EARTH_M = 6_371_000.0
SAME_PLACE_M = 10.0  # between two centres, where nothing says how much ground a patch covers
SHARED = 0.05  # of a side; what overlaps by less may be rounding of neighbours' borders
SENTINEL_M = 10.0  # pixel of the grid on which Sentinel-1 and -2 patches are published


def sides_m(dataset: Dataset) -> np.ndarray:
    """(N, 2) float64: width and height of each patch on the ground in metres, nan where nothing says."""
    _, height, width = dataset.shape
    pixel = SENTINEL_M if any("sentinel" in band.sensor.lower() for band in dataset.bands) else np.nan
    return np.broadcast_to(np.array([width, height], float) * pixel, (len(dataset), 2))


def overlapping(
    lonlat_a: np.ndarray, sides_a: np.ndarray, lonlat_b: np.ndarray, sides_b: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Rows (n,) of a and (n,) of b whose ground overlaps.

    lonlat: (N, 2) degrees of the centres. sides: (N, 2) metres, 0 where unknown. Where only one of two patches says how
    much ground it covers, the other counts as its centre; where neither does, centres of at most 10 m distance are one
    place.
    """
    from scipy.spatial import cKDTree

    none = np.empty(0, np.int64)
    if not len(lonlat_a) or not len(lonlat_b):
        return none, none
    reach = np.hypot(*(sides_a.max(axis=0) + sides_b.max(axis=0))) / 2 + SAME_PLACE_M
    near = cKDTree(_on_sphere(lonlat_a)).query_ball_point(_on_sphere(lonlat_b), reach)
    a = np.array([row for rows in near for row in rows], np.int64)
    b = np.repeat(np.arange(len(lonlat_b)), [len(rows) for rows in near])
    here, there, half = lonlat_a[a], lonlat_b[b], (sides_a[a] + sides_b[b]) / 2
    d_lon = (there[:, 0] - here[:, 0] + 180.0) % 360.0 - 180.0
    east = np.deg2rad(d_lon) * EARTH_M * np.cos(np.deg2rad((here[:, 1] + there[:, 1]) / 2))
    north = np.deg2rad(there[:, 1] - here[:, 1]) * EARTH_M
    limit = half * (1 - SHARED)
    inside = (np.abs(east) < limit[:, 0]) & (np.abs(north) < limit[:, 1])
    same = np.where((half > 0).all(axis=1), inside, np.hypot(east, north) <= SAME_PLACE_M)
    return a[same], b[same]


def _on_sphere(lonlat: np.ndarray) -> np.ndarray:
    """(N, 3) metres from the Earth's centre."""
    lon, lat = np.deg2rad(lonlat).T
    return EARTH_M * np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=1)
