"""Patches as pictures: a composite of bands between limits of display, and a mask's outline.

Patches are (C, H, W) float32 in the bands' own units; pictures are uint8 RGB arrays. Numpy and PIL only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from PIL import Image, ImageDraw

from core.data.bands import Composite

PERCENTILES = (2.0, 50.0, 98.0)  # the first becomes black, the last white
DARKEST_MEDIAN = 0.35  # of the way from black to white
UNKNOWN = (0.0, 0.5, 1.0)  # limits of a band of which nothing is known
NO_DATA_RGB = (128, 128, 128)
NO_PICTURE_RGB = (226, 230, 233)
MASK_RGB = (255, 230, 0)
HALO_RGB = (20, 20, 20)
PICTURE_PX = 256  # side of a picture in a gallery; sharp at twice the usual width of a column


# ------------------------------------------------------------------------------------------- limits of display


def dataset_limits(statistics: Sequence[Mapping]) -> np.ndarray:
    """Display limits of every band for the whole dataset, so that its patches can be compared: (C, 3) float64.

    A row is low (2nd percentile, drawn black), middle (median) and high (98th percentile, drawn white). ``statistics``
    is ``Dataset.statistics``; percentiles between its stored quantiles are interpolated.
    """
    percents = np.array([0.0, 1.0, 5.0, 25.0, 50.0, 75.0, 95.0, 99.0, 100.0])
    keys = ("min", "q01", "q05", "q25", "q50", "q75", "q95", "q99", "max")
    rows = [[np.nan if row.get(key) is None else float(row[key]) for key in keys] for row in statistics]
    return np.array([_usable(*np.interp(PERCENTILES, percents, values)) for values in rows]).reshape(-1, 3)


def patch_limits(image: np.ndarray) -> np.ndarray:
    """Display limits of every band from this patch (C, H, W) alone, leaving out what is missing: (C, 3)."""
    return np.array([value_limits(band[np.isfinite(band)]) for band in image])


def value_limits(values: np.ndarray) -> tuple[float, float, float]:
    """Display limits (low, middle, high) of finite values of one band."""
    return _usable(*np.percentile(values.astype(np.float64), PERCENTILES)) if values.size else UNKNOWN


def _usable(low: float, middle: float, high: float) -> tuple[float, float, float]:
    """Limits that can be divided by: a constant band becomes mid-grey, an unknown one 0 to 1."""
    if not np.isfinite([low, middle, high]).all():
        return UNKNOWN
    margin = max(0.5, 1e-6 * abs(low))
    return (low, middle, high) if high > low else (low - margin, low, low + margin)


def _gamma(limits: np.ndarray) -> np.ndarray:
    """The exponent (C,) that lifts a band's median to ``DARKEST_MEDIAN`` where a few bright clouds darken the rest.

    Never above 1: bands whose median is light enough are drawn linearly.
    """
    low, middle, high = limits.T
    place = np.clip((middle - low) / (high - low), 1e-3, 1 - 1e-3)
    return np.clip(np.log(DARKEST_MEDIAN) / np.log(place), 0.4, 1.0)


# -------------------------------------------------------------------------------------------------- pictures


def picture(
    image: np.ndarray,
    band_names: Sequence[str],
    composite: Composite,
    limits: np.ndarray,
    side: int | None = PICTURE_PX,
    smooth: bool = False,
) -> np.ndarray:
    """One patch seen through a composite: (side, side x W/H, 3) uint8.

    image: (C, H, W) in the bands' units; limits: (C, 3) of :func:`dataset_limits` or :func:`patch_limits`.
    Pixels that are missing in a band shown are neutral grey. ``side`` is the height in pixels (none
    keeps H); ``smooth`` enlarges with Lanczos instead of showing the pixels as they are.
    """
    if image.shape[1:] == (1, 1):
        return no_picture(side or PICTURE_PX)
    names = list(band_names)
    shown = [names.index(name) for name in composite.bands]
    if len(shown) == 1:
        shown = shown * 3
    low, high = limits[shown, 0, None, None], limits[shown, 2, None, None]
    values = image[shown].astype(np.float64)  # (3, H, W)
    missing = ~np.isfinite(values).all(axis=0)
    scaled = ((np.clip(np.nan_to_num(values), low, high) - low) / (high - low)) ** _gamma(limits[shown])[:, None, None]
    rgb = np.round(scaled * 255).astype(np.uint8).transpose(1, 2, 0)  # (H, W, 3)
    rgb[missing] = NO_DATA_RGB
    return rgb if side is None else enlarge(rgb, side, smooth)


def no_picture(side: int) -> np.ndarray:
    """What stands for a patch of a table of columns, which has numbers alone: (side, side, 3) uint8."""
    tile = Image.new("RGB", (side, side), NO_PICTURE_RGB)
    draw = ImageDraw.Draw(tile)
    draw.text((side / 2, side / 2), "no picture", fill=HALO_RGB, anchor="mm", font_size=max(8, side / 9))
    return np.asarray(tile)


def enlarge(rgb: np.ndarray, side: int, smooth: bool = False) -> np.ndarray:
    """An RGB picture (H, W, 3) uint8 resized to the height ``side``, its proportions kept."""
    height, width = rgb.shape[:2]
    size = (max(1, round(side * width / height)), side)
    return np.asarray(
        Image.fromarray(rgb).resize(size, Image.Resampling.LANCZOS if smooth else Image.Resampling.NEAREST)
    )


# ------------------------------------------------------------------------------------------------------- masks


def outline(rgb: np.ndarray, mask: np.ndarray, width: int = 2) -> np.ndarray:
    """A picture with the edge of a mask (h, w), drawn ``width`` pixels wide with a dark halo: (H, W, 3) uint8."""
    size = (rgb.shape[1], rgb.shape[0])
    inside = np.asarray(Image.fromarray((np.asarray(mask) > 0).astype(np.uint8)).resize(size, Image.Resampling.NEAREST))
    inside = inside > 0
    edge = inside & ~_eroded(inside, width)
    halo = ~inside & ~_eroded(~inside, 1)
    drawn = rgb.copy()
    drawn[halo] = HALO_RGB
    drawn[edge] = MASK_RGB
    return drawn


def _eroded(inside: np.ndarray, steps: int) -> np.ndarray:
    """``inside`` without its outermost ``steps`` pixels; the picture's border does not count as an edge."""
    for _ in range(steps):
        padded = np.pad(inside, 1, mode="edge")
        inside = inside & padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    return inside
