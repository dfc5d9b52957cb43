"""Landslide4Sense: patches of 14 bands in one HDF5 file each, with masks.

The source: ``img/image_N.h5`` (key ``img``, (128, 128, 14) float64) with ``mask/mask_N.h5`` (key ``mask``, 0 and 1),
also below ``TrainData`` and the like; ``images/{train,validation,test}/`` with ``annotations/{train,...}/``; a folder
of such files without masks; one file for prediction. Patches are labelled by the share of the area that the mask covers
(1 % and more is a landslide; ``--mask-threshold``), and unlabelled where there is none; their split where a folder
states it. Bands: Sentinel-2's B1-B12 without B8A, slope, elevation, each divided by its own mean: no reflectance, and
B10 has spikes up to 50. ``--tile 64`` cuts the images; tiles of one image are one group. (Ghorbanzadeh et al., The
outcome of the 2022 Landslide4Sense competition, JSTARS 2022.)
"""

from __future__ import annotations

from pathlib import Path

from core.data.bands import LANDSLIDE4SENSE_BANDS
from core.data.readers.base import Aside, Collection, Item, ReaderOptions, some
from core.data.readers.files import patch_files
from core.data.readers.folders import ids
from core.data.readers.hdf5.patches import SUFFIXES, H5Mask, H5Patch, array_in
from core.data.readers.pairs import WITHOUT_MASK, Pairs, is_mask, pair
from core.data.readers.tables import DEFAULT_CLASSES
from core.data.store.hdf5 import open_safely
from core.errors import DataError, FormatError
from core.text import counted

IMAGE, MASK = "img", "mask"  # keys
LICENCE = "MIT (as the Landslide4Sense repository states)"


def recognises(source: Path) -> bool:
    """Whether ``source`` is an HDF5 file with an array ``img`` of 14 bands, or a folder of images that begins with one.

    Opens one file.
    """
    if source.is_file():
        return source.suffix.lower() in SUFFIXES and _has_image(source)
    if not source.is_dir():
        return False
    images = _pairs(source, Aside()).images
    return bool(images) and _has_image(images[0])


def collect(source: Path, options: ReaderOptions, aside: Aside) -> Collection:
    """The images, labelled from their masks. Raises FormatError when there is none."""
    found = _pairs(source, aside)
    if not found.images:
        raise FormatError(
            f"{source} is not laid out as Landslide4Sense: img/image_N.h5 beside mask/mask_N.h5 is expected. For other "
            "HDF5 files use the format 'hdf5'."
        )
    _warn_without_masks(source, found, aside)
    items = [
        Item(
            name,
            H5Patch(path, _below(source, path), IMAGE, "HWC"),
            split=found.split_of.get(path, "" if found.split_of else None),
            mask=H5Mask(mask, _below(source, mask), MASK) if mask else None,
            columns={"file": _below(source, path)},
        )
        for path, name in ids(source, found.images).items()
        for mask in [found.mask_of.get(path)]
    ]
    return _collection(source, items, has_masks=bool(found.mask_of))


def collect_unlabelled(source: Path, options: ReaderOptions, aside: Aside) -> Collection:
    """The file itself, or every image of the folder."""
    if source.is_file():
        return _collection(source, [Item(source.stem, H5Patch(source, source.name, IMAGE, "HWC"))])
    paths = ids(source, _pairs(source, aside).images)
    return _collection(
        source, [Item(name, H5Patch(path, _below(source, path), IMAGE, "HWC")) for path, name in paths.items()]
    )


def _pairs(source: Path, aside: Aside) -> Pairs:
    return pair(source, patch_files(source, aside, kinds=SUFFIXES, masks_too=True), aside)


def _has_image(path: Path) -> bool:
    if is_mask(path.parent, path):
        return False
    try:
        with open_safely(path) as file:
            image = array_in(file, IMAGE)
            return image is not None and image.ndim == 3 and image.shape[2] == len(LANDSLIDE4SENSE_BANDS)
    except DataError:
        return False


def _warn_without_masks(source: Path, found: Pairs, aside: Aside) -> None:
    without = [_below(source, path) for path in found.images if path not in found.mask_of]
    if without:
        aside.warn(f"{counted(len(without), *WITHOUT_MASK)}: {some(without)}.")


def _collection(source: Path, items: list[Item], has_masks: bool = False) -> Collection:
    return Collection(
        f"landslide4sense: {source.resolve().name}",
        items,
        DEFAULT_CLASSES,
        LICENCE,
        has_masks=has_masks,
        bands=LANDSLIDE4SENSE_BANDS,
        labels_from_masks=has_masks,
    )


def _below(source: Path, path: Path) -> str:
    return path.relative_to(source).as_posix()
