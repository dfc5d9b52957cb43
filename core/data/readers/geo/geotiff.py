"""Folders of n-band GeoTIFFs, patches or larger scenes, with their place on Earth.

The source is class folders, or any folder with a table of labels, as ``core.data.readers.folders`` reads them, or
images with masks beside them (``images/a.tif``, ``masks/a.tif``), labelled by the share of the area that the mask
covers; or one file, cut into tiles, unlabelled unless ``--masks`` names its mask. Patches come with longitude and
latitude of their centre, map units in the columns x and y, and bands by their names in the files; a raster without
band names maps by position when the number is right, with a warning. What has the nodata value in all bands was not
seen; where no file states one that value is 0. Scenes are cut by ``--tile`` and read window by window, never whole.
"""

from __future__ import annotations

import math
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np

from core.data.readers import cas, folders
from core.data.readers.base import Aside, Collection, Item, ReaderOptions, some
from core.data.readers.files import FilePatch, patch_files
from core.data.readers.geo.placement import Placer
from core.data.readers.geo.raster import SUFFIXES, RasterHeader, patch_header, raster_header
from core.data.readers.geo.raster_patches import RasterPatch, Scene, Strip
from core.data.readers.masks.files import FileMask
from core.data.readers.matching import FileIndex
from core.data.readers.pairs import WITHOUT_MASK, Pairs, pair
from core.data.readers.tables import DEFAULT_CLASSES
from core.data.readers.value_tags import of_optical, tell_tags
from core.errors import Asks, DataError, FormatError
from core.text import counted

USUAL_TILE = 64  # pixels a side, of most published patches
SCENE_TILES = 2  # as many tiles along each side make one file a scene; a smaller one is a patch
UNSEEN = 0.0  # a pixel with it in all bands was not seen, where no file says otherwise


def recognises(source: Path) -> bool:
    """Whether ``source`` is a TIFF of numbers or one with a place, or a folder of patches that are all TIFFs like it.

    Opens the header of one file.
    """
    if source.is_file():
        return source.suffix.lower() in SUFFIXES and _is_geo(source)
    if not source.is_dir():
        return False
    images = pair(source, patch_files(source, Aside(), masks_too=True), Aside()).images
    are_rasters = bool(images) and all(path.suffix.lower() in SUFFIXES for path in images)
    return are_rasters and _is_geo(images[0], pictures=not cas.recognises(source))


def _is_geo(path: Path, pictures: bool = True) -> bool:
    try:
        header = raster_header(path)
    except DataError:
        return False
    return not header.is_picture or (pictures and bool(header.crs or header.transform))


def collect(source: Path, options: ReaderOptions, aside: Aside) -> Collection:
    """The rasters with what is known of them. Raises DataError when labels disagree or no raster can be used."""
    if source.is_file():
        found = _one_file(source, options, aside)
    else:
        found = _pairs(source, options, aside) or folders.collect(source, options, aside)
    return _placed(found, source, options, aside)


def options_for(source: Path, options: ReaderOptions, aside: Aside) -> ReaderOptions:
    """The options for ``source``: one file that is larger than a patch is a scene, cut into tiles unless they say how.

    Raises DataError when the file cannot be used.
    """
    if not source.is_file() or options.tile is not None or options.resize is not None:
        return options
    _, height, width = raster_header(source).shape
    if min(height, width) < SCENE_TILES * USUAL_TILE:
        return options
    aside.warn(
        f"{source.name} is {height}x{width} pixels: it was cut into tiles of {USUAL_TILE}x{USUAL_TILE}. Say --tile N "
        "for another size.",
        Asks("tile", suggested=USUAL_TILE),
    )
    return options.model_copy(update={"tile": USUAL_TILE})


def _one_file(source: Path, options: ReaderOptions, aside: Aside) -> Collection:
    """A raster by itself, labelled by a mask where one is named. Raises FormatError for options that need a folder."""
    if options.labels or options.group_column:
        raise FormatError(
            f"{source.name} is one file, and a table of labels speaks of many. Give the folder that holds it, or its "
            "mask with --masks."
        )
    mask = None
    if options.masks is not None:
        mask = _mask_of_one(source, options.masks)
    else:
        aside.warn(f"{source.name} has no labels, so its patches are unlabelled. --masks names a mask of landslides.")
    item = Item(source.stem, FilePatch(source, source.name), mask=mask, columns={"file": source.name})
    return Collection("", [item], DEFAULT_CLASSES, has_masks=mask is not None, labels_from_masks=mask is not None)


def _mask_of_one(source: Path, named: Path) -> FileMask:
    """The mask of one raster: the file that is named, or the one in the named folder that has its name."""
    masks = next((path for path in (named, source.parent / named) if path.exists()), None)
    if masks is None:
        raise FormatError(f"There is no mask {named}, here or beside {source.name}.")
    if masks.is_file():
        return FileMask(masks, masks.name)
    found = FileIndex(masks, patch_files(masks, Aside())).find(source.stem)
    if len(found) != 1:
        raise FormatError(f"{len(found)} masks in {masks} have the name of {source.name}. Name the one: --masks FILE.")
    return FileMask(found[0], f"{masks.name}/{found[0].name}")


