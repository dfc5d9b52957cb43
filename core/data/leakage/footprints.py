"""The ground that each patch shows: where it lies, how large it is, and how much of it another patch shows too.

A patch with a place lies on Earth. A tile of a picture without a place lies in that picture, which is enough to tell
what it shares with other tiles of the same picture. Footprints are upright rectangles; a raster that is turned counts
with the rectangle around it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from core.data.store.dataset import Dataset

EARTH = "earth"
PIXEL_M = 10.0  # Sentinel-2's and Sentinel-1's, where only the centre of a patch is known
SLACK = 0.01  # share of a side up to which patches touch without overlapping: rounding, and turned map grids
EARTH_RADIUS_M = 6_371_008.8
CHUNK = 1024  # patches whose neighbours are looked up at once
WIDTH, HEIGHT = "ground_width_m", "ground_height_m"  # columns of a dataset


@dataclass(frozen=True, eq=False)
class Footprints:
    """Upright rectangles of ground.

    Attributes:
        frame: (N,) text, what ``center`` counts in: ``EARTH``, or a picture of its own; "" where nothing is known.
        center: (N, 2) float64; longitude and latitude in degrees on Earth; column and row in a picture, in the unit of
            ``size``.
        size: (N, 2) float64 width and height; metres where ``in_metres``, otherwise pixels.
        in_metres: (N,) bool.
        note: a sentence where sizes were assumed, otherwise "".
    """

    frame: np.ndarray
    center: np.ndarray
    size: np.ndarray
    in_metres: np.ndarray
    note: str = ""

    def __len__(self) -> int:
        return len(self.frame)

    @property
    def known(self) -> np.ndarray:
        """(N,) bool: what has a place, on Earth or in a picture."""
        return self.frame != ""

    def rows(self, index: np.ndarray) -> Footprints:
        """Some of them, counted from 0."""
        return Footprints(self.frame[index], self.center[index], self.size[index], self.in_metres[index], self.note)


def footprints(dataset: Dataset) -> Footprints:
    """The footprint of every patch, as far as its place is known.

    The size is that in the columns ``ground_width_m`` and ``ground_height_m``, else the patch's pixels times the
    dataset's ``pixel_m`` (a fact stated at import), else times ``PIXEL_M``, which ``note`` then says.
    """
    n, (_, height, width) = len(dataset), dataset.shape
    pixel_m = dataset.facts.get("pixel_m")
    known = np.zeros(n, bool) if dataset.lonlat is None else np.isfinite(dataset.lonlat).all(axis=1)
    size = _stated_sizes(dataset)
    stated = np.isfinite(size).all(axis=1)
    tiled = _tiles(dataset)
    on_earth = known & stated if tiled is not None else known  # of a tile the place may be that of its whole picture
    assumed = on_earth & ~stated
    size[assumed] = np.array([width, height]) * (pixel_m or PIXEL_M)
    frame = np.where(on_earth, EARTH, "").astype(object)
    center = np.full((n, 2), np.nan)
    if dataset.lonlat is not None:
        center[on_earth] = dataset.lonlat[on_earth]
    in_metres = on_earth.copy()
    if tiled is not None:
        pictures, corners = tiled
        here = ~on_earth & np.isfinite(corners).all(axis=1)
        unit = pixel_m or 1.0
        frame[here] = [f"{dataset.content_hash} {picture}" for picture in pictures[here]]
        center[here] = (corners[here] + np.array([width, height]) / 2) * unit
        size[here] = np.array([width, height]) * unit
        in_metres[here] = pixel_m is not None
    size[frame == ""] = np.nan
    return Footprints(frame.astype(str), center, size, in_metres, _note(int(assumed.sum()), pixel_m, (height, width)))


def overlaps(a: Footprints, b: Footprints | None = None, at_least: float = 0.0) -> pd.DataFrame:
    """Pairs of footprints that share ground: columns a, b (rows), share, dx, dy; sorted by a and b.

    b: None: pairs within ``a``, each once (a < b). share: of the smaller footprint's area, 0-1, at least ``at_least``
    and never 0. dx, dy: from the centre of a to that of b, to the right and down, in metres or in a picture's pixels.
    """
    within = b is None
    b = a if b is None else b
    found = [np.empty((0, 5))]
    for i, j in _neighbours(a, b, 0.0):
        if within:
            i, j = i[i < j], j[i < j]
        dx, dy, _, share = _measured(a, b, i, j)
        keep = (share > 0) & (share >= at_least)
        found.append(np.stack([i, j, share, dx, dy], axis=1)[keep])
    table = pd.DataFrame(np.concatenate(found), columns=["a", "b", "share", "dx", "dy"])
    return table.astype({"a": np.int64, "b": np.int64}).sort_values(["a", "b"], ignore_index=True)


def shares_of(ground: Footprints, pairs: np.ndarray) -> np.ndarray:
    """(n,) the share of ground of each pair of rows (n, 2); 0 where they share none or a place is not known."""
    i, j = np.asarray(pairs, np.int64).reshape(-1, 2).T
    share, same = np.zeros(len(i)), ground.known[i] & (ground.frame[i] == ground.frame[j])
    if same.any():
        share[same] = _measured(ground, ground, i[same], j[same])[3]
    return share


def nearest(a: Footprints, b: Footprints, reach: float) -> tuple[np.ndarray, np.ndarray]:
    """Of each footprint of ``a``: the smallest gap to one of ``b``, (n,), and the largest share of ground, (n,).

    The gap is from edge to edge in the footprints' unit, 0 for those that touch or overlap, and inf beyond ``reach``.
    """
    gap, share = np.full(len(a), np.inf), np.zeros(len(a))
    for i, j in _neighbours(a, b, reach):
        _, _, apart, shared = _measured(a, b, i, j)
        np.minimum.at(gap, i, np.where(apart <= reach, apart, np.inf))
        np.maximum.at(share, i, shared)
    return gap, share


def _neighbours(a: Footprints, b: Footprints, reach: float) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """(i, j) rows of ``a`` and ``b`` in one frame that may lie within ``reach`` of each other, chunk by chunk."""
    rows_a, rows_b = np.flatnonzero(a.known), np.flatnonzero(b.known)
    if not len(rows_a) or not len(rows_b):
        return
    from scipy.spatial import cKDTree  # here: every command, worker and server loads this module, few look for ground

    half = [np.hypot(*one.size[rows].max(axis=0)) / 2 for one, rows in ((a, rows_a), (b, rows_b))]
    radius = 1.01 * (sum(half) + reach)  # a chord of the sphere is not quite the distance on the ellipsoid
    names = np.unique(np.concatenate([a.frame[rows_a], b.frame[rows_b]]))
    points = [
        np.column_stack([_points(one, rows), np.searchsorted(names, one.frame[rows]) * 2.0 * radius])
        for one, rows in ((a, rows_a), (b, rows_b))
    ]
    tree = cKDTree(points[1])
    for start in range(0, len(rows_a), CHUNK):
        found = tree.query_ball_point(points[0][start : start + CHUNK], radius)
        counts = [len(some) for some in found]
        if sum(counts):
            i = np.repeat(rows_a[start : start + CHUNK], counts)
            yield i, rows_b[np.concatenate([some for some in found if some]).astype(np.int64)]


def _points(one: Footprints, rows: np.ndarray) -> np.ndarray:
    """(n, 3) positions whose distance is that on the ground, or in the picture."""
    points = np.column_stack([one.center[rows], np.zeros(len(rows))])
    earth = one.frame[rows] == EARTH
    lon, lat = np.deg2rad(one.center[rows][earth]).T
    on_sphere = np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=1)
    points[earth] = EARTH_RADIUS_M * on_sphere
    return points


def _measured(a: Footprints, b: Footprints, i: np.ndarray, j: np.ndarray) -> tuple[np.ndarray, ...]:
    """dx, dy (to the right and down), gap and share of the pairs (i, j), each (n,)."""
    dx, dy = (b.center[j] - a.center[i]).T
    earth = a.frame[i] == EARTH
    if earth.any():
        middle = (a.center[i, 1] + b.center[j, 1])[earth] / 2
        per_lon, per_lat = metres_per_degree(middle)
        dx[earth] = ((dx[earth] + 180) % 360 - 180) * per_lon
        dy[earth] = -dy[earth] * per_lat
    apart = np.abs(np.stack([dx, dy], axis=1)) - (a.size[i] + b.size[j]) / 2  # (n, 2); negative where they overlap
    smaller = np.minimum(a.size[i], b.size[j])
    apart[(apart <= 0) & (apart >= -SLACK * smaller)] = 0.0
    shared = np.minimum(np.maximum(-apart, 0.0), smaller).prod(axis=1)
    area = np.minimum(a.size[i].prod(axis=1), b.size[j].prod(axis=1))
    return dx, dy, np.hypot(*np.maximum(apart, 0.0).T), shared / area


def metres_per_degree(latitude: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Metres on the ground in a degree of longitude and of latitude (WGS 84), at ``latitude`` in degrees."""
    phi = np.deg2rad(latitude)
    longitude = 111_412.84 * np.cos(phi) - 93.5 * np.cos(3 * phi) + 0.118 * np.cos(5 * phi)
    return longitude, 111_132.954 - 559.822 * np.cos(2 * phi) + 1.175 * np.cos(4 * phi)


