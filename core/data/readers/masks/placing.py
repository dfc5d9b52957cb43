"""Which pixel of a mask lies on which pixel of its image: by their places where both have one, else by their sides.

A mask on another grid of the same ground (another pixel size, origin, orientation or coordinate system) is resampled to
its image, nearest pixel; image pixels that it does not reach are unknown. What is not certain is refused.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from core.data.readers.geo.placement import Placement, same_system, to_system
from core.data.readers.images import TURNED
from core.data.readers.masks.raw import UNKNOWN, Part
from core.errors import FormatError

SAME = 0.02  # pixels that corners may lie apart on one grid
ROUNDING = 1e-6  # pixels; a centre on an edge belongs to the pixel that begins there
MOST_AT_ONCE = 32 * 2**20  # pixels of a mask read at once
MOST_PLACED = 2**20  # pixels of an image looked up at once
LOOKED_AT = 256  # positions along each side at which it is seen whether a mask covers its image


@dataclass(frozen=True, slots=True)
class Grid:
    """Sides (H, W) of an image or a mask, its place, and how the EXIF tag of a picture turns it (1: not at all)."""

    height: int
    width: int
    place: Placement | None = None
    turned: int = 1

    @property
    def shape(self) -> tuple[int, int]:
        """(H, W)."""
        return self.height, self.width

    @property
    def lies(self) -> Placement:
        """Its place. Raises FormatError where none is stated."""
        if self.place is None:
            raise FormatError("An image or a mask states no place. Save both as GeoTIFF, or both without a place.")
        return self.place

    def __str__(self) -> str:
        return f"{self.height}x{self.width} pixels"


@dataclass(frozen=True, slots=True)
class Fit:
    """How a mask lies on its image.

    Attributes:
        how: "same" (pixel on pixel), "sides" (a whole multiple of each other), "place".
        turn: EXIF orientation to apply to the mask first; 1: none.
        covers: share of the image that the mask reaches, 0-1.
        assumed: whether one of the two states no coordinate system, and the other's was taken for both.
    """

    image: Grid
    mask: Grid
    how: str = "same"
    turn: int = 1
    covers: float = 1.0
    assumed: bool = False

    def sample(self, read: Callable[[Part], np.ndarray], part: Part | None = None) -> np.ndarray:
        """(h, w) uint8 of the image's window ``part`` (None: all of it) from a function that reads the mask's."""
        part = part or (0, 0, *self.image.shape)
        if self.how == "same":
            return read(part)
        if part[2] * part[3] > MOST_PLACED:
            return self._in_halves(read, part)
        rows, cols = self._positions(part)
        inside = (rows >= 0) & (rows < self.mask.height) & (cols >= 0) & (cols < self.mask.width)
        if not inside.any():
            return np.full(part[2:], UNKNOWN, np.uint8)
        top, left = int(rows[inside].min()), int(cols[inside].min())
        high, wide = int(rows[inside].max()) + 1 - top, int(cols[inside].max()) + 1 - left
        if high * wide > MOST_AT_ONCE and max(part[2:]) > 1:
            return self._in_halves(read, part)
        values = read((top, left, high, wide))
        found = values[np.clip(rows - top, 0, high - 1), np.clip(cols - left, 0, wide - 1)]
        return np.where(inside, found, UNKNOWN).astype(np.uint8)

    def _in_halves(self, read: Callable[[Part], np.ndarray], part: Part) -> np.ndarray:
        row, col, height, width = part
        if height >= width:
            half = height // 2
            return np.vstack(
                [self.sample(read, (row, col, half, width)), self.sample(read, (row + half, col, height - half, width))]
            )
        half = width // 2
        return np.hstack(
            [self.sample(read, (row, col, height, half)), self.sample(read, (row, col + half, height, width - half))]
        )

    def _positions(self, part: Part) -> tuple[np.ndarray, np.ndarray]:
        """(rows, cols) of the mask, (h, w) int64 each, on which the centres of the window's pixels lie."""
        row, col, height, width = part
        return self.on_mask(np.arange(row, row + height)[:, None] + 0.5, np.arange(col, col + width)[None] + 0.5)

    def on_mask(self, rows: np.ndarray, cols: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Pixels of the mask at positions of the image, in pixels; both broadcast to one shape. -1 where none is."""
        rows, cols = np.broadcast_arrays(rows, cols)
        if self.how != "place":
            scaled = rows * self.mask.height / self.image.height, cols * self.mask.width / self.image.width
        else:
            image, mask = self.image.lies, self.mask.lies
            x, y = image.at(rows, cols)
            if not self.assumed and image.crs and mask.crs:
                x, y = to_system(image.crs, mask.crs, x, y)
            scaled = mask.pixel(x, y)
        with np.errstate(invalid="ignore"):
            floors = [np.floor(side + ROUNDING) for side in scaled]
        down, across = (np.where(np.isfinite(side), side, -1).astype(np.int64) for side in floors)
        return down, across


def fit(image: Grid, mask: Grid, file: str) -> Fit:
    """How the mask called ``file`` lies on its image. Raises FormatError where that is not certain, or not there."""
    if image.place and mask.place:
        return _by_place(image, mask, file)
    for one, what, advice in (
        (image, "image", "Save the mask with its place, or the image with north up."),
        (mask, "mask", "Save the image with its place, or the mask with north up."),
    ):
        if one.place and not one.place.is_north_up:
            raise FormatError(
                f"The mask {file} cannot be laid on its image: the {what} does not have north up, and the other one "
                f"does not say where it is. {advice}"
            )
    return _by_sides(image, mask, file)


def _by_place(image: Grid, mask: Grid, file: str) -> Fit:
    same = same_system(image.lies.crs, mask.lies.crs)
    assumed = same is None
    found = Fit(image, mask, "place", assumed=assumed)
    if same is not False and image.shape == mask.shape and _apart(image, mask) <= SAME:
        return Fit(image, mask)
    covers = _covered(found)
    if not covers:
        why = " One of them states no coordinate system; give both the same." if assumed else ""
        raise FormatError(
            f"The mask {file} lies elsewhere: it shows no ground of its image (image {_where(image)}; mask "
            f"{_where(mask)}).{why}"
        )
    return Fit(image, mask, "place", covers=covers, assumed=assumed)


def _apart(image: Grid, mask: Grid) -> float:
    """How far the corners of two grids of as many pixels lie apart, in pixels of the image."""
    corners = [(row, col) for row in (0, image.height) for col in (0, image.width)]
    positions = [image.lies.pixel(*mask.lies.at(*corner)) for corner in corners]
    return max(math.dist(corner, position) for corner, position in zip(corners, positions, strict=True))


def _covered(found: Fit) -> float:
    """Share of the image, 0-1, that the mask reaches, at evenly spread positions; a small mask is found as well."""
    sides = [np.linspace(0.5, side - 0.5, min(side, LOOKED_AT)) for side in found.image.shape]
    rows, cols = found.on_mask(sides[0][:, None], sides[1][None])
    inside = (rows >= 0) & (rows < found.mask.height) & (cols >= 0) & (cols < found.mask.width)
    if inside.any():
        return float(inside.mean())
    back = Fit(found.mask, found.image, "place", assumed=found.assumed)
    rows, cols = back.on_mask(np.array(found.mask.height / 2), np.array(found.mask.width / 2))
    return 1e-9 if 0 <= rows < found.image.height and 0 <= cols < found.image.width else 0.0


def _where(grid: Grid) -> str:
    x0, y0, x1, y1 = grid.lies.bounds(*grid.shape)
    return f"x {x0:.9g} to {x1:.9g}, y {y0:.9g} to {y1:.9g}, {grid.lies.system_name or 'no coordinate system'}"


def _by_sides(image: Grid, mask: Grid, file: str) -> Fit:
    turn = _turn(image, mask, file)
    if turn != 1:
        mask = Grid(mask.width, mask.height)
    if image.shape == mask.shape:
        return Fit(image, mask, turn=turn)
    ratios = {(one.height / other.height, one.width / other.width) for one, other in ((image, mask), (mask, image))}
    if any(high == wide and high == int(high) for high, wide in ratios):
        return Fit(image, mask, "sides", turn)
    hint = " Its rows and columns may be exchanged." if image.shape == mask.shape[::-1] else ""
    raise FormatError(
        f"The mask {file} has {mask}, its image {image}, and no places say how they lie on each other; accepted: the "
        f"same size, or a whole multiple of it on both sides.{hint} Save it as large as its image."
    )


def _turn(image: Grid, mask: Grid, file: str) -> int:
    """The turn that a mask without an EXIF tag needs where its image has one; 1: none."""
    if image.turned == 1 or mask.turned != 1:
        return 1
    if image.turned in TURNED and image.height != image.width:
        # Only one of the two ways fits.
        return image.turned if mask.shape == image.shape[::-1] else 1
    raise FormatError(
        f"The mask {file} cannot be laid on its image: the image is turned by its EXIF tag (orientation "
        f"{image.turned}), the mask has no such tag, and both ways fit. Save the image without the tag, turned as the "
        "mask is."
    )


def turned(values: np.ndarray, orientation: int) -> np.ndarray:
    """(H, W) turned as the EXIF orientation, 1 to 8, says."""
    flips = {
        1: values,
        2: values[:, ::-1],
        3: values[::-1, ::-1],
        4: values[::-1],
        5: values.T,
        6: values[::-1].T,
        7: values[::-1, ::-1].T,
        8: values[:, ::-1].T,
    }
    return flips[orientation]
