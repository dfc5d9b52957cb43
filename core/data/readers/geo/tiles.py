"""Tiles of larger images, and labels from the share that a mask covers.

The images of any reader may be larger than a patch. Each tile is labelled by a stated rule, with the shares it was
decided by; all tiles of one image are one group. Images and masks are read one at a time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast

import numpy as np

from core.data.readers.base import (
    Aside,
    Collection,
    Item,
    Mask,
    Patch,
    ReaderOptions,
    Shape,
    group_alone,
    how_many_done,
)
from core.data.readers.masks.raw import LANDSLIDE, UNKNOWN
from core.data.store.missing import valid_pixels
from core.errors import Asks, DataError, FormatError
from core.progress import Steps
from core.text import counted

LOOKED, CUT = 0.03, 0.05  # shares of an import at which the masks were looked at, and the tiles are known
MOST_UNKNOWN = 0.1  # share of a patch that its mask may not tell of where it holds no landslide and is negative
_BETWEEN_LABEL = {"unlabelled": -1, "negative": 0}


class _Recent:
    """The image or mask that was read last, so that its tiles, which follow each other, do not each read it again."""

    def __init__(self) -> None:
        self._whole: Patch | Mask | None = None
        self._pixels = np.empty(0)

    def read(self, whole: Patch | Mask) -> np.ndarray:
        if whole is not self._whole:
            self._whole, self._pixels = None, np.empty(0)  # the one before is freed first
            self._pixels = whole.read()
            self._whole = whole
        return self._pixels


@dataclass(frozen=True, slots=True)
class Window:
    """A patch that is a part of a larger image, beginning at (row, col) pixels."""

    whole: Patch
    row: int
    col: int
    size: Shape
    is_bytes: bool
    recent: _Recent = field(compare=False, repr=False)

    @property
    def file(self) -> str:
        """The image's name and the place in it."""
        return f"{self.whole.file} (row {self.row}, column {self.col})"

    def shape(self) -> tuple[Shape, bool]:
        """Known from the image's header."""
        return self.size, self.is_bytes

    def read(self) -> np.ndarray:
        """(C, H, W) in the image's own number type."""
        return _part(self, self.recent, *self.size[1:])

    def stamp(self) -> str:
        """Of the image."""
        return self.whole.stamp()


@dataclass(frozen=True, slots=True)
class WindowMask:
    """A part of a larger mask."""

    whole: Mask
    row: int
    col: int
    height: int
    width: int
    recent: _Recent = field(compare=False, repr=False)

    @property
    def file(self) -> str:
        """The mask's name and the place in it."""
        return f"{self.whole.file} (row {self.row}, column {self.col})"

    def read(self) -> np.ndarray:
        """(H, W) uint8."""
        return _part(self, self.recent, self.height, self.width)

    def stamp(self) -> str:
        """Of the mask."""
        return self.whole.stamp()


def _part(tile: Window | WindowMask, recent: _Recent, height: int, width: int) -> np.ndarray:
    if hasattr(tile.whole, "window"):  # a raster that reads a part of itself: the whole may not fit in memory
        return tile.whole.window(tile.row, tile.col, height, width).read()
    return recent.read(tile.whole)[..., tile.row : tile.row + height, tile.col : tile.col + width].copy()


def starts(length: int, side: int, stride: int, edge: str) -> list[int]:
    """Where tiles of ``side`` begin along ``length`` pixels; [] when none fits.

    With edge "shift" a last tile ends at the border even where it overlaps the one before by more than the stride says.
    """
    found = list(range(0, length - side + 1, stride))
    if found and edge == "shift" and found[-1] != length - side:
        found.append(length - side)
    return found


def nodata_of(collection: Collection, options: ReaderOptions, is_bytes: bool) -> float | None:
    """The value that marks a pixel without data: the user's, or the format's."""
    if options.nodata is not None:
        return options.nodata
    usual = None if is_bytes else 0.0
    return usual if collection.nodata == "usual" else collection.nodata


