"""From pixels at or above a threshold to outlines that are no finer than the answers behind them.

A patch classifier answers for a cell of ground, not for a pixel. So what lies closer together than half a cell is one
outline, and no line of it is finer than a fifth of a cell. Nothing is dropped for being small, and no outline covers
ground that was not seen. Everything here is in pixels: column and row, (0, 0) the upper left corner.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

MERGED = 0.5  # cells; pieces nearer than this become one outline
FINEST = 0.2  # cells; how far a line may lie from the pixels' own edge once it is made simple
SMALL = 0.2  # of the side of a square of an outline's ground: the same for outlines smaller than a cell
KEPT = 0.8  # of an outline's ground that rounding its corners must leave
ROUND = 4  # segments of a quarter circle


@dataclass(frozen=True)
class Outlines:
    """shapes: (n,) polygons. exact: (n,) the pixels' own edges. label: (H, W) int32, 1..n for pixels above, else 0."""

    shapes: np.ndarray
    exact: np.ndarray
    label: np.ndarray

    def __len__(self) -> int:
        return len(self.shapes)


def outlines(above: np.ndarray, seen: np.ndarray, cell: float) -> Outlines:
    """Merged and smoothed outlines of the pixels where ``above`` holds, the largest first.

    above, seen: (H, W) bool. cell: side of the ground that one answer speaks of, in pixels; at 1 or less the outlines
    are the pixels' own edges.
    """
    pieces, label = exact_pieces(above)
    if not len(pieces):
        return Outlines(pieces, pieces, label)
    owner, shapes = _merged(pieces, MERGED * cell / 2) if cell > 1 else (np.arange(len(pieces)), pieces)
    exact = _by_owner(pieces, owner, len(shapes))
    if cell > 1:
        shapes = np.array([_smoothed(*pair, cell) for pair in zip(shapes, exact, strict=True)], dtype=object)
        shapes = _without_unseen(shapes, exact, seen)
    counts = np.bincount(label.ravel(), minlength=len(pieces) + 1)[1:]
    order = np.argsort(-np.bincount(owner, counts, len(shapes)), kind="stable")
    place = np.empty(len(order), np.int32)
    place[order] = np.arange(1, len(order) + 1, dtype=np.int32)
    new = np.concatenate([[0], place[owner]]).astype(np.int32)
    return Outlines(shapes[order], exact[order], new[label])


def exact_pieces(above: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Polygons of connected pixels (by their edges), and (H, W) int32 which pixel belongs to which, from 1."""
    import shapely
    from rasterio.features import shapes as trace
    from scipy.ndimage import label as connected

    label = np.empty(above.shape, np.int32)
    n = connected(above, output=label)
    pieces = np.empty(n, dtype=object)
    for geometry, value in trace(label, mask=above, connectivity=4):
        rings = geometry["coordinates"]
        polygon = shapely.Polygon(rings[0], rings[1:])
        pieces[int(value) - 1] = polygon if polygon.is_valid else shapely.make_valid(polygon)
    return pieces, label


def _merged(pieces: np.ndarray, reach: float) -> tuple[np.ndarray, np.ndarray]:
    """Which outline each piece belongs to, and the outlines: gaps narrower than twice ``reach`` are closed."""
    import shapely

    blobs = shapely.get_parts(shapely.union_all(shapely.buffer(pieces, reach, quad_segs=ROUND)))
    tree = shapely.STRtree(blobs)
    found, owner = tree.query(shapely.point_on_surface(pieces), predicate="within")
    of = np.empty(len(pieces), np.int64)
    of[found] = owner
    return of, shapely.buffer(blobs, -reach, quad_segs=ROUND)


def _by_owner(pieces: np.ndarray, owner: np.ndarray, n: int) -> np.ndarray:
    import shapely

    order = np.argsort(owner, kind="stable")
    groups = np.split(pieces[order], np.cumsum(np.bincount(owner, minlength=n))[:-1])
    return np.array([group[0] if len(group) == 1 else shapely.union_all(group) for group in groups], dtype=object)


def _smoothed(closed: Any, exact: Any, cell: float) -> Any:
    """One outline: all its pixels, holes smaller than a cell filled, its line made simple."""
    import shapely

    whole = shapely.union(closed, exact)
    parts = []
    for polygon in shapely.get_parts(whole):
        rings = shapely.get_rings(polygon)
        holes = [ring for ring in rings[1:] if shapely.Polygon(ring).area >= cell**2]
        parts.append(shapely.Polygon(rings[0], holes))
    filled = shapely.union_all(parts)
    finest = min(FINEST * cell, SMALL * filled.area**0.5)  # a small spot keeps its own shape
    simple = shapely.simplify(filled, finest, preserve_topology=True)
    return _rounded(simple if simple.is_valid and simple.area else filled, finest / 2)


def _rounded(shape: Any, radius: float) -> Any:
    """The shape with its corners rounded, or as it is where it is too thin for that."""
    import shapely

    grown = shapely.buffer(shapely.buffer(shape, -radius, quad_segs=ROUND), 2 * radius, quad_segs=ROUND)
    soft = shapely.simplify(shapely.buffer(grown, -radius, quad_segs=ROUND), radius / 20)
    whole = shapely.get_num_geometries(soft) == shapely.get_num_geometries(shape)
    return soft if whole and soft.is_valid and KEPT * shape.area < soft.area < shape.area / KEPT else shape


def _without_unseen(shapes: np.ndarray, exact: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """The outlines less the ground that was not seen; parts that hold no pixel of their own go with it."""
    import shapely
    from rasterio.features import shapes as trace

    if seen.all():
        return shapes
    height, width = seen.shape
    frame, kept = shapely.box(0, 0, width, height), shapes.copy()
    for i, shape in enumerate(shapes):
        west, north, east, south = shape.bounds
        top, left = max(0, int(north) - 1), max(0, int(west) - 1)
        hidden = ~seen[top : int(south) + 2, left : int(east) + 2]
        if not hidden.any() and shapely.covers(frame, shape):
            continue
        holes = [_polygon(geometry, left, top) for geometry, _ in trace(hidden.astype(np.uint8), hidden)]
        rest = shapely.difference(shapely.intersection(shape, frame), shapely.union_all(holes))
        parts = [part for part in shapely.get_parts(rest) if part.area > 0 and _share(part, exact[i])]
        kept[i] = shapely.union_all(parts) if parts else exact[i]
    return kept


def _polygon(geometry: dict, left: int, top: int) -> Any:
    import shapely

    rings = [np.asarray(ring) + (left, top) for ring in geometry["coordinates"]]
    return shapely.make_valid(shapely.Polygon(rings[0], rings[1:]))


def _share(part: Any, exact: Any) -> bool:
    import shapely

    return part.geom_type == "Polygon" and shapely.intersection(part, exact).area > 1e-9
