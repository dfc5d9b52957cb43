"""Patches that are the rows of an array, with what other arrays beside it say of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.arrays import pair
from core.data.readers.axes import axes_of, channels_first
from core.data.readers.base import Aside, Collection, Item, ReaderOptions, some
from core.data.readers.hdf5.facts import ids_of, labels_of, read_fact
from core.data.readers.hdf5.patches import H5Row, H5RowMask, Rows, is_bytes, tags_in
from core.data.readers.stacks.stored import Arrays, listed_bands, scale_bands
from core.data.readers.value_tags import ValueTags, tell_tags
from core.errors import Asks, FormatError

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


@dataclass(frozen=True)
class _Contents:
    """keys: of what is there. shape, is_bytes, tags: of the images. facts: (N,) texts or numbers. bands: names."""

    keys: dict[str, str]
    shape: tuple[int, ...]
    is_bytes: bool
    facts: dict[str, np.ndarray]
    bands: tuple[str, ...]
    tags: ValueTags


def rows_of(
    stored: Arrays, stem: str, options: ReaderOptions, aside: Aside, labelled: bool, labels: np.ndarray | None = None
) -> Collection:
    """The patches of one set of arrays. labels: (N,) of a table beside it.

    Raises DataError when its arrays do not fit.
    """
    with stored.opened() as arrays:
        contents = _contents(arrays, stored.name, options, aside)
    n, facts = contents.shape[0], contents.facts
    if labels is not None:
        if len(labels) != n:
            raise FormatError(f"The table has {len(labels)} rows, and {stored.name} {n} patches. Both need the same.")
        facts = {**facts, "labels": labels}
    n_bands = len(contents.bands) or (len(options.bands) if options.bands else None)
    axes = axes_of(contents.shape[1:], f"A patch of {stored.name}", n_bands, options.layout)
    size = channels_first(contents.shape[1:], axes)
    classes, found = labels_of(facts.get("labels") if labelled else None, n, options, aside)
    names = ids_of(facts.get("ids"), stem, n, aside)
    images, masks = Rows(stored, contents.keys["images"]), None
    if labelled and "masks" in contents.keys:
        masks = Rows(stored, contents.keys["masks"])
    from_masks = masks is not None and "labels" not in facts
    if labelled and not from_masks and "labels" not in facts:
        aside.warn(f"{stored.name} has neither labels nor masks, so its patches are unlabelled.")
    groups, split, lonlat = (facts.get(name) if labelled else None for name in ("groups", "split", "lonlat"))
    bands = contents.bands if len(contents.bands) == size[0] else ()
    items = [
        Item(
            names[row],
            H5Row(images, row, f"{stored.name}, row {row}", axes, size, contents.is_bytes, bands),
            found[row],
            None if groups is None else groups[row],
            None if split is None else split[row],
            H5RowMask(masks, row, f"{stored.name}, row {row}") if masks else None,
            None if lonlat is None or not np.isfinite(lonlat[row]).all() else pair(lonlat[row]),
        )
        for row in range(n)
    ]
    return Collection(
        stored.name,
        items,
        classes,
        has_masks=masks is not None,
        labels_from_masks=from_masks,
        unit=tell_tags({stored.name: contents.tags}, {}, aside),
    )


def _contents(arrays: Mapping[str, Any], name: str, options: ReaderOptions, aside: Aside) -> _Contents:
    if "card" in arrays and "images" in arrays:
        raise FormatError(f"{name} is a dataset file of this program already. Use it as it is: nothing to ingest.")
    keys = _keys(arrays, options.keys or {}, name, aside)
    images = arrays[keys["images"]]
    if images.dtype.kind not in "iuf" or images.ndim not in (3, 4) or not images.size:
        raise FormatError(
            f"'{keys['images']}' of {name} holds {images.dtype} of the shape {images.shape}; accepted: numbers of "
            "(N, C, H, W), (N, H, W, C) or (N, H, W)."
        )
    n = len(images)
    if n > MAX_ROWS:
        raise FormatError(f"{name} holds {n} patches; at most {MAX_ROWS} are read. Divide it.")
    if _are_masks(arrays.get(keys.get("labels", "")), images) and "masks" not in keys:
        keys["masks"] = keys.pop("labels")
        aside.warn(f"'{keys['masks']}' of {name} has the shape of masks, and was taken for them.")
    wrong = [f"'{key}' {arrays[key].shape}" for key in keys.values() if arrays[key].shape[:1] != (n,)]
    if wrong:
        raise FormatError(f"{name} has {n} images, but {some(wrong)} of another length. Name the right arrays.")
    if images.ndim == 3 and options.layout != "NHW" and set(keys) == {"images"}:
        raise FormatError(
            f"The images of {name} are {images.shape}: one patch of several bands, or several of one band? Say "
            "--layout NHW for the second.",
            Asks("layout", ("NHW", "NCHW", "NHWC")),
        )
    facts = {what: read_fact(arrays[key], what, name) for what, key in keys.items() if what not in ("images", "masks")}
    file = getattr(getattr(images, "whole", images), "file", None)
    bands: tuple[str, ...] = ()
    if file is not None:
        data = getattr(images, "whole", images)
        bands = scale_bands(data) or listed_bands([data, file])
    return _Contents(keys, images.shape, is_bytes(images), facts, bands, tags_in(images))


def _are_masks(labels: Any, images: Any) -> bool:
    """Whether what is called labels has a value for every pixel."""
    if labels is None or labels.ndim < 3:
        return False
    sides = [side for side in labels.shape[1:] if side != 1]
    return len(sides) == 2 and (list(images.shape[1:3]) == sides or list(images.shape[-2:]) == sides)


def _asks_key(what: str, found: Sequence[str], named: Mapping[str, str]) -> Asks:
    said = [f"{name}={key}" for name, key in named.items() if name != what]
    return Asks("keys", tuple(",".join([*said, f"{what}={key}"]) for key in found))


def _keys(arrays: Mapping[str, Any], named: Mapping[str, str], name: str, aside: Aside) -> dict[str, str]:
    """Where what is: as the options say, or by the usual names; the only array of four axes is the images."""
    there = ", ".join(f"{key} {data.shape}" for key, data in list(arrays.items())[:20]) or "nothing"
    keys = {}
    for what, usual in USUAL.items():
        if what in named:
            if named[what].strip("/") not in arrays:
                raise FormatError(f"{name} has no array '{named[what]}' for the {what}. It has: {there}.")
            keys[what] = named[what].strip("/")
            continue
        found = [key for key in arrays if key.rsplit("/", 1)[-1].lower() in usual]
        if len(found) > 1:
            raise FormatError(
                f"{name} has several arrays that may be the {what}: {some(found)}. Say which: --keys {what}=NAME.",
                _asks_key(what, found, named),
            )
        if found:
            keys[what] = found[0]
    if "images" not in keys:
        large = [key for key, data in arrays.items() if data.ndim == 4]
        if len(large) != 1:
            raise FormatError(
                f"Which array of {name} holds the images? Say --keys images=NAME. It has: {there}.",
                _asks_key("images", large or list(arrays), named),
            )
        keys["images"] = large[0]
        aside.warn(f"'{large[0]}' was taken for the images of {name}: it is the only array of four axes.")
    return keys
