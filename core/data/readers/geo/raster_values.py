"""From the numbers that a raster holds to what they stand for: scaled, and "not seen" said in the dataset's way."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from core.data.readers.value_tags import ValueTags, apply_tags
from core.data.store.missing import equals_nodata

if TYPE_CHECKING:
    from core.data.readers.geo.raster import RasterHeader


def measured(pixels: np.ndarray, header: RasterHeader, fill: float | None, order: Sequence[int] | None) -> np.ndarray:
    """(C, H, W) what the numbers of a raster stand for, the bands in ``order`` (None: as they are).

    "Not seen" is said in the dataset's way (:func:`separate_nodata`), in scaled values by nan.
    """
    tags = header.tags
    if order:
        pixels = pixels[list(order)]
        tags = ValueTags(*(tuple(numbers[i] for i in order) for numbers in (tags.scale, tags.offset)))
    if not tags.scaled:
        return separate_nodata(pixels, header.tag, fill)
    separated = separate_nodata(pixels, header.tag, None)
    values = apply_tags(separated, tags)
    if header.tag is not None:
        values[:, equals_nodata(pixels, header.tag).all(axis=0)] = np.nan
    return values


def separate_nodata(pixels: np.ndarray, tag: float | None, fill: float | None) -> np.ndarray:
    """(C, H, W) in which "not seen" is said in the dataset's way: ``fill`` in all bands of a pixel.

    ``tag`` is the file's own value for it. What has it in all bands becomes ``fill`` (None: left as it is); what has it
    in some bands only becomes nan there, except where the tag is 0, which dark pixels reach by themselves, or the
    values are bytes, which have no nan.
    """
    if tag is None:
        return pixels
    missing = equals_nodata(pixels, tag)
    nowhere = missing.all(axis=0)  # (H, W)
    partly = missing & ~nowhere
    if tag != 0 and pixels.dtype != np.uint8 and partly.any():
        pixels = pixels.astype(np.promote_types(pixels.dtype, np.float32))
        pixels[partly] = np.nan
    if fill is None or fill == tag or not nowhere.any() or (math.isnan(fill) and pixels.dtype == np.uint8):
        return pixels
    pixels = pixels.astype(np.promote_types(pixels.dtype, np.float32) if math.isnan(fill) else pixels.dtype)
    pixels[:, nowhere] = fill
    return pixels
