"""Images brought to one size: patches and masks are stretched when they are read.

Stretched to a square, whatever the sides were, as Keras' ``image_dataset_from_directory`` does by default.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import cast

import numpy as np
from PIL import Image

from core.data.readers.base import Collection, Mask, Patch, Shape
from core.data.readers.masks.raw import RawMask
from core.data.store.missing import to_single


@dataclass(frozen=True, slots=True)
class Resized:
    """A patch stretched to (side, side): bilinear, with smoothing where it shrinks. Bytes stay bytes."""

    whole: Patch
    side: int

    @property
    def file(self) -> str:
        """The image's name for messages."""
        return self.whole.file

    def shape(self) -> tuple[Shape, bool]:
        """Of the stretched patch."""
        (n_bands, _, _), is_bytes = self.whole.shape()
        return (n_bands, self.side, self.side), is_bytes

    def read(self) -> np.ndarray:
        """(C, side, side), uint8 or float32."""
        pixels = self.whole.read()
        if pixels.dtype != np.uint8:
            with to_single():
                pixels = pixels.astype(np.float32)
        return np.stack([_stretched(band, self.side, Image.Resampling.BILINEAR) for band in pixels])

    def lonlat_at(self, row: float, col: float) -> tuple[float, float] | None:
        """(longitude, latitude) of a position in stretched pixels, where the image knows its place."""
        return self.whole.lonlat_at(*self._unstretched(row, col)) if hasattr(self.whole, "lonlat_at") else None

    def columns_at(self, row: float, col: float) -> Mapping[str, str]:
        """Its place in map units, where the image knows it."""
        return self.whole.columns_at(*self._unstretched(row, col)) if hasattr(self.whole, "columns_at") else {}

    def ground_at(self, row: float, col: float, height: float, width: float) -> Mapping[str, str]:
        """Size on the ground of a window in stretched pixels, where the image knows it."""
        if not hasattr(self.whole, "ground_at"):
            return {}
        return self.whole.ground_at(*self._unstretched(row, col), *self._unstretched(height, width))

    def _unstretched(self, rows: float, cols: float) -> tuple[float, float]:
        (_, height, width), _ = self.whole.shape()
        return rows * height / self.side, cols * width / self.side

    def stamp(self) -> str:
        """Of the image."""
        return self.whole.stamp()


@dataclass(frozen=True, slots=True)
class ResizedMask:
    """A mask stretched to (side, side), each pixel the nearest one."""

    whole: Mask
    side: int

    @property
    def file(self) -> str:
        """The mask's name for messages."""
        return self.whole.file

    def read(self) -> np.ndarray:
        """(side, side) uint8."""
        return _stretched(self.whole.read(), self.side, Image.Resampling.NEAREST)

    def stamp(self) -> str:
        """Of the mask."""
        return self.whole.stamp()


def _resized(mask: RawMask | Mask | None, side: int) -> ResizedMask | None:
    return ResizedMask(cast(Mask, mask), side) if mask else None  # understood by now


def resized(collection: Collection, side: int | None) -> Collection:
    """The collection with every patch and mask stretched to (side, side); None: as it is."""
    if side is None:
        return collection
    items = [
        replace(item, patch=Resized(item.patch, side), mask=_resized(item.mask, side)) for item in collection.items
    ]
    return replace(collection, items=items, facts={**collection.facts, "resized_to": side})


def _stretched(band: np.ndarray, side: int, how: Image.Resampling) -> np.ndarray:
    return np.asarray(Image.fromarray(np.ascontiguousarray(band)).resize((side, side), how))