def cut(collection: Collection, options: ReaderOptions, aside: Aside) -> Steps[Collection]:
    """The tiles of the collection's images, or its images as they are, labelled from their masks where that is asked.

    Rule: a mask that covers ``mask_threshold`` of the area or more makes a patch positive, one that covers nothing
    negative; ``between`` says what becomes of the rest. Tiles of an image without a mask are negative when the image
    is, and otherwise unlabelled, since nobody knows where its landslide lies.
    """
    if options.tile is None and not collection.labels_from_masks:
        return collection
    recent, found = (_Recent(), _Recent()), []
    counts: Counter[Any] = Counter()
    for done, item in enumerate(collection.items, 1):
        try:
            if item.group is None and options.tile is not None:
                item = replace(item, group=group_alone(item.id, done - 1))
            found += _tiles(item, collection, options, recent, counts)
        except DataError as error:
            aside.reject(item.file, error)
        if done % 16 == 0 or done == len(collection.items):
            yield how_many_done(done, len(collection.items), "images", LOOKED, CUT)
    told = _told(counts, options)
    for text in told:
        aside.warn(text)
    if not found and not aside.rejected:
        asks = Asks("mask_threshold", ("0.001",)) if counts["dropped_between"] else None
        raise DataError(
            f"No patch is left of {counted(len(collection.items), 'image')}. {' '.join(told)}".rstrip(), asks
        )
    facts = {**collection.facts, "patches_from_masks": _rule(options) | dict(counts)}
    return replace(collection, items=found, facts=facts)


def _tiles(
    item: Item, collection: Collection, options: ReaderOptions, recent: Sequence[_Recent], counts: Counter
) -> list[Item]:
    (n_bands, height, width), is_bytes = item.patch.shape()
    side = options.tile
    sides = (height, width) if side is None else (side, side)
    stride = options.stride or side or 1
    corners = [
        (row, col)
        for row in starts(height, sides[0], stride, options.edge)
        for col in starts(width, sides[1], stride, options.edge)
    ]
    if not corners:
        raise FormatError(f"It is {height}x{width} pixels, smaller than a tile of {side}x{side}.")
    covered, unknown = _mask_shares(item, (height, width), corners, sides)
    empty = _nodata_shares(item, nodata_of(collection, options, is_bytes), options, corners, sides)
    found = []
    for (row, col), mask_share, unknown_share, nodata_share in zip(corners, covered, unknown, empty, strict=True):
        if side is not None and nodata_share is not None and nodata_share > options.max_nodata:
            counts["dropped_nodata"] += 1
            continue
        label = _label(item, mask_share, unknown_share, options)
        if label == -1 and unknown_share and unknown_share > MOST_UNKNOWN:
            counts["mask_unknown"] += 1
        counts["dropped_between" if label is None else {1: "positive", 0: "negative", -1: "unlabelled"}[label]] += 1
        if label is None:
            continue
        shares = {"mask_fraction": mask_share, "nodata_fraction": nodata_share}
        if unknown_share:
            shares["mask_unknown_fraction"] = unknown_share
        columns = {**item.columns, **{key: f"{value:.6f}" for key, value in shares.items() if value is not None}}
        whole = replace(item, label=label, columns=columns)
        size = (n_bands, *sides)
        found.append(whole if side is None else _tile(whole, row, col, size, is_bytes, recent))
    return found


def _tile(item: Item, row: int, col: int, size: Shape, is_bytes: bool, recent: Sequence[_Recent]) -> Item:
    height, width = size[1:]
    lonlat = item.lonlat
    columns = {**item.columns, "image": item.id, "row": str(row), "col": str(col)}
    if hasattr(item.patch, "lonlat_at"):
        lonlat = item.patch.lonlat_at(row + height / 2, col + width / 2)
    if hasattr(item.patch, "columns_at"):
        columns |= item.patch.columns_at(row + height / 2, col + width / 2)
    if hasattr(item.patch, "ground_at"):
        columns |= item.patch.ground_at(row, col, height, width)
    return replace(
        item,
        id=f"{item.id}_r{row:05d}_c{col:05d}",
        patch=Window(item.patch, row, col, size, is_bytes, recent[0]),
        mask=WindowMask(cast(Mask, item.mask), row, col, height, width, recent[1]) if item.mask else None,
        lonlat=lonlat,
        columns=columns,
    )