def collect_unlabelled(source: Path, options: ReaderOptions, aside: Aside) -> Collection:
    """The file itself, or every TIFF of the folder that is no mask."""
    if source.is_file():
        found = folders.collect_unlabelled(source, options, aside)
    else:
        images = pair(source, patch_files(source, aside, kinds=SUFFIXES, masks_too=True), Aside()).images
        items = [
            Item(name, FilePatch(path, _below(source, path))) for path, name in folders.ids(source, images).items()
        ]
        found = Collection("", items, DEFAULT_CLASSES)
    return _placed(found, source, options, aside)


def _pairs(source: Path, options: ReaderOptions, aside: Aside) -> Collection | None:
    """Images with masks beside them, labelled from those; None where there are none or labels come from elsewhere."""
    if options.labels or options.masks:
        return None
    pairs = _found_pairs(source, Aside())
    if not pairs.mask_of or folders.are_classes(source, list(pairs.images), options):
        return None
    found = _found_pairs(source, aside)  # once more, to tell of what cannot be used
    without = [_below(source, path) for path in found.images if path not in found.mask_of]
    if without:
        aside.warn(f"{counted(len(without), *WITHOUT_MASK)}: {some(without)}.")
    items = []
    for path, name in folders.ids(source, found.images).items():
        file = _below(source, path)
        at = found.mask_of.get(path)
        mask = FileMask(at, _below(source, at)) if at else None
        split = found.split_of.get(path, "" if found.split_of else None)
        items.append(Item(name, FilePatch(path, file), split=split, mask=mask, columns={"file": file}))
    return Collection("", items, DEFAULT_CLASSES, has_masks=True, labels_from_masks=True)


def _found_pairs(source: Path, aside: Aside) -> Pairs:
    return pair(source, patch_files(source, aside, kinds=SUFFIXES, masks_too=True), aside)


def _placed(found: Collection, source: Path, options: ReaderOptions, aside: Aside) -> Collection:
    """The collection with each file as a raster: its place, its bands in one order, its nodata said in one way."""
    headers = _headers(found.items, options, aside)
    if not headers:
        first = f" The first reason: {aside.rejected[0].file}: {aside.rejected[0].reason}" if aside.rejected else ""
        raise FormatError(f"{source} holds no GeoTIFF that can be used.{first}")
    nodata = _nodata(headers, options, aside)
    placer, strip, items = Placer(), Strip(), []
    for item in found.items:
        header = headers.get(item.file)
        if header is None:
            continue
        path = cast(FilePatch, item.patch).path  # as the folders gave it
        place = placer.place(path, header, item.file)
        _, height, width = header.shape
        patch = RasterPatch(path, item.file, header, nodata, place)
        if header.stack is None:
            patch = Scene(patch.path, patch.file, header, nodata, place, patch.order, None, strip)
        columns = {
            **item.columns,
            **patch.columns_at(height / 2, width / 2),
            **patch.ground_at(0, 0, height, width),
        }
        lonlat = patch.lonlat_at(height / 2, width / 2) or item.lonlat  # a table may know it where the file does not
        items.append(replace(item, patch=patch, lonlat=lonlat, columns=columns))
    placer.tell(aside)
    name = f"geotiff: {source.resolve().name}"
    labels = {item.file: item.label for item in items}
    optical = {file: of_optical(headers[file].tags, headers[file].names) for file in labels}
    unit = tell_tags({file: headers[file].tags for file in labels}, labels, aside, optical)
    return replace(found, name=name, items=items, nodata=nodata, unit=unit)


def _headers(items: Sequence[Item], options: ReaderOptions, aside: Aside) -> dict[str, RasterHeader]:
    """By file. Without tiling a file is a patch, and judged as one."""
    read = patch_header if options.tile is None and options.resize is None else raster_header
    found = {}
    for item in items:
        try:
            header = read(cast(FilePatch, item.patch).path)
            if header.colours[0] in ("palette", "cyan"):
                raise FormatError("Its colours are a palette or inks, whose numbers are no brightness. Save it as RGB.")
        except DataError as error:
            aside.reject(item.file, error)
            continue
        nodata = header.nodata if options.nodata is None else options.nodata
        # The same text for all files of one coordinate system is kept once.
        found[item.file] = replace(header, nodata=nodata, crs=header.crs and sys.intern(header.crs))
    return found


def _nodata(headers: Mapping[str, RasterHeader], options: ReaderOptions, aside: Aside) -> float | None:
    """The dataset's value for pixels that were not seen; None: nan says it."""
    if options.nodata is not None:
        return options.nodata
    tags: Counter[Any] = Counter(
        "nan" if math.isnan(h.nodata) else h.nodata for h in headers.values() if h.nodata is not None
    )
    if not tags:
        return UNSEEN
    value = tags.most_common(1)[0][0]
    if len(tags) > 1:
        aside.warn(f"The files state different nodata values ({some([str(t) for t in tags])}); each file's is heeded.")
    if (n_silent := len(headers) - sum(tags.values())) > 0:
        aside.warn(f"{n_silent} files state no nodata value; {value} counts as one there, as in the others.")
    return None if value == "nan" or abs(value) > np.finfo(np.float32).max else float(value)


def _below(source: Path, path: Path) -> str:
    return path.relative_to(source).as_posix()