def _stated_sizes(dataset: Dataset) -> np.ndarray:
    """(N, 2) width and height in metres from the dataset's columns, nan where not stated."""
    size = np.full((len(dataset), 2), np.nan)
    for k, name in enumerate((WIDTH, HEIGHT)):
        values = dataset.columns.get(name)
        if values is not None and values.dtype.kind in "iuf":
            size[:, k] = np.where(values > 0, values, np.nan)
    return size


def _tiles(dataset: Dataset) -> tuple[np.ndarray, np.ndarray] | None:
    """Of a dataset cut into tiles: the picture of each (N,) text, and its upper left corner (N, 2) column and row.

    Columns of the same names in other datasets may mean anything, so that the import's own record decides.
    """
    cut = dataset.facts.get("patches_from_masks")
    names = ("image", "col", "row")
    if not isinstance(cut, dict) or not cut.get("tile") or not set(names) <= set(dataset.columns):
        return None
    pictures, *corner = (dataset.columns[name] for name in names)
    if any(values.dtype.kind not in "iuf" for values in corner):
        return None
    return pictures.astype(str), np.stack(corner, axis=1).astype(np.float64)


def _note(n: int, pixel_m: float | None, shape_hw: tuple[int, int]) -> str:
    if not n or pixel_m:
        return ""
    height, width = shape_hw
    return (
        f"Of {n:,} patches only the centre is known: taken to show {width * PIXEL_M:g} x {height * PIXEL_M:g} m each "
        f"({PIXEL_M:g} m a pixel). State the pixel size when importing (--pixel-m) if that is wrong."
    )
