"""From what a reader found to a dataset file, or to batches for prediction.

Comes in: a :class:`Collection` of patches with what is known of each. Goes out: the dataset file and a report. It knows
nothing of files, folders or tables: only that all patches of a dataset have one shape and one kind of numbers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path

import numpy as np

from core.data.bands import RGB_BANDS, ZINDI_BANDS, Band, bands_named
from core.data.dataset import BATCH_BYTES
from core.data.readers.base import Aside, Collection, IngestReport, Item, Progress, ReaderOptions, Shape, some
from core.data.readers.resized import resized
from core.data.readers.tables import typed_column
from core.data.readers.tiles import cut, nodata_of
from core.data.writer import MAX_TEXT, DatasetWriter
from core.errors import DataError, FormatError

MOST_AT_ONCE = 64  # patches of a batch
MAX_EXTRA_COLUMNS = 40


def build(
    collection: Collection, out: Path, options: ReaderOptions, aside: Aside
) -> Generator[Progress, None, IngestReport]:
    """Write the dataset file, yielding progress; the report is the generator's value.

    Patches of another shape or kind of numbers than most are set aside. Raises DataError when nothing remains.
    """
    collection = yield from cut(resized(collection, options.resize), options, aside)
    items, shape, is_bytes, bands = survey_bands(collection, options, aside)
    kept = _columns(items, aside)
    has_places = any(item.lonlat is not None for item in items)
    with DatasetWriter(
        out,
        bands=bands,
        shape_hw=shape[1:],
        class_names=collection.class_names,
        source=collection.name,
        licence=options.licence or collection.licence,
        dtype="uint8" if is_bytes else "float32",
        nodata=nodata_of(collection, options, is_bytes),
        facts={**collection.facts, "conflicting_ids": list(collection.conflicting_ids)},
    ) as writer:
        rows: list[int] = []
        for batch in _batches(items, shape, aside):
            members = [items[row] for row, _ in batch]
            rows += [row for row, _ in batch]
            writer.append(
                np.stack([pixels for _, pixels in batch]),
                [item.label for item in members],
                [item.id for item in members],
                groups=_all_or_none([item.group for item in members]),
                split=_all_or_none([item.split for item in members]),
                masks=np.stack([_mask(item, shape, aside) for item in members]) if collection.has_masks else None,
                lonlat=_places(members) if has_places else None,
                columns={name: values[[row for row, _ in batch]] for name, values in kept.items()},
            )
            yield Progress(rows[-1] + 1, len(items))
        if not rows:
            raise DataError(_nothing_left(len(items), aside))
        dataset = writer.finish()
    labels = dataset.labels
    return IngestReport(
        dataset.path,
        len(dataset),
        int((labels == 1).sum()),
        int((labels == -1).sum()),
        tuple(aside.rejected),
        tuple(aside.warnings),
    )


def batches(
    items: Sequence[Item], shape: Shape, aside: Aside, size: int = MOST_AT_ONCE
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """(ids (n,), images (n, C, H, W) float32) of surveyed items; n is at most ``size``."""
    for batch in _batches(items, shape, aside, size):
        with np.errstate(over="ignore"):  # what is beyond float32 becomes infinite, and is counted as such
            yield (
                np.array([items[row].id for row, _ in batch], dtype=np.str_),
                np.stack([pixels for _, pixels in batch]).astype(np.float32),
            )


def survey_bands(
    collection: Collection, options: ReaderOptions, aside: Aside
) -> tuple[list[Item], Shape, bool, tuple[Band, ...]]:
    """As ``survey``, and the bands: named in the options, prescribed by the format, or suggested by their number.

    Raises DataError when no patch has them.
    """
    names = options.bands or (collection.bands and tuple(band.name for band in collection.bands))
    items, shape, is_bytes = survey(collection.items, aside, names)
    prescribed = None if options.bands else collection.bands
    return items, shape, is_bytes, prescribed or choose_bands(shape[0], is_bytes, options.bands, aside)


def survey(
    items: Sequence[Item], aside: Aside, expected: tuple[str, ...] | None = None
) -> tuple[list[Item], Shape, bool]:
    """Items that share the most frequent shape and kind of numbers, that shape, and whether it is bytes.

    Reads headers only. ``expected`` are the names of the bands that files must have. Raises DataError when none fits.
    """
    found: list[tuple[Item, Shape, bool]] = []
    for item in items:
        try:
            shape, is_bytes = item.patch.shape()
            if expected and shape[0] != len(expected):
                raise FormatError(f"It has {shape[0]} bands; accepted: {len(expected)} ({some(list(expected), 20)}).")
            found.append((item, shape, is_bytes))
        except DataError as error:
            aside.reject(item.file, error)
    if not found:
        raise DataError(_nothing_left(len(items), aside))
    (shape, is_bytes), n = Counter((mine, mine_is_bytes) for _, mine, mine_is_bytes in found).most_common(1)[0]
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


def choose_bands(n: int, is_bytes: bool, names: Sequence[str] | None, aside: Aside) -> tuple[Band, ...]:
    """The bands of files with ``n`` channels: the names given, or what the number suggests, with a warning.

    Raises FormatError when the names do not fit.
    """
    if names is None:
        names = {
            12: [b.name for b in ZINDI_BANDS],
            3: ["red", "green", "blue"],
            4: ["red", "green", "blue", "nir"],
        }.get(n, [f"band_{i + 1}" for i in range(n)])
        if not (n == 3 and is_bytes):  # three channels of a picture are red, green and blue by its own format
            aside.warn(
                f"The files have {n} bands without names, taken as {', '.join(names)}. Say --bands a,b,c if not."
            )
    names = [name.strip() for name in names]
    if len(names) != n or len(set(names)) != n or not all(0 < len(name) <= 64 for name in names):
        raise FormatError(f"The files have {n} bands, and these names do not fit: {', '.join(names)}.")
    if not is_bytes:
        return bands_named(names)
    rgb = {band.name: band for band in RGB_BANDS}
    return tuple(rgb.get(name) or Band(name, name.replace("_", " "), unit="0-255") for name in names)


def _places(items: Sequence[Item]) -> np.ndarray:
    """(n, 2) degrees; nan where a patch has no place."""
    return np.array([item.lonlat or (np.nan, np.nan) for item in items], np.float64)


def _batches(
    items: Sequence[Item], shape: Shape, aside: Aside, most: int = MOST_AT_ONCE
) -> Iterator[list[tuple[int, np.ndarray]]]:
    size = max(1, min(most, BATCH_BYTES // (8 * int(np.prod(shape)))))
    batch: list[tuple[int, np.ndarray]] = []
    for row, item in enumerate(items):
        try:
            pixels = item.patch.read()
            if pixels.shape != shape:
                raise FormatError(f"{item.file} changed while it was read. Try again.")
            batch.append((row, pixels))
        except DataError as error:
            aside.reject(item.file, error)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


def _mask(item: Item, shape: Shape, aside: Aside) -> np.ndarray:
    empty = np.zeros(shape[1:], np.uint8)
    if item.mask is None:
        return empty
    try:
        mask = item.mask.read()
        if mask.shape != shape[1:]:
            raise FormatError(f"The mask is {mask.shape[0]}x{mask.shape[1]} pixels; the patch {_size(shape)}.")
        return mask
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