def _label(item: Item, mask_share: float | None, unknown_share: float | None, options: ReaderOptions) -> int | None:
    """1, 0 or -1; None: dropped."""
    if mask_share is None:
        return item.label if options.tile is None or item.label == 0 else -1
    if mask_share >= options.mask_threshold:
        return 1
    if unknown_share is not None and unknown_share > MOST_UNKNOWN:
        return -1
    return _BETWEEN_LABEL.get(options.between) if mask_share else 0


def _mask_shares(
    item: Item, shape: tuple[int, int], corners: Sequence[tuple[int, int]], sides: tuple[int, int]
) -> tuple[list[float | None], list[float | None]]:
    """Shares of landslide and of unknown pixels at each corner."""
    if item.mask is None:
        return [None] * len(corners), [None] * len(corners)
    if hasattr(item.mask, "window"):
        parts = (item.mask.window(*corner, *sides).read() for corner in corners)
        shares = [(float((part == LANDSLIDE).mean()), float((part == UNKNOWN).mean())) for part in parts]
        return [slides for slides, _ in shares], [unknown for _, unknown in shares]
    mask = cast(Mask, item.mask).read()  # understood by now
    if mask.shape != shape:
        raise FormatError(
            f"Its mask is {mask.shape[0]}x{mask.shape[1]} pixels, the image {shape[0]}x{shape[1]}. They must agree."
        )
    return [*_shares(mask == LANDSLIDE, corners, sides)], [*_shares(mask == UNKNOWN, corners, sides)]


def _nodata_shares(
    item: Item,
    nodata: float | None,
    options: ReaderOptions,
    corners: Sequence[tuple[int, int]],
    sides: tuple[int, int],
) -> list[Any]:
    """Asked only where tiles may be dropped for it, or somebody set the value: it reads the image once more."""
    if (options.tile is None or options.max_nodata == 1) and options.nodata is None:
        return [None] * len(corners)
    if hasattr(item.patch, "window"):
        return [_nodata_share(item.patch.window(*corner, *sides), nodata) for corner in corners]
    return _shares(_is_empty(item.patch.read(), nodata), corners, sides)


def _nodata_share(window: Patch, nodata: float | None) -> float | None:
    """None for a part that cannot be read: it is set aside by itself when its turn comes."""
    try:
        return float(_is_empty(window.read(), nodata).mean())
    except DataError:
        return None


def _is_empty(pixels: np.ndarray, nodata: float | None) -> np.ndarray:
    """(H, W) bool of (C, H, W)."""
    return ~valid_pixels(pixels[None], nodata)[1][0]


def _shares(marked: np.ndarray, corners: Sequence[tuple[int, int]], sides: tuple[int, int]) -> list[float]:
    """Share of marked pixels in each window, from one table of sums (Crow, 1984). marked: (H, W) bool."""
    sums = np.zeros((marked.shape[0] + 1, marked.shape[1] + 1), np.int64)
    sums[1:, 1:] = marked.cumsum(0, dtype=np.int64).cumsum(1)
    top, left = np.array(corners, np.int64).T
    bottom, right = top + sides[0], left + sides[1]
    inside = sums[bottom, right] - sums[top, right] - sums[bottom, left] + sums[top, left]
    return (inside / (sides[0] * sides[1])).tolist()


def _rule(options: ReaderOptions) -> dict[str, Any]:
    names = ("tile", "stride", "edge", "mask_threshold", "between", "max_nodata")
    return {name: getattr(options, name) for name in names}


def _told(counts: Counter, options: ReaderOptions) -> list[str]:
    dropped = ("patch was dropped", "patches were dropped")
    unknown = ("patch is unlabelled", "patches are unlabelled")
    texts = {
        "dropped_between": (dropped, "a mask that covers something, but less than "
                            f"{options.mask_threshold:.2%} of the area."),
        "mask_unknown": (unknown, f"a mask that does not say what is there for more than {MOST_UNKNOWN:.0%} of the "
                         "pixels."),
        "dropped_nodata": (dropped, f"no data in more than {options.max_nodata:.0%} of the pixels."),
    }  # fmt: skip
    return [f"{counted(counts[what], *words)}: {why}" for what, (words, why) in texts.items() if counts[what]]
