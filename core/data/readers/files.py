"""Files of a folder that may be patches, and one door to each kind: its shape from the header, its values.

Paths are proved to lie in the folder; links out of it, hidden files and what is not a plain file are never opened.
"""

from __future__ import annotations

import hashlib
import os
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from core.data.readers.axes import axes_of, channels_first, turned, without_single
from core.data.readers.bands.sidecar import listed_beside
from core.data.readers.base import Aside, Collection, ReaderOptions, Shape, file_stamp, some
from core.data.readers.geo.raster import SUFFIXES as RASTERS
from core.data.readers.geo.raster import RasterHeader, patch_header, raster_header, read_raster
from core.data.readers.geo.raster_values import measured
from core.data.readers.images import SUFFIXES, image_shape, read_image
from core.data.readers.npy import read_header, read_npy
from core.data.readers.pairs import LITTER
from core.errors import Asks, FormatError, UnsafeFileError
from core.io.safe_paths import inside

KINDS = (".npy", *SUFFIXES)
MASK_FOLDERS = ("mask", "masks")
MAX_FILES = 1_000_000
HASHED_BYTES = 1 << 18  # of files that have one name


@dataclass(frozen=True, slots=True)
class FilePatch:
    """A patch that is one file: ``.npy``, a picture or an n-band TIFF.

    file: its name for messages. layout, n_bands: what is known of the axes of an array, see ``axes_of``.
    """

    path: Path
    file: str
    layout: str | None = None
    n_bands: int | None = None

    def shape(self) -> tuple[Shape, bool]:
        """As ``patch_shape``."""
        return patch_shape(self.path, self.layout, self.n_bands)

    def read(self) -> np.ndarray:
        """As ``read_patch``."""
        return read_patch(self.path, self.layout, self.n_bands)

    def band_names(self) -> tuple[str | None, ...]:
        """As a TIFF of numbers gives them, or a list beside a ``.npy`` (``core.data.readers.bands.sidecar``)."""
        if self.path.suffix.lower() == ".npy":
            return listed_beside(self.path, self.file)
        header = _numbers(self.path)
        return header.names if header else ()

    def stamp(self) -> str:
        """Of the file."""
        return f"{file_stamp(self.path)} {self.layout} {self.n_bands}"


def patch_files(
    root: Path, aside: Aside, without: Path | None = None, kinds: tuple[str, ...] = KINDS, masks_too: bool = False
) -> list[Path]:
    """Files below ``root`` that may be patches, sorted; ``without`` is a folder to leave out (the masks).

    ``kinds`` are their endings. Folders called masks are left out with a warning, unless ``masks_too`` or ``without``.
    """
    if not root.is_dir():
        raise FormatError(f"There is no folder {root}. Give the folder that holds the patches.")
    found: list[Path] = []
    hidden: list[str] = []
    links: list[str] = []
    for path in _walk(root, aside, hidden, links, without, masks_too):
        if path.suffix.lower() not in kinds and not _links_to(path, kinds):
            continue
        reason = _unusable(root, path)
        if reason:
            relative = str(path.relative_to(root))
            aside.reject(relative, reason)
            links += [relative] if path.is_symlink() else []
        else:
            found.append(path)
        if len(found) > MAX_FILES:
            raise FormatError(f"{root} holds more than {MAX_FILES} files. Divide it.")
    linked = [path for path in found if path.is_symlink()]
    # Where nothing is a link, as almost always, nothing is resolved: a source is walked for each format it may be in.
    real = {path.resolve() for path in set(found).difference(linked)} if linked else set()
    for path in [path for path in linked if path.resolve() in real]:
        found.remove(path)
        links.append(str(path.relative_to(root)))
        aside.leave_out(links[-1], "It is a link to another file of the source, which is read itself.")
    if links:
        aside.warn(f"{len(links)} links were set aside: {some(links)}. Put the files or folders themselves there.")
    if hidden:
        aside.warn(f"{len(hidden)} hidden files were not looked at: {some(hidden)}.")
    return sorted(found)


def in_order(files: Iterable[Path]) -> list[Path]:
    """Files by their own names, so that renaming or copying the folders around them changes nothing.

    Files of one name follow each other by their content: size, then the hash of the first part.
    """
    by_name: dict[str, list[Path]] = defaultdict(list)
    for path in files:
        by_name[unicodedata.normalize("NFC", path.name)].append(path)
    return [
        path
        for name in sorted(by_name)
        for path in (by_name[name] if len(by_name[name]) == 1 else sorted(by_name[name], key=_content_key))
    ]


def _content_key(path: Path) -> tuple[int, bytes, str]:
    try:
        with path.open("rb") as file:
            return path.stat().st_size, hashlib.sha256(file.read(HASHED_BYTES)).digest(), str(path)
    except OSError:
        return -1, b"", str(path)  # its own reader says why


