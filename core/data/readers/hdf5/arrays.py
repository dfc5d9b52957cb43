"""HDF5 files of anybody's making: arrays of patches with their labels in one file, or one file a patch.

The source is a file with an array of images (N, C, H, W), (N, H, W, C) or (N, H, W), and optionally labels, ids,
groups, splits, masks and places, found by their usual names or named in ``ReaderOptions.keys``; or a folder of files
with one image each, and masks beside them. The order of the axes is what their lengths allow; where they allow two, it
is refused until ``--layout`` says which. A dataset file of this program is not read again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import h5py

from core.data.readers.axes import AXES
from core.data.readers.base import Aside, Collection, Item, ReaderOptions, some
from core.data.readers.files import patch_files
from core.data.readers.folders import ids
from core.data.readers.hdf5.patches import SHARED, SUFFIXES, H5Mask, H5Patch, array_in, tags_in
from core.data.readers.layouts import elsewhere
from core.data.readers.pairs import pair
from core.data.readers.stacks.rows import USUAL, rows_of
from core.data.readers.stacks.stored import H5Arrays, members
from core.data.readers.tables import DEFAULT_CLASSES
from core.data.readers.value_tags import ValueTags, tell_tags
from core.data.store.hdf5 import open_safely
from core.errors import ConfigError, DataError, FormatError


def recognises(source: Path) -> bool:
    """Whether ``source`` is an HDF5 file that is no dataset file of ours, or a folder of patches that all are HDF5.

    By names; opens one file at most.
    """
    if source.is_file():
        return source.suffix.lower() in SUFFIXES and _may_be(source) and not is_own(source)
    if not source.is_dir() or patch_files(source, Aside()):
        return False
    files = patch_files(source, Aside(), kinds=SUFFIXES)
    return bool(files) and _may_be(files[0])


def _may_be(path: Path) -> bool:
    """Whether a file is HDF5 as its ending says. Endings that others use too (.mat, .nc) are looked at."""
    return path.suffix.lower() not in SHARED or bool(h5py.is_hdf5(path))


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
        if not _may_be(source):
            raise FormatError(f"{source.name} is no HDF5 file. {elsewhere.advice(source)}")
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


def _rows(path: Path, options: ReaderOptions, aside: Aside, labelled: bool) -> Collection:
    found = rows_of(H5Arrays(path), path.stem, options, aside, labelled)
    return replace(found, name=f"hdf5: {path.name}")


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
            at = found.mask_of.get(path) if labelled else None
            mask = H5Mask(at, at.relative_to(source).as_posix(), _only_array(at, "masks", named)) if at else None
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
        return tags_in(file[key])


def _only_array(path: Path, what: str, named: Mapping[str, str]) -> str:
    """The key of the image, or mask, of a file that holds one."""
    with open_safely(path, foreign=True) as file:
        if what in named and array_in(file, named[what]) is not None:
            return named[what]
        arrays = {key: data for key, data in members(file).items() if data.ndim in (2, 3)}
        usual = [key for key in arrays if key.rsplit("/", 1)[-1].lower() in USUAL[what]]
        candidates = usual or list(arrays)
        if len(candidates) != 1:
            there = some(list(arrays)) or "no array of two or three axes"
            raise FormatError(
                f"{path.name} has {there}. Say which is the {what}: --keys {what}=NAME, or use "
                "the format 'netcdf' if each is a band."
            )
        return candidates[0]
