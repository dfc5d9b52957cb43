"""Outlines and cells of a scene as a page draws them: in pixels of the scene, read from the files that leave the house.

What is shown is what is in the file.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from core.errors import FormatError
from core.predict.maps.grid import Grid
from core.predict.maps.vector_reading import read_layer


def read_shapes(path: Path, layer: str, grid: Grid) -> tuple[np.ndarray, pd.DataFrame]:
    """(n,) shapes in pixels (column, row) of the grid, and their columns, of a layer in the grid's coordinates.

    Raises FormatError for a file that is damaged, lacks the layer or holds a shape that cannot be read.
    """
    import shapely

    found = read_layer(path, layer)
    if (shapely.get_type_id(found.shapes) < 0).any():
        raise FormatError(f"{path.name} is damaged: some of its shapes cannot be read. Make the map again.")
    table, shapes = pd.DataFrame(found.columns), found.shapes
    inverse = ~grid.affine
    a, b, c, d, e, f = tuple(inverse)[:6]
    return shapely.transform(shapes, lambda xy: xy @ np.array([[a, d], [b, e]]) + (c, f)), table


def rings(shapes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """All rings, one after the other: (n, 2) column and row, with a row of nan after each; and (n,) whose it is."""
    import shapely

    if not len(shapes):
        return np.empty((0, 2), np.float32), np.empty(0, np.int32)
    parts, of_part = shapely.get_parts(shapes, return_index=True)
    lines, of_line = shapely.get_rings(parts, return_index=True)
    found, owner = [], []
    for line, k in zip(lines, of_part[of_line], strict=True):
        xy = shapely.get_coordinates(line)
        found += [xy, [[np.nan, np.nan]]]
        owner += [k] * (len(xy) + 1)
    return np.concatenate(found).astype(np.float32), np.array(owner, np.int32)


def boxes(shapes: np.ndarray) -> pd.DataFrame:
    """Left, top, right and bottom in pixels of each shape."""
    import shapely

    return pd.DataFrame(shapely.bounds(shapes), columns=["left", "top", "right", "bottom"])
