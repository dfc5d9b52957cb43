"""Pictures before and after the event as one dataset: a patch is a pair, its bands stacked.

The pairs are told by folders or words in the names (``core.data.readers.moments.pairing``), or by two columns of the
labels CSV (``before`` and ``after``). Otherwise the source is one of ``folders``: class folders or a labels CSV,
groups, splits and masks are those of the pictures after the event. The bands after the event come first (``red``),
those before it behind them (``red_pre``).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import numpy as np

from core.data.names.reading import read_names
from core.data.readers import folders
from core.data.readers.base import Aside, Collection, Item, ReaderOptions, Shape, some
from core.data.readers.build import choose_bands
from core.data.readers.files import FilePatch, in_order, patch_files
from core.data.readers.matching import FileIndex
from core.data.readers.moments.pairing import Paired, paired
from core.data.readers.tables import Table, read_table
from core.errors import DataError, FormatError

PRE = "_pre"
SURE = 0.9  # share of a source's files that are pairs, from which it is taken for one of pairs without being told
COLUMNS = {
    "before": ("before", "pre", "before_image", "image_before", "pre_image", "image_pre", "before_file", "file_before",
               "pre_event"),
    "after": ("after", "post", "after_image", "image_after", "post_image", "image_post", "after_file", "file_after",
              "post_event"),
}  # fmt: skip
LAYOUTS = (
    "Accepted: folders before/ and after/ (pre and post, A and B) with pictures of the same names; names that end in "
    "_pre and _post (or _before and _after); or --labels with a CSV that has columns before and after."
)


@dataclass(frozen=True, slots=True)
class Pair:
    """A patch of two pictures. names: of the bands of one of them, () for not said."""

    after: FilePatch
    before: FilePatch
    names: tuple[str, ...] = ()

    @property
    def file(self) -> str:
        """That of the picture after the event."""
        return self.after.file

    def shape(self) -> tuple[Shape, bool]:
        """(2 C, H, W). Raises FormatError where the two differ in size, bands or kind of number."""
        (after, of_after), (before, of_before) = self.after.shape(), self.before.shape()
        if after != before or of_after != of_before:
            kinds = [f"{s[0]} bands of {s[1]}x{s[2]} pixels{', bytes' if b else ''}"
                     for s, b in ((before, of_before), (after, of_after))]  # fmt: skip
            raise FormatError(
                f"Before the event ({self.before.file}) it has {kinds[0]}, after it {kinds[1]}. Both need the same "
                "size, bands and kind of number."
            )
        return (2 * after[0], *after[1:]), of_after

    def read(self) -> np.ndarray:
        """(2 C, H, W), the bands after the event first."""
        return np.concatenate([self.after.read(), self.before.read()])

    def band_names(self) -> tuple[str, ...]:
        """Of both moments."""
        return (*self.names, *(f"{name}{PRE}" for name in self.names))

    def stamp(self) -> str:
        """Of both files."""
        return f"{self.after.stamp()} {self.before.stamp()}"


def recognises(source: Path) -> bool:
    """Whether nearly all pictures of a folder are pairs by plain words (before and after, pre and post)."""
    if not source.is_dir():
        return False
    files = patch_files(source, Aside())
    return bool(files) and 2 * len(paired(source, files).before_of) >= SURE * len(files)


def options_for(source: Path, options: ReaderOptions, aside: Aside) -> ReaderOptions:
    """Names of bands that are given for one moment are those of both."""
    if not options.bands or any(name.endswith(PRE) for name in read_names(options.bands, options.sensor).names):
        return options
    return options.model_copy(update={"bands": (*options.bands, *(f"{name}{PRE}" for name in options.bands))})


def collect(source: Path, options: ReaderOptions, aside: Aside) -> Collection:
    """The pairs with what is known of them. Raises FormatError where there are none."""
    by_table = _by_table(source, options, aside)
    pairs = Paired({}, {}, {}, ())
    if by_table is not None:
        pairs, column = by_table
        options = options.model_copy(update={"id_column": options.id_column or column})

    def after_only(files: Sequence[Path]) -> list[Path]:
        nonlocal pairs
        pairs = pairs if pairs.before_of else _by_name(source, files, aside)
        return [path for path in files if path in pairs.before_of]

    collection = folders.collect(source, options, aside, after_only)
    return _with_before(source, collection, pairs, options, aside)


def collect_unlabelled(source: Path, options: ReaderOptions, aside: Aside) -> Collection:
    """The pairs to predict."""
    if not source.is_dir():
        raise FormatError(f"{source.name} is one file; a pair is two. {LAYOUTS}")
    pairs = _by_name(source, in_order(patch_files(source, aside)), aside)
    items = [
        Item(name, FilePatch(path, path.relative_to(source).as_posix()))
        for path, name in folders.ids(source, list(pairs.before_of)).items()
    ]
    collection = Collection(f"before_after: {source.resolve().name}", items, folders.DEFAULT_CLASSES)
    return _with_before(source, collection, pairs, options, aside)


def _by_name(source: Path, files: Iterable[Path], aside: Aside) -> Paired:
    """The pairs by folders and names; what is alone is set aside."""
    pairs = paired(source, files, loose=True)
    if not pairs.before_of:
        raise FormatError(f"{source} holds no pairs of pictures before and after the event. {LAYOUTS}")
    for path, why in pairs.alone.items():
        aside.reject(path.relative_to(source).as_posix(), why)
    if pairs.neither:
        names = [path.relative_to(source).as_posix() for path in pairs.neither]
        aside.warn(f"{len(names)} files whose names say no moment were left out: {some(names)}.")
    return pairs


def _by_table(source: Path, options: ReaderOptions, aside: Aside) -> tuple[Paired, str] | None:
    """The pairs by the labels CSV, and its column of pictures after the event; None without such columns."""
    if options.labels is None:
        return None
    place = Path(options.labels)
    table = read_table(place if place.exists() or place.is_absolute() else source / place, aside)
    columns = {moment: named for moment, names in COLUMNS.items() if (named := _column(table, names)) is not None}
    if len(columns) < len(COLUMNS):
        return None
    index = FileIndex(source, patch_files(source, Aside(), masks_too=True))
    found: dict[Path, Path] = {}
    for row, line in zip(table.rows, table.lines, strict=True):
        cells = {moment: row[column] for moment, column in columns.items()}
        paths = {moment: index.find(text, table.path.parent) if text.strip() else [] for moment, text in cells.items()}
        wrong = [moment for moment, there in paths.items() if len(there) != 1]
        if wrong:
            text, n = cells[wrong[0]], len(paths[wrong[0]])
            said = "is empty" if not text.strip() else f"'{text[:60]}' names {n or 'no'} file{'s' * (n > 1)}"
            aside.reject(f"{table.path.name}, line {line}", f"Its {columns[wrong[0]]} {said}.", is_row=True)
        elif paths["after"] == paths["before"]:
            aside.reject(f"{table.path.name}, line {line}", "Its two pictures are one file.", is_row=True)
        else:
            found[paths["after"][0]] = paths["before"][0]
    if not found:
        raise FormatError(
            f"No row of {table.path.name} names two pictures of {source} ({columns['before']}, {columns['after']})."
        )
    return Paired(found, {path: path.stem for path in found}, {}, ()), columns["after"]


def _column(table: Table, names: Sequence[str]) -> str | None:
    return next((found[0] for name in names if (found := table.find(name))), None)


def _with_before(
    source: Path, collection: Collection, pairs: Paired, options: ReaderOptions, aside: Aside
) -> Collection:
    """The collection whose patches are pairs, under the names that both pictures share."""
    items, names = [], {item.id: _shared(item, pairs) for item in collection.items}
    unique = len(set(names.values())) == len(names)
    for item in collection.items:
        after = replace(cast(FilePatch, item.patch), layout=options.layout)  # as the folders gave it
        path = pairs.before_of[after.path]
        before = FilePatch(path, path.relative_to(source).as_posix(), layout=options.layout)
        pair = Pair(after, before, _names(after, options))
        columns = dict(item.columns) | {"file_before": before.file}
        items.append(replace(item, id=names[item.id] if unique else item.id, patch=pair, columns=columns))
    title = f"before_after: {source.resolve().name}"
    aside.warn(f"{len(items)} pairs: bands after the event have their own names, those before it end in {PRE}.")
    return replace(collection, name=title, items=tuple(items))


def _shared(item: Item, pairs: Paired) -> str:
    """The id of a picture after the event, its name as far as both have it."""
    path = cast(FilePatch, item.patch).path
    return item.id.removesuffix(path.stem) + pairs.shared[path] if item.id.endswith(path.stem) else item.id


def _names(patch: FilePatch, options: ReaderOptions) -> tuple[str, ...]:
    """Names of the bands of one picture: its own, or what their number suggests; () where the options name them."""
    own = [name for name in patch.band_names() if name]
    if own:
        return read_names(own, options.sensor).names
    if options.bands:
        return ()
    try:
        (n, *_), is_bytes = patch.shape()
    except DataError:
        return ()  # told where it is read
    return tuple(band.name for band in choose_bands(n, is_bytes, None, Aside()))
