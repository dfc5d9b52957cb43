"""Images and their masks where they lie in folders side by side, or in one folder under names that say which is which.

The name of a folder may state the split. No file is opened. Known:
``img/image_7.h5`` with ``mask/mask_7.h5``, ``images/train/image_7.h5`` with ``annotations/train/mask_7.h5``,
``train/images/Image_a.tif`` with ``train/masks/Mask_a.tif``, and all of it in one folder.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from core.data.readers.base import Aside, some

IMAGES = ("img", "imgs", "image", "images")
MASKS = ("mask", "masks", "label", "labels", "annotation", "annotations")
SPLITS = {
    **dict.fromkeys(("train", "training", "traindata", "trainset", "train_set"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "validdata", "valdata", "valset", "val_set", "dev"), "validation"),
    **dict.fromkeys(("test", "testing", "testdata", "testset", "test_set"), "test"),
}
LITTER = ("__macosx", "thumbs.db", "desktop.ini")  # what systems leave in folders
_FIRST_WORD = re.compile(rf"(?i:({'|'.join(sorted((*IMAGES, *MASKS), key=len, reverse=True))}))(?![a-z])[_\- ]?|()")
_Key = tuple[tuple[str, ...], str]


@dataclass(frozen=True)
class Pairs:
    """images: in their order. mask_of: by image. masks: all of them, with those that have no image.

    split_of: by image, "train", "validation" or "test", or no entry.
    """

    images: tuple[Path, ...]
    mask_of: dict[Path, Path]
    split_of: dict[Path, str]
    masks: frozenset[Path] = frozenset()


def pair(source: Path, files: Iterable[Path], aside: Aside) -> Pairs:
    """Which of ``files`` below ``source`` are masks, and of which of the others."""
    images, masks = [], {}
    for path in files:
        if is_mask(source, path):
            masks.setdefault(_key(source, path), path)
        else:
            images.append(path)
    mask_of = {path: masks[key] for path in images if (key := _key(source, path)) in masks}
    extra = sorted(str(path.relative_to(source)) for path in set(masks.values()) - set(mask_of.values()))
    if extra:
        aside.warn(f"{len(extra)} masks have no image and were left out: {some(extra)}.")
    splits = {path: split for path in images if (split := split_of(source, path))}
    return Pairs(tuple(images), mask_of, splits, frozenset(masks.values()))


def is_mask(source: Path, path: Path) -> bool:
    """Whether the nearest folder below ``source`` that says so, or else the file's first word, says mask."""
    for folder in reversed(_folders(source, path)):
        if folder in (*IMAGES, *MASKS):
            return folder in MASKS
    word = _FIRST_WORD.match(path.stem).group(1)
    return word is not None and word.lower() in MASKS


def _key(source: Path, path: Path) -> _Key:
    """What an image and its mask share: the folders without those words, and the name without its first such word."""
    folders = tuple(name for name in _folders(source, path) if name not in (*IMAGES, *MASKS))
    return folders, _FIRST_WORD.sub("", path.stem, count=1).lower()


def _folders(source: Path, path: Path) -> tuple[str, ...]:
    return tuple(name.lower() for name in path.relative_to(source).parts[:-1])


def split_of(source: Path, path: Path) -> str | None:
    """What a folder of ``path`` below ``source``, the nearest first, says: "train", "validation", "test" or None."""
    return next((SPLITS[name] for name in reversed(_folders(source, path)) if name in SPLITS), None)
