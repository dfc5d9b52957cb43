"""A scene and its answers, small enough to be looked at: read in stripes, so that memory follows the width."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.data.readers.geo.raster import opened
from core.predict.scene.ground import Grid
from core.predict.scene.layers import Layer
from core.predict.scene.mosaic import Mosaic
from core.progress import Progress, Steps

MOST = 1200  # pixels of the longer side
STRIPE_BYTES = 64 * 2**20
TRUE_COLOUR = ("red", "green", "blue")
DARKEST, BRIGHTEST = 2, 98  # percentiles that become black and white
FAR = 6  # interquartile ranges above the third quartile: what is brighter is cloud or snow, and would darken the ground


@dataclass(frozen=True)
class Picture:
    """rgb: (h, w, 3) uint8, black where nothing was seen. bands: the names of what is red, green and blue in it."""

    rgb: np.ndarray
    bands: tuple[str, ...]


def step_of(shape: tuple[int, int]) -> int:
    """Pixels of a scene that become one of its picture."""
    return max(1, math.ceil(max(shape) / MOST))


def picture(layer: Layer | Mosaic, grid: Grid, step: int) -> Steps[Picture]:
    """The raster on ``grid`` in true colour, or its first bands where it has none: means of ``step`` by ``step``."""
    names = layer.names
    chosen = _colours(names)
    true = [names[k].removesuffix("_pre") for k in chosen] == list(TRUE_COLOUR)
    height, width = grid.shape
    rows = max(step, STRIPE_BYTES // (4 * len(chosen) * width) // step * step)
    parts = []
    for top in range(0, height, rows):
        values = layer.on(grid, (top, 0, min(rows, height - top), width), list(dict.fromkeys(chosen)))
        parts.append(shrunk(values, step))
        yield Progress(min(1.0, (top + rows) / height), "Making the picture of the scene.")
    small = np.concatenate(parts, axis=1)
    order = list(dict.fromkeys(chosen))
    small = small[[order.index(k) for k in chosen]]
    return Picture(_stretched(small, together=true), tuple(names[k] for k in chosen))


def answers(path: Path, shape: tuple[int, int], step: int, classes: bool = False) -> np.ndarray:
    """(h, w) of a raster of answers, as large as the picture. classes: the most frequent value instead of the mean."""
    from rasterio.enums import Resampling

    small = (math.ceil(shape[0] / step), math.ceil(shape[1] / step))
    with opened(path) as raster:
        how = Resampling.mode if classes else Resampling.average
        return raster.read(1, out_shape=small, resampling=how)


def window(path: Path, box: tuple[int, int, int, int], most: int = MOST) -> np.ndarray:
    """(h, w) of a raster of answers under a box of the scene's pixels, at most ``most`` a side.

    box: top, bottom, left, right; what of it lies outside the raster is left out. Raises FormatError for a file that
    cannot be read.
    """
    from rasterio.enums import Resampling
    from rasterio.windows import Window

    with opened(path) as raster:
        top, left = max(0, box[0]), max(0, box[2])
        height, width = min(box[1], raster.height) - top, min(box[3], raster.width) - left
        if height <= 0 or width <= 0:
            return np.empty((0, 0), np.float32)
        step = max(1, math.ceil(max(height, width) / most))
        small = (math.ceil(height / step), math.ceil(width / step))
        return raster.read(
            1, window=Window(left, top, width, height), out_shape=small, resampling=Resampling.average
        ).astype(np.float32)


def shrunk(values: np.ndarray, step: int) -> np.ndarray:
    """(C, ceil(h / step), ceil(w / step)): means of what is known in each block; nan where nothing is."""
    if step == 1:
        return values
    known = np.isfinite(values)
    down, across = (np.arange(0, n, step) for n in values.shape[1:])

    def total(array: np.ndarray) -> np.ndarray:
        by_row = np.add.reduceat(array, down, axis=1, dtype=np.float32)
        return np.add.reduceat(by_row, across, axis=2)

    n = total(known)
    return np.where(n > 0, total(np.where(known, values, 0)) / np.maximum(n, 1), np.nan).astype(np.float32)


def _colours(names: tuple[str, ...]) -> list[int]:
    plain = [name.removesuffix("_pre") for name in names]
    if all(colour in plain for colour in TRUE_COLOUR):
        return [plain.index(colour) for colour in TRUE_COLOUR]
    first = list(range(len(names)))[:3]
    return first if len(first) == 3 else [0, 0, 0]


def _stretched(values: np.ndarray, together: bool) -> np.ndarray:
    """(h, w, 3) uint8. together: one scale for all bands, so that colours stay what they are."""
    found = np.zeros(values.shape, np.float32)
    for part in [slice(None)] if together else [slice(k, k + 1) for k in range(len(values))]:
        known = values[part][np.isfinite(values[part])]
        if len(known):
            low, first, third, high = np.percentile(known, (DARKEST, 25, 75, BRIGHTEST))
            high = min(high, third + FAR * (third - first)) if third > first else high
            found[part] = (values[part] - low) / max(float(high - low), 1e-12)
    seen = np.isfinite(values).any(axis=0)
    levels = 1 + 254 * np.nan_to_num(found, nan=0.0).clip(0, 1)  # black is what was not seen, not a shadow
    return np.where(seen, levels, 0).round().astype(np.uint8).transpose(1, 2, 0)
