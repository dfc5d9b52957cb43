"""Images and their masks where they lie in folders side by side, or in one folder under names that say which is which.

The name of a folder may state the split. No file is opened. Known:
``img/image_7.h5`` with ``mask/mask_7.h5``, ``images/train/image_7.h5`` with ``annotations/train/mask_7.h5``,
``train/images/Image_a.tif`` with ``train/masks/Mask_a.tif``, ``a.tif`` with ``a_mask.tif``, and all in one folder.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from core.data.readers.base import Aside, some
from core.text import counted

IMAGES = ("img", "imgs", "image", "images")
MASKS = ("mask", "masks", "label", "labels", "annotation", "annotations")
SPLITS = {
    **dict.fromkeys(("train", "training", "traindata", "trainset", "train_set"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "validdata", "valdata", "valset", "val_set", "dev"), "validation"),
    **dict.fromkeys(("test", "testing", "testdata", "testset", "test_set"), "test"),
}
WITHOUT_MASK = ("image has no mask and stays unlabelled", "images have no mask and stay unlabelled")
WITHOUT_IMAGE = ("mask has no image and was left out", "masks have no image and were left out")
LITTER = ("__macosx", "thumbs.db", "desktop.ini")  # what systems leave in folders
_MASK_ENDS = (*MASKS, "gt", "seg", "segmentation", "groundtruth", "ground_truth")
_FIRST_WORD = re.compile(rf"(?i:({'|'.join(sorted((*IMAGES, *MASKS), key=len, reverse=True))}))(?![a-z])[_\- ]?|()")
_LAST_WORD = re.compile(rf"(?i)(?<=.)[_\- .]+({'|'.join(sorted((*IMAGES, *_MASK_ENDS), key=len, reverse=True))})$|()$")
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
    files = list(files)
    by_word = {path for path in files if is_mask(source, path)}
    named = {_key(source, path) for path in files if path not in by_word and not _ends_as_mask(source, path)}
    images: list[Path] = []
    masks: dict[_Key, list[Path]] = defaultdict(list)
    for path in files:
        key = _key(source, path)
        # A last word alone may be a part of the name: it counts where the image is there too.
        if path in by_word or (_ends_as_mask(source, path) and key in named):
            masks[key].append(path)
        else:
            images.append(path)
    mask_of: dict[Path, Path] = {}
    images_of: dict[_Key, list[Path]] = defaultdict(list)
    for path in images:
        images_of[_key(source, path)].append(path)
    unclear = []
    for key, members in images_of.items():
        if len(members) == len(masks.get(key, ())) == 1:
            mask_of[members[0]] = masks[key][0]
        elif masks.get(key):
            exact = {path: [mask for mask in masks[key] if mask.stem == path.stem] for path in members}
            mask_of |= {path: same[0] for path, same in exact.items() if len(same) == 1}
            unclear += [str(path.relative_to(source)) for path, same in exact.items() if len(same) != 1]
    if unclear:
        aside.warn(
            f"{len(unclear)} images have several masks by their name, or share one, and got none: {some(unclear)}."
        )
    lonely = {mask for members in masks.values() for mask in members} - set(mask_of.values())
    extra = sorted(str(path.relative_to(source)) for path in lonely)
    if extra:
        aside.warn(f"{counted(len(extra), *WITHOUT_IMAGE)}: {some(extra)}.")
    splits = {path: split for path in images if (split := split_of(source, path))}
    return Pairs(tuple(images), mask_of, splits, frozenset(mask for members in masks.values() for mask in members))


def is_mask(source: Path, path: Path) -> bool:
    """Whether the nearest folder below ``source`` that says so, or else the file's first word, says mask."""
    for folder in reversed(_folders(source, path)):
        if folder in (*IMAGES, *MASKS):
            return folder in MASKS
    return _word(_FIRST_WORD.match(path.stem)) in MASKS


def _ends_as_mask(source: Path, path: Path) -> bool:
    """Whether the file's last word says mask, and its folder does not say that it is an image."""
    if any(folder in IMAGES for folder in _folders(source, path)):
        return False
    return _word(_LAST_WORD.search(path.stem)) in _MASK_ENDS


def masks_beside(files: Iterable[Path]) -> dict[Path, Path]:
    """Masks that lie in their image's own folder, by image: ``a_mask.png`` or ``mask_a.png`` beside ``a.png``."""
    by_name: dict[tuple[Path, str], list[Path]] = defaultdict(list)
    for path in files:
        by_name[path.parent, bare_name(path.stem)].append(path)
    found = {}
    for members in by_name.values():
        masks = [path for path in members if len(members) == 2 and _says_mask(path)]
        if len(masks) == 1:
            image = next(path for path in members if path not in masks)
            found[image] = masks[0]
    return found


def _says_mask(path: Path) -> bool:
    words = _word(_FIRST_WORD.match(path.stem)), _word(_LAST_WORD.search(path.stem))
    return any(word in _MASK_ENDS for word in words)


def _word(found: re.Match[str] | None) -> str:
    """The word that was found, in lower case; "" for none."""
    return (found[1] or "").lower() if found else ""


def bare_name(stem: str) -> str:
    """What the names of an image and of its mask share: image_7, mask_7, 7 and 7_mask are all 7. In lower case, NFC."""
    plain = unicodedata.normalize("NFC", stem)
    first = _FIRST_WORD.sub("", plain, count=1)
    return (_LAST_WORD.sub("", first, count=1) or first or plain).casefold()


def _key(source: Path, path: Path) -> _Key:
    """What an image and its mask share: the folders without those words, and the name without such words."""
    folders = tuple(name for name in _folders(source, path) if name not in (*IMAGES, *MASKS))
    return folders, bare_name(path.stem)


def _folders(source: Path, path: Path) -> tuple[str, ...]:
    return tuple(name.lower() for name in path.relative_to(source).parts[:-1])


def split_of(source: Path, path: Path) -> str | None:
    """What a folder of ``path`` below ``source``, the nearest first, says: "train", "validation", "test" or None."""
    return next((SPLITS[name] for name in reversed(_folders(source, path)) if name in SPLITS), None)
