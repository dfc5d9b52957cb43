"""HDF5 files of anybody's making: arrays of patches with their labels in one file, or one file a patch.

The source is a file with an array of images (N, C, H, W), (N, H, W, C) or (N, H, W), and optionally labels, ids,
groups, splits, masks and places, found by their usual names or named in ``ReaderOptions.keys``; or a folder of files
with one image each, and masks beside them. The order of the axes is what their lengths allow; where they allow two, it
is refused until ``--layout`` says which. A dataset file of this program is not read again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from core.data.readers.axes import AXES, axes_of, channels_first
from core.data.readers.base import Aside, Collection, Item, ReaderOptions, some
from core.data.readers.files import patch_files
from core.data.readers.folders import ids
from core.data.readers.hdf5.facts import ids_of, labels_of, read_fact
from core.data.readers.hdf5.patches import (
    SUFFIXES,
    H5Mask,
    H5Patch,
    H5Row,
    H5RowMask,
    Rows,
    array_in,
    is_bytes,
)
from core.data.readers.pairs import pair
from core.data.readers.tables import DEFAULT_CLASSES
from core.data.readers.value_tags import ValueTags, tags_of, tell_tags
from core.data.store.hdf5 import open_safely
from core.errors import ConfigError, DataError, FormatError

# What a file may hold, and the names that people give it, in lower case.
USUAL: dict[str, tuple[str, ...]] = {
    "images": ("images", "image", "imgs", "img", "patches", "data", "x"),
    "labels": ("labels", "label", "targets", "target", "y"),
    "ids": ("ids", "id", "names", "patch_ids", "filenames"),
    "groups": ("groups", "group", "source_image", "scene", "scenes"),
    "split": ("split", "splits"),
    "masks": ("masks", "mask", "annotations"),
    "lonlat": ("lonlat", "lon_lat"),
}
MAX_ROWS = 1_000_000


def recognises(source: Path) -> bool:
    """Whether ``source`` is an HDF5 file that is no dataset file of ours, or a folder of patches that all are HDF5.

    By names; opens one file at most.
    """
    if source.is_file():
        return source.suffix.lower() in SUFFIXES and not is_own(source)
    return source.is_dir() and bool(patch_files(source, Aside(), kinds=SUFFIXES)) and not patch_files(source, Aside())


def is_own(path: Path) -> bool:
    """Whether a file looks like a dataset file of this program: it has a card. False for what cannot be opened."""
    try:
        with open_safely(path) as file:
            return "card" in file and "images" in file
    except DataError:
        return False


def collect(source: Path, options: ReaderOptions, aside: Aside) -> Collection:
    """The patches with what is known of them. Raises DataError when the file is refused or its arrays do not fit."""
    return _collect(source, options, aside, labelled=True)


def collect_unlabelled(source: Path, options: ReaderOptions, aside: Aside) -> Collection:
    """The patches without labels and masks."""
    return _collect(source, options, aside, labelled=False)


def _collect(source: Path, options: ReaderOptions, aside: Aside, labelled: bool) -> Collection:
    _check(options)
    if source.is_file():
        return _rows(source, options, aside, labelled)
    files = patch_files(source, aside, kinds=SUFFIXES, masks_too=True)
    if not files:
        raise FormatError(f"{source} holds no HDF5 file. Accepted endings: {', '.join(SUFFIXES)}.")
    found = pair(source, files, aside)
    if len(found.images) == 1 and not found.mask_of:
        return _rows(found.images[0], options, aside, labelled)
    return _single_files(source, files, options, aside, labelled)


def _check(options: ReaderOptions) -> None:
    unknown = [name for name in options.keys or () if name not in USUAL]
    if unknown:
        raise ConfigError(f"An HDF5 file may hold {', '.join(USUAL)}; not known: {some(unknown)}.")
    if options.labels or options.masks:
        raise ConfigError("This format finds labels and masks in the HDF5 files. Leave out --labels and --masks.")


# -------------------------------------------------------------------------------------------- one file of arrays


@dataclass(frozen=True)
class _Contents:
    """keys: of what is there. shape, is_bytes, tags: of the images. facts: (N,) texts or numbers."""

    keys: dict[str, str]
    shape: tuple[int, ...]
    is_bytes: bool
    facts: dict[str, np.ndarray]
    masks_shape: tuple[int, ...] | None
    tags: ValueTags


def _rows(path: Path, options: ReaderOptions, aside: Aside, labelled: bool) -> Collection:
    with open_safely(path) as file:
        contents = _contents(file, path, options, aside)
    n, facts = contents.shape[0], contents.facts
    n_bands = len(options.bands) if options.bands else None
    axes = axes_of(contents.shape[1:], f"A patch of {path.name}", n_bands, options.layout)
    size = channels_first(contents.shape[1:], axes)
    classes, labels = labels_of(facts.get("labels") if labelled else None, n, options, aside)
    names = ids_of(facts.get("ids"), path.stem, n, aside)
    images, masks = Rows(path, contents.keys["images"]), None
    if labelled and contents.masks_shape:
        masks = Rows(path, contents.keys["masks"])
    from_masks = masks is not None and "labels" not in facts
    if labelled and not from_masks and "labels" not in facts:
        aside.warn(f"{path.name} has neither labels nor masks, so its patches are unlabelled.")
    groups, split, lonlat = (facts.get(name) if labelled else None for name in ("groups", "split", "lonlat"))
    items = [
        Item(
            names[row],
            H5Row(images, row, f"{path.name}, row {row}", axes, size, contents.is_bytes),
            labels[row],
            None if groups is None else groups[row],
            None if split is None else split[row],
            masks and H5RowMask(masks, row, f"{path.name}, row {row}"),
            None if lonlat is None or not np.isfinite(lonlat[row]).all() else tuple(map(float, lonlat[row])),
        )
        for row in range(n)
    ]
    return Collection(
        f"hdf5: {path.name}",
        items,
        classes,
        has_masks=masks is not None,
        labels_from_masks=from_masks,
        unit=tell_tags({path.name: contents.tags}, {}, aside),
    )


def _contents(file: h5py.File, path: Path, options: ReaderOptions, aside: Aside) -> _Contents:
    if "card" in file and "images" in file:
        raise FormatError(f"{path.name} is a dataset file of this program already. Use it as it is: nothing to ingest.")
    arrays = _arrays(file)
    keys = _keys(arrays, options.keys or {}, path, aside)
    images = arrays[keys["images"]]
    if images.dtype.kind not in "iuf" or images.ndim not in (3, 4) or not images.size:
        raise FormatError(
            f"'{keys['images']}' of {path.name} holds {images.dtype} of the shape {images.shape}; accepted: numbers of "
            "(N, C, H, W), (N, H, W, C) or (N, H, W)."
        )
    n = len(images)
    if n > MAX_ROWS:
        raise FormatError(f"{path.name} holds {n} patches; at most {MAX_ROWS} are read. Divide it.")
    wrong = [f"'{key}' {arrays[key].shape}" for name, key in keys.items() if arrays[key].shape[:1] != (n,)]
    if wrong:
        raise FormatError(f"{path.name} has {n} images, but {some(wrong)} of another length. Name the right arrays.")
    if images.ndim == 3 and options.layout != "NHW" and set(keys) == {"images"}:
        raise FormatError(
            f"The images of {path.name} are {images.shape}: one patch of several bands, or several of one band? Say "
            "--layout NHW for the second."
        )
    facts = {name: read_fact(arrays[key], name, path) for name, key in keys.items() if name not in ("images", "masks")}
    masks = arrays[keys["masks"]].shape if "masks" in keys else None
    return _Contents(keys, images.shape, is_bytes(images), facts, masks, tags_of(images.attrs))


def _arrays(file: h5py.File) -> dict[str, h5py.Dataset]:
    """Every array of the file by its path, in the file's order."""
    found: dict[str, h5py.Dataset] = {}

    def keep(name: str, member: h5py.HLObject) -> None:
        if isinstance(member, h5py.Dataset):
            found[name] = member

    file.visititems(keep)
    return found


