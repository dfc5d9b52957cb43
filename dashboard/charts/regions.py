"""Regions of a decision over the plane, as a picture, and the line between them: what a browser draws at once.

A heatmap and contours of the same raster take a browser several times as long and are no sharper.
"""

from __future__ import annotations

import base64
import io

import numpy as np
from PIL import Image

FINER = 4  # pixels of the picture to a cell, each way


def picture(
    values: np.ndarray,
    near: np.ndarray,
    colours: tuple[str, str],
    opacity: tuple[float, float],
    elsewhere: tuple[str, float],
) -> str:
    """Cells tinted by the sign of their value, stronger the larger it is, as the data URL of a PNG.

    values (G, G), rows are y; near (G, G) bool. colours: #rrggbb below and above 0. opacity: of the largest values, and
    beside 0. elsewhere: colour and opacity of cells that are not near.
    """
    known = np.abs(values[near & np.isfinite(values)])
    top = float(np.quantile(known, 0.9)) if known.size else 1.0
    fine = _finer(np.nan_to_num(values))
    shown = np.kron(near & np.isfinite(values), np.ones((FINER, FINER), bool))
    strength = np.clip(np.abs(fine) / (top or 1.0), 0, 1)
    rgb = np.array([[int(colour[i : i + 2], 16) for i in (1, 3, 5)] for colour in (*colours, elsewhere[0])], np.uint8)
    alpha = opacity[1] + (opacity[0] - opacity[1]) * strength
    # Few steps of opacity: nobody sees them, and the file is a third.
    alpha = np.round(alpha * 50) / 50 * 255
    rgba = np.dstack([rgb[(fine > 0).astype(int)], alpha.astype(np.uint8)[..., None]])
    rgba[~shown] = [*rgb[2], round(elsewhere[1] * 255)]
    buffer = io.BytesIO()
    Image.fromarray(rgba[::-1]).save(buffer, format="PNG")  # the first row of a picture is its top
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def zero_line(x: np.ndarray, y: np.ndarray, values: np.ndarray, near: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where the values change sign between cells that are all near: x and y of broken lines, nan between the pieces."""
    usable = near & np.isfinite(values)
    above = values > 0
    whole = usable[:-1, :-1] & usable[:-1, 1:] & usable[1:, :-1] & usable[1:, 1:]
    mixed = above[:-1, :-1].astype(int) + above[:-1, 1:] + above[1:, :-1] + above[1:, 1:]
    joined: dict[tuple, list[tuple]] = {}
    for row, column in np.argwhere(whole & (mixed > 0) & (mixed < 4)).tolist():
        for one, other in _segments(row, column, above):
            joined.setdefault(one, []).append(other)
            joined.setdefault(other, []).append(one)
    xs, ys = [], []
    for line in _chains(joined):
        for edge in line:
            place = _crossing(edge, values)
            xs.append(np.interp(place[1], np.arange(len(x)), x))
            ys.append(np.interp(place[0], np.arange(len(y)), y))
        xs.append(np.nan)
        ys.append(np.nan)
    return np.array(xs, np.float32), np.array(ys, np.float32)


def _finer(values: np.ndarray) -> np.ndarray:
    """The raster with ``FINER`` times the cells each way, linear between the middles of the cells."""
    for axis in (0, 1):
        n = values.shape[axis]
        at = np.clip((np.arange(n * FINER) + 0.5) / FINER - 0.5, 0, n - 1)
        low = np.minimum(at.astype(int), max(n - 2, 0))
        share = (at - low).reshape((-1, 1) if axis == 0 else (1, -1))
        first, second = (np.take(values, np.minimum(low + k, n - 1), axis=axis) for k in (0, 1))
        values = first * (1 - share) + second * share
    return values


def _segments(row: int, column: int, above: np.ndarray) -> list[tuple[tuple, tuple]]:
    """Pieces of the line within the square of four neighbouring cells, each between two of its edges.

    An edge is (row, column, direction): from that cell to the next along x (0) or y (1).
    """
    low, right, high, left = (row, column, 0), (row, column + 1, 1), (row + 1, column, 0), (row, column, 1)
    a, b, d, c = above[row, column], above[row, column + 1], above[row + 1, column + 1], above[row + 1, column]
    crossed = [edge for edge, on in ((low, a != b), (right, b != d), (high, c != d), (left, a != c)) if on]
    if len(crossed) == 2:
        return [(crossed[0], crossed[1])]
    return [(low, right), (high, left)]  # a saddle


def _crossing(edge: tuple, values: np.ndarray) -> tuple[float, float]:
    """Row and column, with fractions, at which the value is 0 on an edge."""
    row, column, direction = edge
    other = (row, column + 1) if direction == 0 else (row + 1, column)
    first, second = float(values[row, column]), float(values[other])
    share = first / (first - second) if first != second else 0.5
    return row + share * direction, column + share * (1 - direction)


def _chains(joined: dict[tuple, list[tuple]]) -> list[list[tuple]]:
    """Edges in the order of the lines through them; open lines from their ends, closed ones back to their start."""
    left = {edge: list(others) for edge, others in joined.items()}
    lines = []
    for begin in sorted(left, key=lambda edge: len(left[edge])):
        while left[begin]:
            line = [begin]
            while left[line[-1]]:
                following = left[line[-1]].pop()
                left[following].remove(line[-1])
                line.append(following)
            lines.append(line)
    return lines