def _links_to(path: Path, kinds: tuple[str, ...]) -> bool:
    """Whether it is a link without an ending of its own to a file with one of these."""
    return path.is_symlink() and not path.suffix and Path(os.readlink(path)).suffix.lower() in kinds


def _walk(
    root: Path, aside: Aside, hidden: list[str], links: list[str], without: Path | None, masks_too: bool
) -> Iterator[Path]:
    for folder, names, files in os.walk(root, followlinks=False):
        place = Path(folder)
        for name in sorted(names):
            path = place / name
            if _is_hidden(name):
                hidden.append(str(path.relative_to(root)))
            elif path.is_symlink():
                links.append(str(path.relative_to(root)))
                aside.reject(links[-1], "It is a link to a folder, which is not followed.")
            elif without is None and not masks_too and name.lower() in MASK_FOLDERS:
                folder = str(path.relative_to(root))
                asks = Asks("masks", (folder,), folder)
                aside.warn(f"The folder {folder} was not read: name it with --masks if it holds masks.", asks)
        names[:] = sorted(n for n in names if _is_wanted(place / n, without, masks_too))
        for name in sorted(files):
            if _is_hidden(name):
                hidden.append(str((place / name).relative_to(root)))
            else:
                yield place / name


def _is_hidden(name: str) -> bool:
    return name.startswith(".") or name.lower() in LITTER


def _is_wanted(folder: Path, without: Path | None, masks_too: bool) -> bool:
    if _is_hidden(folder.name) or (without is None and not masks_too and folder.name.lower() in MASK_FOLDERS):
        return False
    return without is None or folder.resolve() != without.resolve()


def _unusable(root: Path, path: Path) -> str | None:
    try:
        str(path).encode("utf-8")
    except UnicodeEncodeError:
        return "Its name is not UTF-8. Rename it."
    try:
        if path.is_symlink():
            inside(root, path.absolute())
            if not path.suffix:
                return "It is a link without the ending of a file. Copy the file there instead."
    except UnsafeFileError:
        return "It is a link that leads out of the folder or nowhere. Copy the file there instead."
    if not path.is_file():
        return "It is not a plain file."
    return None


def with_axes(collection: Collection, options: ReaderOptions) -> Collection:
    """The collection whose arrays know what is known of their axes: the options' layout, the number of bands."""
    items = [
        replace(
            item, patch=replace(item.patch, layout=options.layout, n_bands=_n_bands(item.patch, collection, options))
        )
        if isinstance(item.patch, FilePatch) and item.patch.path.suffix.lower() == ".npy"
        else item
        for item in collection.items
    ]
    return replace(collection, items=items)


def _n_bands(patch: FilePatch, collection: Collection, options: ReaderOptions) -> int | None:
    """How many bands a file has: those of the format, or that are listed beside it; names given choose among these."""
    known = collection.bands or patch.band_names() or options.bands
    return len(known) if known else None


def patch_shape(path: Path, layout: str | None = None, n_bands: int | None = None) -> tuple[Shape, bool]:
    """(C, H, W) of a patch and whether it holds bytes (uint8), from its header.

    Axes of ``.npy`` are what their lengths, ``n_bands`` or ``layout`` allow.

    Raises DataError as the kind's own reader does.
    """
    if path.suffix.lower() == ".npy":
        return _npy_shape(path, layout, n_bands)
    if _numbers(path):
        header = patch_header(path)
        return header.shape, header.is_bytes
    return image_shape(path), True


def read_patch(path: Path, layout: str | None = None, n_bands: int | None = None) -> np.ndarray:
    """(C, H, W) in the file's own number type. Raises DataError as the kind's own reader does.

    In a TIFF with a nodata value what has it is nan; in one without, and in bytes, values stay as they are.
    """
    if path.suffix.lower() == ".npy":
        values = read_npy(path)
        values = values.reshape(without_single(values.shape))
        return turned(values, axes_of(values.shape, path.name, n_bands, layout))
    header = _numbers(path)
    return measured(read_raster(path), header, np.nan, None) if header else read_image(path)


def _npy_shape(path: Path, layout: str | None, n_bands: int | None) -> tuple[Shape, bool]:
    header = read_header(path)
    shape = without_single(header.shape)
    if len(shape) not in (2, 3):
        raise FormatError(
            f"{path.name} has the shape {header.shape}; accepted: one patch of (H, W, C), (C, H, W) or (H, W)."
        )
    if header.dtype == bool:
        raise FormatError(f"{path.name} holds true and false, as masks do; a patch holds numbers.")
    return channels_first(shape, axes_of(shape, path.name, n_bands, layout)), header.dtype == np.uint8


def _numbers(path: Path) -> RasterHeader | None:
    """The header of a TIFF that is no picture; None for what the reader of pictures reads, or refuses with a reason."""
    if path.suffix.lower() not in RASTERS:
        return None
    try:
        header = raster_header(path)
    except FormatError:
        return None
    return None if header.is_picture else header
