"""The masks of a collection, understood: laid on their images, and read as landslide, none or unknown.

What a reader found are masks as they are stored. All of them are looked at once; then one meaning holds for them all.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import cast

import numpy as np

from core.data.readers.base import Aside, Collection, Item, Patch, ReaderOptions, how_many_done, some
from core.data.readers.files import FilePatch
from core.data.readers.geo.placement import Placement, place_of
from core.data.readers.geo.raster import MAX_BYTES, RasterHeader, raster_header
from core.data.readers.geo.raster import SUFFIXES as RASTERS
from core.data.readers.geo.raster_patches import RasterPatch
from core.data.readers.geo.tiles import LOOKED
from core.data.readers.images import SUFFIXES as PICTURES
from core.data.readers.images import orientation
from core.data.readers.masks.files import FileMask
from core.data.readers.masks.meaning import Meaning, decide
from core.data.readers.masks.placing import Fit, Grid, fit, turned
from core.data.readers.masks.raw import Part, RawMask
from core.data.readers.masks.survey import Found
from core.errors import DataError, FormatError
from core.progress import Steps

AT_ONCE = 256  # masks between two signs of progress; rasters, which may be scenes, tell of each
LARGE = MAX_BYTES // 16  # bytes of a mask or pixels of an image from which a mask is read by windows


@dataclass(frozen=True, slots=True)
class UnderstoodMask:
    """A mask as large as its image, or a window of that."""

    source: RawMask
    meaning: Meaning
    fit: Fit
    part: Part | None = None

    @property
    def file(self) -> str:
        """The mask's name for messages."""
        return self.source.file

    def read(self) -> np.ndarray:
        """(H, W) uint8: 1 landslide, 0 none, 255 unknown. Raises DataError when it cannot be used."""
        return self.fit.sample(self._reader(), self.part)

    def _reader(self) -> Callable[[Part], np.ndarray]:
        """What reads a window of the mask, as it lies on the image."""
        if self.source.windowed and self.fit.turn == 1:
            return lambda part: self.meaning.read(self.source.raw(part))
        whole = turned(self.meaning.read(self.source.raw()), self.fit.turn)
        return lambda part: whole[part[0] : part[0] + part[2], part[1] : part[1] + part[3]]

    def stamp(self) -> str:
        """Of the file, and of how it is read."""
        return f"{self.source.stamp()} {self.meaning} {self.fit.how} {self.fit.turn} {self.part}"


@dataclass(frozen=True, slots=True)
class SceneMask(UnderstoodMask):
    """A mask that reads a part of itself cheaply."""

    def window(self, row: int, col: int, height: int, width: int) -> SceneMask:
        """A part of it, beginning at (row, col) pixels of the image."""
        return replace(self, part=(row, col, height, width))


@dataclass(frozen=True, slots=True)
class UnusableMask:
    """A mask that cannot be used, and why: told where it would be read."""

    file: str
    reason: DataError = field(compare=False)

    def read(self) -> np.ndarray:
        """Raises the error."""
        raise self.reason

    def stamp(self) -> str:
        """Of the error."""
        return str(self.reason)


def understood(collection: Collection, options: ReaderOptions, aside: Aside) -> Steps[Collection]:
    """The collection with every mask understood; as it is where there are none.

    A mask that cannot be used becomes an :class:`UnusableMask`. Raises FormatError where the values of the masks leave
    open which of them is landslide.
    """
    if not any(_raw(item) for item in collection.items):
        return collection
    found = Found()
    fits: dict[int, Fit] = {}
    unusable: dict[int, UnusableMask] = {}
    for row, item in enumerate(collection.items):
        raw = _raw(item)
        if raw is not None:
            try:
                fits[row] = _fit(item, raw)
                found.add(raw)
            except DataError as error:
                unusable[row] = UnusableMask(raw.file, error)
        if row % AT_ONCE == AT_ONCE - 1 or getattr(item.mask, "windowed", False):
            yield how_many_done(row + 1, len(collection.items), "masks looked at", 0.0, LOOKED)
    meaning = decide(found, options, aside) if found.n_masks else Meaning(painted=True)
    _tell([(collection.items[row], fits[row]) for row in fits if row not in unusable], aside)
    items = [
        replace(item, mask=unusable.get(row) or _mask(raw, meaning, fits[row])) if (raw := _raw(item)) else item
        for row, item in enumerate(collection.items)
    ]
    return replace(collection, items=items, facts={**collection.facts, "masks_read_as": meaning.text()})


def _raw(item: Item) -> RawMask | None:
    """The item's mask where it has one that is not yet understood."""
    return cast(RawMask, item.mask) if hasattr(item.mask, "raw") else None


def _mask(raw: RawMask, meaning: Meaning, lies: Fit) -> UnderstoodMask:
    large = max(math.prod(lies.image.shape), math.prod(lies.mask.shape)) > LARGE
    kind = SceneMask if large and raw.windowed and lies.turn == 1 else UnderstoodMask
    return kind(raw, meaning, lies)


def _fit(item: Item, mask: RawMask) -> Fit:
    (_, height, width), _ = item.patch.shape()
    rows, cols = mask.shape()
    image = Grid(height, width, *_place_and_turn(item.patch))
    return fit(image, Grid(rows, cols, *_place_and_turn(mask)), mask.file)


def _place_and_turn(one: Patch | RawMask) -> tuple[Placement | None, int]:
    if isinstance(one, RasterPatch):
        return one.place, 1
    if not isinstance(one, FilePatch | FileMask):
        return None, 1
    suffix = one.path.suffix.lower()
    if suffix in RASTERS:
        header = one.header() if isinstance(one, FileMask) else _header(one)
        place = place_of(one.path, header) if header else None
        if place or (header and not header.is_picture):
            return place, 1
    return None, orientation(one.path) if suffix in PICTURES else 1


def _header(patch: FilePatch) -> RasterHeader | None:
    try:
        return raster_header(patch.path)
    except FormatError:
        return None


def _tell(fits: Sequence[tuple[Item, Fit]], aside: Aside) -> None:
    """What was done to masks that do not lie pixel on pixel on their images."""
    told = defaultdict(list)
    for item, lies in fits:
        name = item.mask.file if item.mask else ""
        if lies.how == "place":
            told["masks lie on another grid than their images and were resampled by place, nearest pixel"].append(name)
        if lies.how == "sides":
            told[
                "masks are a whole multiple larger or smaller than their images, which do not say where they are: "
                "resampled, nearest pixel"
            ].append(name)
        if lies.assumed and lies.how == "place":
            told["masks or their images state no coordinate system; taken as that of the other one"].append(name)
        if lies.turn != 1:
            told["masks have no EXIF tag and were turned as that of their images says, since only so they fit"].append(
                name
            )
        if lies.covers < 1:
            told["masks do not reach all of their images; what lies outside is unknown"].append(name)
    for text, names in told.items():
        aside.warn(f"{len(names)} {text}: {some(names)}.")
