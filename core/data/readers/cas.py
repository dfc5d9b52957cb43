"""CAS Landslide: sub-datasets, each with ``img``, ``mask`` and ``label``; 512 px RGB pictures.

The source is the folder of sub-datasets (``Palu/img/Palu0001.tiff``, ``Palu/mask/...``), one of them, or a flat folder
of pictures without masks. Patches are labelled by the area that their mask (1 = landslide) covers, and unlabelled where
there is none; the column ``source`` names the sub-dataset, and each image is a group of its own. ``label`` is accepted
and not used: what it encodes is not documented. White may stand for no data: ``--nodata 255`` says so. (Xu et al., CAS
Landslide Dataset, Scientific Data 2024.)
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from core.data.readers.base import Aside, Collection, Item, ReaderOptions, some
from core.data.readers.files import FilePatch, patch_files
from core.data.readers.images import SUFFIXES
from core.data.readers.masks.files import FileMask
from core.data.readers.matching import FileIndex, match_masks
from core.data.readers.pairs import LITTER, WITHOUT_IMAGE, WITHOUT_MASK, split_of
from core.data.readers.tables import DEFAULT_CLASSES, LANDSLIDE
from core.errors import FormatError
from core.text import counted

IMAGES, MASKS, UNUSED = "img", "mask", "label"
MAX_DEPTH = 3  # folders between the source and a sub-dataset
MAX_SUBSETS = 1000


def recognises(source: Path) -> bool:
    """Whether ``source`` holds ``img`` with pictures, itself or in its sub-datasets."""
    if not source.is_dir():
        return False
    subsets = list(_subsets(source))
    if any(subset.name.lower() in LANDSLIDE for subset in subsets if subset != source):
        return False  # class folders, each with its images
    return any(_holds_pictures(subset / IMAGES) for subset in subsets)


def collect(source: Path, options: ReaderOptions, aside: Aside) -> Collection:
    """The images of all sub-datasets, labelled from their masks. Raises FormatError when there is none."""
    if not source.is_dir():
        raise FormatError(f"There is no folder {source}. Give the folder that holds the sub-datasets.")
    items = [item for subset in _subsets(source) for item in _items(source, subset, aside)] or _flat(source, aside)
    if not items:
        raise FormatError(
            f"{source} is not laid out as CAS Landslide: sub-datasets with img/ (and mask/) of pictures are expected. "
            "For other folders of patches use the format 'folders'."
        )
    without = [item.file for item in items if item.mask is None]
    if without:
        aside.warn(f"{counted(len(without), *WITHOUT_MASK)}: {some(without)}.")
    if any((subset / UNUSED).is_dir() for subset in _subsets(source)):
        aside.warn("The folders 'label' were not used: what they encode is not documented. Labels come from 'mask'.")
    if any(item.split for item in items):
        items = [replace(item, split=item.split or "") for item in items]
    masked = len(without) < len(items)
    return Collection(_title(source), items, DEFAULT_CLASSES, has_masks=masked, labels_from_masks=masked)


def collect_unlabelled(source: Path, options: ReaderOptions, aside: Aside) -> Collection:
    """The images of all sub-datasets without their masks."""
    found = collect(source, options, aside)
    items = [Item(item.id, item.patch, columns=item.columns) for item in found.items]
    return Collection(found.name, items, found.class_names)


def _title(source: Path) -> str:
    return f"cas: {source.resolve().name}"


def _subsets(source: Path) -> Iterator[Path]:
    """Folders with an ``img`` in them, links not followed: ``source`` itself, or those below it."""
    level, n = [source], 0
    for _ in range(MAX_DEPTH + 1):
        below = []
        for folder in level:
            if (folder / IMAGES).is_dir():
                n += 1
                yield folder
            else:
                below += _folders(folder)
            if n > MAX_SUBSETS:
                raise FormatError(f"{source} holds more than {MAX_SUBSETS} folders 'img'. Divide it.")
        level = below[: 10 * MAX_SUBSETS]


def _folders(folder: Path) -> list[Path]:
    with os.scandir(folder) as entries:  # which knows what is a folder without asking for each file
        names = [entry.name for entry in entries if entry.is_dir(follow_symlinks=False) and not _is_hidden(entry.name)]
    return [folder / name for name in sorted(names)]


def _is_hidden(name: str) -> bool:
    return name.startswith(".") or name.lower() in LITTER


def _holds_pictures(folder: Path) -> bool:
    return any(path.suffix.lower() in SUFFIXES for path in folder.iterdir())


def _items(source: Path, subset: Path, aside: Aside) -> list[Item]:
    name = "." if subset == source else subset.relative_to(source).as_posix()
    files = patch_files(subset / IMAGES, aside)
    mask_files = patch_files(subset / MASKS, aside) if (subset / MASKS).is_dir() else []
    masks = match_masks(files, FileIndex(subset / MASKS, mask_files), aside)
    items, used = [], set()
    for path in files:
        candidates = masks[path]
        if len(candidates) > 1:
            aside.reject(_relative(source, path), f"Several masks have its name: {some([c.name for c in candidates])}.")
            continue
        used.update(candidates)
        mask = FileMask(candidates[0], _relative(source, candidates[0])) if candidates else None
        items.append(_item(source, path, source.resolve().name if name == "." else name, mask))
    extra = [_relative(source, path) for path in mask_files if path not in used]
    if extra:
        aside.warn(f"{counted(len(extra), *WITHOUT_IMAGE)}: {some(extra)}.")
    return items


def _flat(source: Path, aside: Aside) -> list[Item]:
    """Pictures without sub-datasets: their names begin with the sub-dataset's (``Palu0117``, ``Haiti_Planet286``)."""
    files = [path for path in patch_files(source, aside) if path.suffix.lower() in SUFFIXES]
    return [_item(source, path, re.sub(r"[\d_\-. ]+$", "", path.stem) or path.stem, None) for path in files]


def _item(source: Path, path: Path, subset: str, mask: FileMask | None) -> Item:
    file = _relative(source, path)
    name = path.stem if path.stem.startswith(subset) else f"{subset}_{path.stem}"
    columns, split = {"file": file, "source": subset}, split_of(source, path)
    return Item(name, FilePatch(path, file), group=name, split=split, mask=mask, columns=columns)


def _relative(source: Path, path: Path) -> str:
    return path.relative_to(source).as_posix()
