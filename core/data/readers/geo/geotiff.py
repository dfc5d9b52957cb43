"""Folders of n-band GeoTIFFs, patches or larger scenes, with their place on Earth.

The source is class folders, or any folder with a table of labels, as ``core.data.readers.folders`` reads them, or
images with masks beside them (``images/a.tif``, ``masks/a.tif``), labelled by the share of the area that the mask
covers; one file for prediction. Patches come with longitude and latitude of their centre, map units in the columns x
and y, and bands by their names in the files; a raster without band names maps by position when the number is right,
with a warning. What has the nodata value in all bands was not seen; where no file states one that value is 0. Scenes
are cut by ``--tile`` and read window by window, never whole.
"""

from __future__ import annotations

import math
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from core.data.readers import cas, folders
from core.data.readers.base import Aside, Collection, Item, ReaderOptions, some
from core.data.readers.files import FileMask, FilePatch, patch_files
from core.data.readers.geo.placement import Placer
from core.data.readers.geo.raster import MAX_BYTES, SUFFIXES, RasterHeader, patch_header, raster_header, read_raster
from core.data.readers.geo.raster_patches import RasterMask, RasterPatch, Scene, Strip
from core.data.readers.pairs import Pairs, pair
from core.data.readers.tables import DEFAULT_CLASSES
from core.errors import DataError, FormatError

MASKS_LOOKED_AT = 50  # for values of other classes, evenly over all
MOST_CLASSES = 20  # values; more are shades, not classes
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
    """The rasters with what is known of them. Raises DataError when labels contradict each other or none can be used.

    Raises FormatError when ``source`` is one file: labels need a folder.
    """
    if source.is_file():
        raise FormatError(f"{source} is one file. Give the folder that holds it, with a table of labels or masks.")
    found = _pairs(source, options, aside) or folders.collect(source, options, aside)
    return _placed(found, source, options, aside)


def collect_unlabelled(source: Path, options: ReaderOptions, aside: Aside) -> Collection:
    """The file itself, or every TIFF of the folder that is no mask. What was not seen is nan, whatever the file says.

    A run knows only the value of the dataset that it was trained on.
    """
    if source.is_file():
        found = folders.collect_unlabelled(source, options, aside)
    else:
        images = pair(source, patch_files(source, aside, kinds=SUFFIXES, masks_too=True), Aside()).images
        items = [
            Item(name, FilePatch(path, _below(source, path))) for path, name in folders.ids(source, images).items()
        ]
        found = Collection("", items, DEFAULT_CLASSES)
    placed = _placed(found, source, options, aside)
    return replace(placed, items=[_unseen_as_nan(item, placed.nodata) for item in placed.items])


def _unseen_as_nan(item: Item, nodata: float | None) -> Item:
    header = item.patch.header
    tag = nodata if header.nodata is None else header.nodata
    return replace(item, patch=replace(item.patch, header=replace(header, nodata=tag), fill=math.nan))


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
        aside.warn(f"{len(without)} images have no mask and stay unlabelled: {some(without)}.")
    items = []
    for path, name in folders.ids(source, found.images).items():
        file = _below(source, path)
        mask = found.mask_of.get(path)
        mask = mask and FileMask(mask, _below(source, mask), options.mask_value)
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
        place = placer.place(item.patch.path, header, item.file)
        _, height, width = header.shape
        patch = RasterPatch(item.patch.path, item.file, header, nodata, place)
        if header.stack is None:
            patch = Scene(patch.path, patch.file, header, nodata, place, patch.order, None, strip)
        columns = {
            **item.columns,
            **patch.columns_at(height / 2, width / 2),
            **patch.ground_at(0, 0, height, width),
        }
        lonlat = patch.lonlat_at(height / 2, width / 2) or item.lonlat  # a table may know it where the file does not
        items.append(replace(item, patch=patch, mask=_mask(item.mask, aside), lonlat=lonlat, columns=columns))
    placer.tell(aside)
    if options.mask_value is None:
        _tell_classes([item.mask for item in items if isinstance(item.mask, FileMask)], aside)
    name = f"geotiff: {source.resolve().name}"
    return replace(found, name=name, items=items, nodata=nodata)


def _headers(items: Sequence[Item], options: ReaderOptions, aside: Aside) -> dict[str, RasterHeader]:
    """By file. Without tiling a file is a patch, and judged as one."""
    read = patch_header if options.tile is None and options.resize is None else raster_header
    found = {}
    for item in items:
        try:
            header = read(item.patch.path)
            if header.colours[0] in ("palette", "cyan"):
                raise FormatError("Its colours are a palette or inks, whose numbers are no brightness. Save it as RGB.")
        except DataError as error:
            aside.reject(item.file, error)
            continue
        nodata = header.nodata if options.nodata is None else options.nodata
        # The same text for all files of one coordinate system is kept once.
        found[item.file] = replace(header, nodata=nodata, crs=header.crs and sys.intern(header.crs))
    return found


def _mask(mask: FileMask | None, aside: Aside) -> FileMask | RasterMask | None:
    """The mask, read window by window where it is too large to be a picture."""
    if mask is None or mask.path.suffix.lower() not in SUFFIXES:
        return mask
    try:
        header = raster_header(mask.path)
    except DataError:
        return mask  # its own reader says why
    large = math.prod(header.shape[1:]) * header.dtype.itemsize > MAX_BYTES // 16
    return RasterMask(mask.path, mask.file, header, mask.value) if large and header.shape[0] == 1 else mask


def _tell_classes(masks: Sequence[FileMask], aside: Aside) -> None:
    """A warning when masks hold several values besides 0, as maps of classes do; some of the masks are looked at."""
    seen: set[float] = set()
    for mask in masks[:: len(masks) // MASKS_LOOKED_AT + 1]:
        if mask.path.suffix.lower() in SUFFIXES:
            try:
                seen |= set(np.unique(read_raster(mask.path)).tolist())
            except DataError:
                continue  # told where it is used
    seen.discard(0)
    if 1 < len(seen) <= MOST_CLASSES:
        aside.warn(
            f"Masks hold the values {some([f'{value:g}' for value in sorted(seen)], 20)}; all of them were taken for "
            "landslide. Say --mask-value V if only one is."
        )


def _nodata(headers: Mapping[str, RasterHeader], options: ReaderOptions, aside: Aside) -> float | None:
    """The dataset's value for pixels that were not seen; None: nan says it."""
    if options.nodata is not None:
        return options.nodata
    tags = Counter("nan" if math.isnan(h.nodata) else h.nodata for h in headers.values() if h.nodata is not None)
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
