"""From what a reader found to a dataset file, or to batches for prediction.

All patches of a dataset have one shape and one kind of numbers; those of another are set aside.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import cast

import numpy as np

from core.data.bands import ZINDI_BANDS, Band, with_optical_unit
from core.data.readers.bands.order import aligned, bands_of
from core.data.readers.base import (
    Aside,
    Collection,
    IngestReport,
    Item,
    Mask,
    Naming,
    ReaderOptions,
    Shape,
    how_many_done,
    some,
)
from core.data.readers.geo.tiles import cut, nodata_of
from core.data.readers.masks.agreement import Agreement
from core.data.readers.masks.raw import LANDSLIDE
from core.data.readers.masks.understood import UnusableMask, understood
from core.data.readers.resized import resized
from core.data.readers.spool import Batch, Spool, identity
from core.data.readers.tables import refuse_lost_class, typed_column
from core.data.shortcuts.properties import file_properties
from core.data.store.dataset import BATCH_BYTES, Dataset
from core.data.store.missing import to_single
from core.data.store.writer import MAX_TEXT, DatasetWriter
from core.errors import Asks, DataError, FormatError
from core.io.atomic import write_text
from core.progress import Steps, drain, part

MOST_AT_ONCE = 64  # patches of a batch
HEADERS_AT_ONCE = 1000  # between two signs of progress
MAX_EXTRA_COLUMNS = 40
SIDES = (16, 32, 64, 128, 224, 256, 512)  # pixels, that networks are usually given
LISTED, READ, DESCRIBED, WRITTEN = (
    0.1,
    0.55,
    0.65,
    0.8,
)  # shares of an import at which these are done; the rest is summarising


def build(collection: Collection, out: Path, options: ReaderOptions, aside: Aside) -> Steps[IngestReport]:
    """Write the dataset file; returns the report.

    Patches of another shape or kind of numbers than most are set aside. What a killed process had read of the same
    source is not read again (``spool``). Raises DataError when nothing remains.
    """
    if out.is_dir():
        raise DataError(f"{out} is a folder. Give the name of a file in it, ending in .h5.")
    side = collection.resize if options.resize is None else options.resize
    n_found = len(collection.items) + aside.n_files
    collection = yield from understood(collection, options, aside)
    collection = yield from cut(resized(aligned(collection, options, aside), side), options, aside)
    items, shape, is_bytes, bands = yield from _surveying(collection, options, aside, n_found)
    columns = _columns(items, aside)
    stated = {} if options.pixel_m is None else {"pixel_m": options.pixel_m}
    dtype = np.dtype(np.uint8 if is_bytes else np.float32)
    named = identity(items, (shape, str(dtype), bands, options, dict(collection.facts)))
    with Spool(out, named, shape, dtype, collection.has_masks) as spool:
        yield from _spool(items, shape, spool, aside)
        if not spool.n:
            raise DataError(_nothing_left(n_found, aside), aside.would_help)
        kept = [items[row] for row in spool.rows()]
        refuse_lost_class(
            (item.label for item in collection.items), (item.label for item in kept), collection.class_names, aside
        )
        files = yield from file_properties(kept, READ, DESCRIBED)
        writer = DatasetWriter(
            out,
            bands=bands,
            shape_hw=shape[1:],
            class_names=collection.class_names,
            source=collection.name,
            licence=options.licence or collection.licence,
            dtype=str(dtype),
            nodata=nodata_of(collection, options, is_bytes),
            facts={
                **collection.facts,
                **stated,
                "conflicting_ids": list(collection.conflicting_ids),
                "warnings": list(aside.warnings),
            },
        )
        agreement = Agreement(collection.class_names, options.mask_threshold)
        dataset = yield from _write(writer, items, columns, files, spool, agreement)
    agreement.tell(aside)
    if collection.manifest and options.manifest is not None:
        write_text(options.manifest, collection.manifest)
    labels = dataset.labels
    return IngestReport(
        dataset.path,
        len(dataset),
        int((labels == 1).sum()),
        int((labels == -1).sum()),
        tuple(aside.rejected),
        tuple(aside.warnings),
    )


def _spool(items: Sequence[Item], shape: Shape, spool: Spool, aside: Aside) -> Steps[None]:
    """Read what was not read yet."""
    spool.check_room(len(items))
    spool.replay(aside)
    said, warned = len(aside.rejected), len(aside.warnings)
    for batch, done in _batches(items, shape, aside, begin=spool.next_item):
        images = np.empty((len(batch), *shape), spool.dtype)
        masks = np.empty((len(batch), *shape[1:]), np.uint8) if spool.has_masks else None
        with to_single():
            for i, (row, pixels) in enumerate(batch):
                images[i] = pixels
                if masks is not None:
                    masks[i] = _mask(items[row], shape, aside)
        read = Batch([row for row, _ in batch], images, masks)
        spool.add(read, done, aside.rejected[said:], aside.warnings[warned:])
        said, warned = len(aside.rejected), len(aside.warnings)
        yield how_many_done(done, len(items), "patches read", LISTED, READ)


def _write(
    writer: DatasetWriter,
    items: Sequence[Item],
    columns: dict[str, np.ndarray],
    files: dict[str, np.ndarray],
    spool: Spool,
    agreement: Agreement,
) -> Steps[Dataset]:
    """The dataset file from what was read. columns: of all items; files: of those that were kept, in their order."""
    has_places = any(item.lonlat is not None for item in items)
    has_split = any(item.split for item in items)
    done = 0
    with writer:
        for batch in spool.batches():
            members = [items[row] for row in batch.rows]
            writer.append(
                batch.images,
                [item.label for item in members],
                [item.id for item in members],
                groups=_all_or_none([item.group for item in members]),
                split=[item.split or "" for item in members] if has_split else None,
                masks=batch.masks,
                lonlat=_places(members) if has_places else None,
                columns={name: values[batch.rows] for name, values in columns.items()},
                files={name: values[done : done + len(members)] for name, values in files.items()},
            )
            agreement.add(
                [item.id for item in members],
                [item.label for item in members],
                batch.masks,
                [_has_usable_mask(item) for item in members],
            )
            done += len(members)
            yield how_many_done(done, spool.n, "patches written", DESCRIBED, WRITTEN)
        return (yield from part(writer.finishing(), WRITTEN, 1.0))


def batches(
    items: Sequence[Item], shape: Shape, aside: Aside, size: int = MOST_AT_ONCE
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """(ids (n,), images (n, C, H, W) float32) of surveyed items; n is at most ``size``."""
    for batch, _ in _batches(items, shape, aside, size):
        if not batch:
            continue
        with to_single():
            yield (
                np.array([items[row].id for row, _ in batch], dtype=np.str_),
                np.stack([pixels for _, pixels in batch]).astype(np.float32),
            )


Survey = tuple[list[Item], Shape, bool, tuple[Band, ...]]


def survey_bands(collection: Collection, options: ReaderOptions, aside: Aside) -> Survey:
    """Items that share the most frequent shape and kind of numbers, that shape, whether it is bytes, and the bands.

    The bands are those named in the options, prescribed by the format, or suggested by their number. Reads headers
    only. Raises DataError when no patch has them.
    """
    return drain(_surveying(collection, options, aside))


def _surveying(collection: Collection, options: ReaderOptions, aside: Aside, n_found: int = 0) -> Steps[Survey]:
    names = collection.naming.names if collection.naming else ()
    names = names or tuple(band.name for band in collection.bands or ())
    items = collection.items
    n_found = n_found or len(items) + aside.n_files
    found: list[tuple[Item, Shape, bool]] = []
    for done, item in enumerate(items, 1):
        try:
            shape, is_bytes = item.patch.shape()
            if names and shape[0] != len(names):
                raise FormatError(f"It has {shape[0]} bands; accepted: {len(names)} ({some(list(names), 20)}).")
            found.append((item, shape, is_bytes))
        except DataError as error:
            aside.reject(item.file, error)
        if done % HEADERS_AT_ONCE == 0:
            yield how_many_done(done, len(items), "headers read", LISTED / 2, LISTED)
    if not found:
        raise DataError(_nothing_left(n_found, aside), aside.would_help)
    kept, shape, is_bytes = _alike(found, aside)
    bands = collection.bands or choose_bands(shape[0], is_bytes, collection.naming, aside)
    return kept, shape, is_bytes, with_optical_unit(bands, options.unit or collection.unit)


def _alike(found: Sequence[tuple[Item, Shape, bool]], aside: Aside) -> tuple[list[Item], Shape, bool]:
    """The items of the most frequent shape and kind of numbers, these, and the rest set aside.

    Raises DataError, naming what brings all to one size, when more would be set aside than kept.
    """
    (shape, is_bytes), n = Counter((mine, mine_is_bytes) for _, mine, mine_is_bytes in found).most_common(1)[0]
    if n < len(found):
        text, asks = _unlike(found, shape, n)
        if 2 * n < len(found):
            raise DataError(f"{text} Most of the source would be lost, so nothing was written.", asks)
        aside.warn(text, asks)
    kept = []
    for item, mine, mine_is_bytes in found:
        if mine != shape:
            aside.reject(item.file, f"It is {_size(mine)}; {n} others are {_size(shape)}.")
        elif mine_is_bytes != is_bytes:
            kinds = ("other numbers", "bytes (uint8)")
            aside.reject(item.file, f"It holds {kinds[mine_is_bytes]}; {n} others hold {kinds[is_bytes]}.")
        else:
            kept.append(item)
    return kept, shape, is_bytes


def _unlike(found: Sequence[tuple[Item, Shape, bool]], shape: Shape, n: int) -> tuple[str, Asks | None]:
    """How many are unlike most and what to do about it, and the option that would."""
    total, sizes = len(found), [mine[1:] for _, mine, _ in found]
    if len(set(sizes)) > 1:
        middle, least = sorted(map(min, sizes))[total // 2], min(map(min, sizes))
        resize = min(SIDES, key=lambda side: abs(side - middle))
        tile = max((side for side in SIDES if side <= least), default=least)
        cut = f"; --tile {tile} cuts them into tiles" if tile >= SIDES[0] else ""
        return (
            f"{total - n} of {total} images have another size than the most frequent, {shape[1]}x{shape[2]} pixels: "
            f"--resize {resize} brings all to one size{cut}."
        ), Asks("resize", suggested=resize)
    if len({mine[0] for _, mine, _ in found}) > 1:
        return f"{total - n} of {total} images have another number of bands than the most frequent, {shape[0]}.", None
    return f"{total - n} of {total} images hold another kind of numbers than most. Save all of them alike.", None


def choose_bands(n: int, is_bytes: bool, naming: Naming | None, aside: Aside) -> tuple[Band, ...]:
    """The bands of files with ``n`` channels: those named, or what the number suggests, with a warning.

    Raises FormatError when the names do not fit.
    """
    if naming is None:
        usual = {
            12: [b.name for b in ZINDI_BANDS],
            3: ["red", "green", "blue"],
            4: ["red", "green", "blue", "nir"],
        }.get(n, [f"band_{i + 1}" for i in range(n)])
        if not (n == 3 and is_bytes):  # three channels of a picture are red, green and blue by its own format
            aside.warn(
                f"The files have {n} bands without names, taken as {', '.join(usual)}. Say --bands a,b,c if not.",
                Asks("bands", suggested=",".join(usual)),
            )
        naming = Naming(tuple(usual))
    names = naming.names
    if len(names) != n or len(set(names)) != n or not all(0 < len(name) <= 64 for name in names):
        raise FormatError(f"The files have {n} bands, and these names do not fit: {', '.join(names)}.", Asks("bands"))
    return bands_of(naming, is_bytes)


def _places(items: Sequence[Item]) -> np.ndarray:
    """(n, 2) degrees; nan where a patch has no place."""
    return np.array([item.lonlat or (np.nan, np.nan) for item in items], np.float64)


def _batches(
    items: Sequence[Item], shape: Shape, aside: Aside, most: int = MOST_AT_ONCE, begin: int = 0
) -> Iterator[tuple[list[tuple[int, np.ndarray]], int]]:
    """Batches of (row, pixels) from the item ``begin`` on, each with the number of items looked at so far."""
    size = max(1, min(most, BATCH_BYTES // (8 * int(np.prod(shape)))))
    batch: list[tuple[int, np.ndarray]] = []
    for row in range(begin, len(items)):
        item = items[row]
        try:
            pixels = item.patch.read()
            if pixels.shape != shape:
                raise FormatError(f"{item.file} changed while it was read. Try again.")
            batch.append((row, pixels))
        except DataError as error:
            aside.reject(item.file, error)
        if len(batch) == size or row == len(items) - 1:
            yield batch, row + 1
            batch = []


def _has_usable_mask(item: Item) -> bool:
    stored = getattr(item.mask, "whole", item.mask)  # before it was resized or cut
    return stored is not None and not isinstance(stored, UnusableMask)


def _mask(item: Item, shape: Shape, aside: Aside) -> np.ndarray:
    empty = np.zeros(shape[1:], np.uint8)
    if item.mask is None:
        return empty
    try:
        mask = cast(Mask, item.mask).read()  # understood by now
        if mask.shape != shape[1:]:
            raise FormatError(f"The mask is {mask.shape[0]}x{mask.shape[1]} pixels; the patch {_size(shape)}.")
        return (mask == LANDSLIDE).astype(np.uint8)
    except DataError as error:
        aside.reject(f"mask of {item.file}", f"{error} The patch is kept with an empty mask.")
        return empty


def _columns(items: Sequence[Item], aside: Aside) -> dict[str, np.ndarray]:
    """Further facts of all items as arrays; columns with very long texts are left out."""
    names = list(dict.fromkeys(name for item in items for name in item.columns))
    kept = {}
    for name in names[:MAX_EXTRA_COLUMNS]:
        texts = [item.columns.get(name, "") for item in items]
        if max(map(len, texts)) > MAX_TEXT or any("\0" in text for text in texts):
            aside.warn(f"The column '{name}' was left out: a cell has more than {MAX_TEXT} characters.")
        else:
            kept[name] = typed_column(texts)
    if len(names) > MAX_EXTRA_COLUMNS:
        aside.warn(f"Only the first {MAX_EXTRA_COLUMNS} columns of the table were kept.")
    return kept


def _all_or_none(values: list[str | None]) -> list[str] | None:
    return None if any(value is None for value in values) else [str(value) for value in values]


def _size(shape: Shape) -> str:
    return f"{shape[1]}x{shape[2]} pixels with {shape[0]} bands"


def _nothing_left(n: int, aside: Aside) -> str:
    first = f" The first reason: {aside.rejected[0].file}: {aside.rejected[0].reason}" if aside.rejected else ""
    return f"None of {n} files can be used.{first}"
