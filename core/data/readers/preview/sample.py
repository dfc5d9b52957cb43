"""Some items of a collection, surveyed and read: a bounded number of files, however many there are."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import cast

import numpy as np

from core.data.bands import Band
from core.data.readers.bands.order import aligned
from core.data.readers.base import Aside, Collection, Item, Mask, ReaderOptions, Shape, how_many_done
from core.data.readers.build import survey_bands
from core.data.readers.geo.tiles import cut, nodata_of
from core.data.readers.masks.raw import LANDSLIDE
from core.data.readers.masks.understood import understood
from core.data.readers.resized import resized
from core.data.store.missing import as_missing, to_single
from core.errors import DataError
from core.progress import Steps, part

LOOKED = 120  # items whose headers and masks are looked at
READ = 48  # patches that are read
SHOWN = 12  # patches that are drawn
SIDE = 128  # most pixels of a drawn patch; larger ones are thinned
READ_BYTES = 2**28  # most of all patches read
TILED_PIXELS = 2**26  # of images that are cut into tiles; one at least
VALUES = 4096  # of a patch and band, that quantiles are taken from


@dataclass(frozen=True)
class Seen:
    """What was seen of a collection.

    Attributes:
        items: those read, in order of their class. shape: (C, H, W) of all patches; is_bytes: whether they are uint8.
        quantiles: (C, 5) of the values read: min, 1 %, 50 %, 99 %, max; nan for a band without values.
        n_looked: items looked at. n_labels: patches of those by label, -1 to 1.
        pictures: (n, C, h, w) of ``shown`` items, nan where there is no data. picture_masks: (n, h, w) uint8, or None.
        from_masks: patches by what their mask made of them, {} where labels come from elsewhere.
        read_as: what in masks means landslide, or "". tile: side of the tiles that images were cut into.
    """

    items: Sequence[Item]
    shown: Sequence[Item]
    shape: Shape
    is_bytes: bool
    bands: tuple[Band, ...]
    nodata: float | None
    quantiles: np.ndarray
    n_looked: int
    n_labels: Mapping[int, int]
    pictures: np.ndarray
    picture_masks: np.ndarray | None
    has_masks: bool
    from_masks: Mapping[str, int]
    read_as: str = ""
    tile: int | None = None


def seen(collection: Collection, options: ReaderOptions, aside: Aside) -> Steps[Seen]:
    """Survey and read some of the items. Raises DataError where no patch can be used, as an import would."""
    chosen = _spread(collection.items, LOOKED)
    if options.tile is not None:
        chosen = _within(chosen, TILED_PIXELS)
    side = collection.resize if options.resize is None else options.resize
    some = yield from part(understood(replace(collection, items=chosen), options, aside), 0.1, 0.4)
    some = yield from part(cut(resized(aligned(some, options, aside), side), options, aside), 0.4, 0.6)
    items, shape, is_bytes, bands = survey_bands(some, options, aside)
    nodata = nodata_of(some, options, is_bytes)
    most = min(READ, max(1, READ_BYTES // (4 * math.prod(shape))))
    read, images, masks = yield from _read(_spread(items, most), shape, aside)
    as_missing(images, nodata)
    step = math.ceil(max(shape[1:]) / SIDE)
    places = [places[i] for places in [_by_class(read)] for i in range(min(SHOWN, len(places)))]
    labels = [item.label for item in items]
    return Seen(
        read,
        [read[place] for place in places],
        shape,
        is_bytes,
        bands,
        nodata,
        _quantiles(images),
        len(chosen),
        {label: labels.count(label) for label in (1, 0, -1)},
        images[places][:, :, ::step, ::step].copy(),
        masks[places][:, ::step, ::step].copy() if some.has_masks else None,
        some.has_masks,
        {k: v for k, v in dict(some.facts.get("patches_from_masks", {})).items() if isinstance(v, int)},
        str(some.facts.get("masks_read_as", "")),
        options.tile,
    )


def _spread(items: Sequence[Item], most: int) -> list[Item]:
    """At most ``most`` items, as many of each class, evenly over the source, in their order."""
    rows: dict[int, list[int]] = {}
    for row, item in enumerate(items):
        rows.setdefault(item.label, []).append(row)
    chosen: list[int] = []
    for left, of_class in enumerate(sorted(rows.values(), key=len)):  # a small class leaves its share to the others
        n = min(len(of_class), (most - len(chosen)) // (len(rows) - left))
        chosen += [of_class[place] for place in np.linspace(0, len(of_class) - 1, n).astype(int)] if n else []
    return [items[row] for row in sorted(chosen)]


def _within(items: Sequence[Item], pixels: int) -> list[Item]:
    """The first items that have so many pixels together; one at least."""
    kept: list[Item] = []
    total = 0
    for item in items:
        try:
            total += math.prod(item.patch.shape()[0][1:])
        except DataError:
            continue  # told when the headers are surveyed; here it only does not count
        if kept and total > pixels:
            break
        kept.append(item)
    return kept or list(items[:1])


def _read(items: Sequence[Item], shape: Shape, aside: Aside) -> Steps[tuple[list[Item], np.ndarray, np.ndarray]]:
    """The items that can be read, (n, C, H, W) float32 and (n, H, W) uint8. Raises DataError where none can."""
    read, images, masks = [], [], []
    for done, item in enumerate(items, 1):
        try:
            with to_single():
                pixels = item.patch.read().astype(np.float32)
        except DataError as error:
            aside.reject(item.file, error)
            continue
        read.append(item)
        images.append(pixels)
        masks.append(_mask(item, shape, aside))
        yield how_many_done(done, len(items), "patches read", 0.6, 0.95)
    if not read:
        first = aside.rejected[0]
        raise DataError(f"None of {len(items)} patches looked at can be read. {first.file}: {first.reason}")
    return read, np.stack(images), np.stack(masks)


def _mask(item: Item, shape: Shape, aside: Aside) -> np.ndarray:
    if item.mask is not None:
        try:
            mask = cast(Mask, item.mask).read()  # understood by now
            if mask.shape == shape[1:]:
                return (mask == LANDSLIDE).astype(np.uint8)
            aside.reject(f"mask of {item.file}", f"It is {mask.shape[0]}x{mask.shape[1]} pixels, unlike its patch.")
        except DataError as error:
            aside.reject(f"mask of {item.file}", error)
    return np.zeros(shape[1:], np.uint8)


def _by_class(items: Sequence[Item]) -> list[int]:
    """Places of at most SHOWN items: half of them positive where there are both, evenly over those read."""
    of = {label: [i for i, item in enumerate(items) if item.label == label] for label in (1, 0, -1)}
    room, chosen = SHOWN, []
    others = of[0] or of[-1]
    for rows, n in ((of[1], SHOWN // 2 if others else SHOWN), (others, SHOWN)):
        n = min(n, room, len(rows))
        chosen += [rows[place] for place in np.linspace(0, len(rows) - 1, n).astype(int)] if n else []
        room = SHOWN - len(chosen)
    return chosen


def _quantiles(images: np.ndarray) -> np.ndarray:
    found = []
    for band in range(images.shape[1]):
        flat = images[:, band].reshape(len(images), -1)
        values = flat[:, :: max(1, flat.shape[1] // VALUES)]
        values = values[np.isfinite(values)]
        found.append(np.quantile(values, [0, 0.01, 0.5, 0.99, 1]) if values.size else np.full(5, np.nan))
    return np.array(found)
