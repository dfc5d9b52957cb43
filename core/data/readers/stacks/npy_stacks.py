"""``.npy`` files that each hold an array of all patches, as ``numpy.save`` and an unpacked ``.npz`` leave them.

``images.npy`` (N, H, W, C) with ``labels.npy``, ``x_train.npy`` with ``y_train.npy`` and the same of ``val`` and
``test``, ``trainX.npy`` with ``trainY.npy`` (HR-GLDD): labels where there is one value a patch, masks where there is
one a pixel. The split is kept. A table (``--labels``, or the only one beside them) gives the labels, by its column of
row numbers or in its rows' order.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from core.data.readers.axes import without_single
from core.data.readers.base import Aside, Collection, ReaderOptions, some
from core.data.readers.files import patch_files
from core.data.readers.npy import read_header
from core.data.readers.pairs import SPLITS
from core.data.readers.stacks.rows import USUAL, rows_of
from core.data.readers.stacks.stored import MAX_STACK, NpyArrays, readable
from core.data.readers.tables import Table, as_number, read_table
from core.errors import ConfigError, DataError, FormatError

SUFFIX = ".npy"
LEAST_SIDE = 8  # pixels; a shorter last axis counts bands
_FURTHER = {"msk": "masks", "gt": "masks", "xs": "images", "ys": "labels"}
_ROLES = {word: role for role, words in USUAL.items() for word in words} | _FURTHER
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")
_NUMBERS = ("id", "index", "row", "number")  # columns that may count the rows


def recognises(source: Path) -> bool:
    """Whether ``source`` is a .npy of four axes, or a folder of .npy files one of which holds many patches.

    Opens headers only.
    """
    if source.is_file():
        return source.suffix.lower() == SUFFIX and _is_stack(source)
    if not source.is_dir():
        return False
    files = patch_files(source, Aside(), masks_too=True)
    if not files or any(path.suffix.lower() != SUFFIX for path in files) or len(files) > 100:
        return False
    return any(map(_is_stack, files)) or any(map(_is_grey_stack, _sets(source, files).values()))


def _is_grey_stack(parts: Mapping[str, Path]) -> bool:
    """Whether the images are (N, H, W): something beside them has a value for each of N, or for each pixel."""
    images = _shape(parts["images"]) if "images" in parts else ()
    beside = [_shape(path) for role, path in parts.items() if role != "images"]
    return len(images) == 3 and min(images[1:]) >= LEAST_SIDE and any(one in (images[:1], images) for one in beside)


def _is_stack(path: Path) -> bool:
    """Whether it is an array of four axes, and the first counts several patches."""
    return len(without_single(_shape(path))) == 4


def _shape(path: Path) -> tuple[int, ...]:
    """From the header; () for what holds no plain array."""
    try:
        return read_header(path, MAX_STACK, "iufbUS").shape
    except DataError:
        return ()


def collect(source: Path, options: ReaderOptions, aside: Aside) -> Collection:
    """The patches of every set with what is known of them. Raises DataError when the arrays do not fit."""
    return _collect(source, options, aside, labelled=True)


def collect_unlabelled(source: Path, options: ReaderOptions, aside: Aside) -> Collection:
    """The patches without labels and masks."""
    return _collect(source, options, aside, labelled=False)


def _collect(source: Path, options: ReaderOptions, aside: Aside, labelled: bool) -> Collection:
    if options.masks:
        raise ConfigError("This format finds masks in an array beside the images (masks.npy). Leave out --masks.")
    root = source.parent if source.is_file() else source
    files = [source] if source.is_file() else patch_files(source, aside, masks_too=True)
    unread = [path.name for path in files if not readable(path)]
    if unread:
        aside.warn(f"{some(unread)} hold no plain numbers or text and were not read.")
    sets = {key: parts for key, parts in _sets(root, files).items() if set(parts) & set(USUAL)}
    if source.is_file():
        sets = {("", ""): {"images": source}}
    if not any("images" in parts for parts in sets.values()):
        raise FormatError(
            f"{source} names no array of images: images.npy or x_train.npy is expected, with labels.npy or y_train.npy."
        )
    table = _table(root, options, sets, aside) if labelled else None
    found = []
    for (stem, split), parts in sorted(sets.items()):
        if "images" not in parts:
            aside.warn(f"{some([path.name for path in parts.values()])} have no images beside them and were left out.")
            continue
        stored = NpyArrays(parts["images"].relative_to(root).as_posix(), parts)
        labels = None if table is None else np.array([row[_label(table)] for row in table.rows], dtype=np.str_)
        one = rows_of(stored, _stem(parts["images"], stem, split), options, aside, labelled, labels)
        kept = split or ("" if len(sets) > 1 or split else None)
        found.append((one, kept))
    return _joined(source, found)


def _joined(source: Path, found: list[tuple[Collection, str | None]]) -> Collection:
    items = [
        replace(item, split=split if item.split is None else item.split, columns={**item.columns, "file": one.name})
        for one, split in found
        for item in one.items
    ]
    repeated = [name for name, n in Counter(item.id for item in items).items() if n > 1]
    if repeated:
        items = [replace(item, id=f"{item.columns['file'].removesuffix(SUFFIX)}_{item.id}") for item in items]
    first = found[0][0]
    return replace(
        first,
        name=f"npy: {source.resolve().name}",
        items=items,
        has_masks=any(one.has_masks for one, _ in found),
        labels_from_masks=any(one.labels_from_masks for one, _ in found),
    )


def _sets(root: Path, files: list[Path]) -> dict[tuple[str, str], dict[str, Path]]:
    """(rest of the name, split) -> what each file of it is: images, labels, masks; unknown words stay as they are."""
    found: dict[tuple[str, str], dict[str, Path]] = defaultdict(dict)
    for path in files:
        if not readable(path):
            continue
        folders = [part.lower() for part in path.relative_to(root).parts[:-1]]
        words = [part for word in _WORD.findall(path.stem) for part in _apart(word.lower())]
        split = next((SPLITS[word] for word in [*words, *reversed(folders)] if word in SPLITS), "")
        roles = [_ROLES[word] for word in words if word in _ROLES]
        rest = "_".join(word for word in words if word not in _ROLES and word not in SPLITS)
        place = "/".join(part for part in folders if part not in SPLITS)
        role = roles[-1] if roles else rest or path.stem
        found[f"{place}/{rest}".strip("/") if roles else place, split].setdefault(role, path)
    if len(found) == 1 or any("images" in parts for parts in found.values()):
        return dict(found)
    return _by_axes(found)


def _apart(word: str) -> tuple[str, ...]:
    """``xtrain`` and ``trainx`` in two."""
    if word[:1] in ("x", "y") and word[1:] in SPLITS:
        return word[0], word[1:]
    return (word[:-1], word[-1]) if word[-1:] in ("x", "y") and word[:-1] in SPLITS else (word,)


def _by_axes(sets: Mapping[tuple[str, str], dict[str, Path]]) -> dict[tuple[str, str], dict[str, Path]]:
    """Where no name says images, the only array of four axes of a set is."""
    for parts in sets.values():
        large = [role for role, path in parts.items() if role not in USUAL and len(_shape(path)) == 4]
        if len(large) == 1:
            parts["images"] = parts.pop(large[0])
    return dict(sets)


def _stem(images: Path, stem: str, split: str) -> str:
    return "_".join(part for part in (split, stem.replace("/", "_")) if part) or images.stem


def _table(root: Path, options: ReaderOptions, sets: Mapping, aside: Aside) -> Table | None:
    """The table whose rows are the patches in their order; None where arrays say the labels."""
    path = options.labels
    if path is None:
        beside = sorted(root.glob("*.csv"))
        if len(beside) != 1 or len(sets) != 1 or any("labels" in parts for parts in sets.values()):
            return None
        path = beside[0]
    elif not Path(path).exists() and not Path(path).is_absolute():
        path = root / path
    if len(sets) > 1:
        raise FormatError(
            f"Which of the {len(sets)} sets of arrays does {Path(path).name} belong to? Import one by one."
        )
    table = read_table(Path(path), aside)
    _label(table)
    for name in _NUMBERS:
        numbers: list[Any] = (
            [as_number(row[table.column(name, (), "rows")]) for row in table.rows] if table.has(name) else []
        )
        for first in (0, 1):
            if numbers and sorted(map(str, numbers)) == sorted(str(float(i + first)) for i in range(len(numbers))):
                rows = [table.rows[i] for i in sorted(range(len(numbers)), key=numbers.__getitem__)]
                return replace(table, rows=tuple(rows))
    aside.warn(f"The rows of {table.path.name} are taken in their order for the patches.")
    return table


def _label(table: Table) -> str:
    return table.column(None, ("label", "labels", "target", "class", "y"), "labels")