def _keys(arrays: Mapping[str, h5py.Dataset], named: Mapping[str, str], path: Path, aside: Aside) -> dict[str, str]:
    """Where what is: as the options say, or by the usual names; the only array of four axes is the images."""
    there = ", ".join(f"{key} {data.shape}" for key, data in list(arrays.items())[:20]) or "nothing"
    keys = {}
    for what, usual in USUAL.items():
        if what in named:
            if named[what].strip("/") not in arrays:
                raise FormatError(f"{path.name} has no array '{named[what]}' for the {what}. It has: {there}.")
            keys[what] = named[what].strip("/")
            continue
        found = [key for key in arrays if key.rsplit("/", 1)[-1].lower() in usual]
        if len(found) > 1:
            raise FormatError(
                f"{path.name} has several arrays that may be the {what}: {some(found)}. Say which: --keys {what}=NAME."
            )
        if found:
            keys[what] = found[0]
    if "images" not in keys:
        large = [key for key, data in arrays.items() if data.ndim == 4]
        if len(large) != 1:
            raise FormatError(f"Which array of {path.name} holds the images? Say --keys images=NAME. It has: {there}.")
        keys["images"] = large[0]
        aside.warn(f"'{large[0]}' was taken for the images of {path.name}: it is the only array of four axes.")
    return keys


