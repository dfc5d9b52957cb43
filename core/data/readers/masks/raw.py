"""A mask as it is stored, before anybody says what in it means landslide."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from core.errors import FormatError

LANDSLIDE, BACKGROUND, UNKNOWN = 1, 0, 255  # what a mask says of a pixel once it is understood
TRANSPARENT = -1  # among colours
OPAQUE = 128  # alpha from which a pixel is seen
NEARLY_GREY = 4  # most that red, green and blue differ in grey that was saved as JPEG

Part = tuple[int, int, int, int]  # first row, first column, height, width


@dataclass(frozen=True, slots=True)
class Raw:
    """Pixels of a mask.

    Attributes:
        values: (H, W) numbers; or int32 colours red * 65536 + green * 256 + blue, and TRANSPARENT.
        is_colour: which of the two.
        unseen: (H, W) bool where the file says that nothing was seen, or None. nan are not among them.
        index: (H, W) uint8 of a picture with a palette, whose colours are the values; or None.
        colours: (H, W) int32 as the values of masks in colours, of a raster with a palette, whose indices are the
            values; or None.
        lossy: whether it was saved with a compression that changes values (JPEG).
        zero_is_white: whether the file says that its 0 is shown white, so that viewers and programs disagree.
    """

    values: np.ndarray
    is_colour: bool = False
    unseen: np.ndarray | None = None
    index: np.ndarray | None = None
    colours: np.ndarray | None = None
    lossy: bool = False
    zero_is_white: bool = False


class RawMask(Protocol):
    """Where a mask is, and how to get what is stored there. ``windowed``: whether it reads a part of itself cheaply."""

    @property
    def windowed(self) -> bool:
        """Whether it reads a part of itself cheaply."""

    @property
    def file(self) -> str:
        """Its name for messages, relative to the source."""

    def shape(self) -> tuple[int, int]:
        """(H, W) from its header. Raises DataError when it cannot be used."""

    def raw(self, part: Part | None = None) -> Raw:
        """Its pixels; ``part`` only where it is windowed. Raises DataError when it cannot be used."""

    def stamp(self) -> str:
        """As of a patch."""


def plane_shape(shape: tuple[int, ...], file: str) -> tuple[int, int]:
    """(H, W) of a mask stored as (H, W), (H, W, 1), (1, H, W), (1, H, W, 1) or in colours (H, W, 3)."""
    sides = list(shape)
    while len(sides) > 2 and sides[0] == 1:
        sides.pop(0)
    while len(sides) > 2 and sides[-1] == 1:
        sides.pop()
    if len(sides) == 3 and sides[2] == 3:
        sides.pop()
    if len(sides) != 2:
        raise FormatError(f"The mask {file} has the shape {tuple(shape)}; a mask has one value a pixel: (H, W).")
    return sides[0], sides[1]


def from_array(values: np.ndarray, file: str) -> Raw:
    """A mask from an array of numbers or booleans. Raises FormatError for any other shape than ``plane_shape`` takes.

    (H, W, 3) must hold bytes: they are colours.
    """
    height, width = plane_shape(values.shape, file)
    if values.size == height * width:
        plane = values.reshape(height, width)
        return Raw(plane.astype(np.uint8) if plane.dtype == bool else plane)
    if values.dtype != np.uint8:
        raise FormatError(f"The mask {file} holds three values a pixel that are no colours (bytes). Save one: (H, W).")
    return from_colours(values.reshape(height, width, 3))


def from_colours(
    rgb: np.ndarray, alpha: np.ndarray | None = None, lossy: bool = False, index: np.ndarray | None = None
) -> Raw:
    """A mask from colours (H, W, 3) uint8, with transparency (H, W) uint8 where there is any."""
    wide = rgb.astype(np.int32)
    if lossy:
        middle = wide[..., 1:2]
        wide = np.where((np.ptp(wide, axis=2) <= NEARLY_GREY)[..., None], middle, wide)
    codes = (wide[..., 0] << 16) | (wide[..., 1] << 8) | wide[..., 2]
    if alpha is not None:
        codes[alpha < OPAQUE] = TRANSPARENT
    return Raw(codes, is_colour=True, index=index, lossy=lossy)


def is_grey(codes: np.ndarray) -> np.ndarray:
    """Which colours (...,) are opaque shades of grey; their shade is ``codes & 255``."""
    return (codes >= 0) & (codes == (codes & 255) * 0x010101)
