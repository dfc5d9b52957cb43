"""Images brought to one size: patches and masks are stretched when they are read.

Stretched to a square, whatever the sides were, as Keras' ``image_dataset_from_directory`` does by default.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from PIL import Image

from core.data.readers.base import Collection, Mask, Patch, Shape


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
            with np.errstate(over="ignore"):
                pixels = pixels.astype(np.float32)
        return np.stack([_stretched(band, self.side, Image.Resampling.BILINEAR) for band in pixels])

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


def resized(collection: Collection, side: int | None) -> Collection:
    """The collection with every patch and mask stretched to (side, side); None: as it is."""
    if side is None:
        return collection
    items = [
        replace(item, patch=Resized(item.patch, side), mask=item.mask and ResizedMask(item.mask, side))
        for item in collection.items
    ]
    return replace(collection, items=items, facts={**collection.facts, "resized_to": side})


def _stretched(band: np.ndarray, side: int, how: Image.Resampling) -> np.ndarray:
    return np.asarray(Image.fromarray(np.ascontiguousarray(band)).resize((side, side), how))