# --------------------------------------------------------------------------------------------- one file a patch


def _single_files(source: Path, files: list[Path], options: ReaderOptions, aside: Aside, labelled: bool) -> Collection:
    found = pair(source, files, Aside())
    named = options.keys or {}
    axes = AXES[options.layout] if options.layout else None
    n_bands = len(options.bands) if options.bands else None
    items, tags = [], {}
    for path, name in ids(source, found.images).items():
        file = path.relative_to(source).as_posix()
        try:
            key = _only_array(path, "images", named)
            tags[file] = _tags_in(path, key)
            mask = found.mask_of.get(path) if labelled else None
            mask = mask and H5Mask(mask, mask.relative_to(source).as_posix(), _only_array(mask, "masks", named))
        except DataError as error:
            aside.reject(file, error)
            continue
        split = found.split_of.get(path, "" if found.split_of else None)
        patch = H5Patch(path, file, key, axes, n_bands)
        items.append(Item(name, patch, split=split, mask=mask, columns={"file": file}))
    has_masks = any(item.mask is not None for item in items)
    if labelled and not has_masks:
        aside.warn("The files have no masks beside them, so their patches are unlabelled.")
    return Collection(
        f"hdf5: {source.resolve().name}",
        items,
        DEFAULT_CLASSES,
        has_masks=has_masks,
        labels_from_masks=has_masks,
        unit=tell_tags(tags, {}, aside),
    )


def _tags_in(path: Path, key: str) -> ValueTags:
    with open_safely(path, checked=True) as file:
        return tags_of(file[key].attrs)


def _only_array(path: Path, what: str, named: Mapping[str, str]) -> str:
    """The key of the image, or mask, of a file that holds one."""
    with open_safely(path) as file:
        if what in named and array_in(file, named[what]) is not None:
            return named[what]
        arrays = {key: data for key, data in _arrays(file).items() if data.ndim in (2, 3)}
        usual = [key for key in arrays if key.rsplit("/", 1)[-1].lower() in USUAL[what]]
        candidates = usual or list(arrays)
        if len(candidates) != 1:
            there = some(list(arrays)) or "no array of two or three axes"
            raise FormatError(f"{path.name} has {there}. Say which is the {what}: --keys {what}=NAME.")
        return candidates[0]
