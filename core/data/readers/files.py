"""Files of a folder that may be patches, and one door to each kind: its shape from the header, its values.

Comes in: a folder, or a file. Goes out: paths proved to lie in the folder, shapes, arrays (C, H, W). It knows nothing
of labels; links out of the folder, hidden files and what is not a plain file are never opened.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.data.readers.base import Aside, Shape, file_stamp, some
from core.data.readers.images import SUFFIXES, image_shape, read_image, read_mask
from core.data.readers.npy import read_header, read_npy
from core.errors import FormatError, UnsafeFileError
from core.paths import inside

KINDS = (".npy", *SUFFIXES)
MASK_FOLDERS = ("mask", "masks")
MAX_FILES = 1_000_000
_LITTER = ("__macosx", "thumbs.db", "desktop.ini")


@dataclass(frozen=True, slots=True)
class FilePatch:
    """A patch that is one file: ``.npy`` (H, W, C) or a picture. file: its name for messages."""

    path: Path
    file: str

    def shape(self) -> tuple[Shape, bool]:
        """As ``patch_shape``."""
        return patch_shape(self.path)

    def read(self) -> np.ndarray:
        """As ``read_patch``."""
        return read_patch(self.path)

    def stamp(self) -> str:
        """Of the file."""
        return file_stamp(self.path)


@dataclass(frozen=True, slots=True)
class FileMask:
    """A mask that is one file: a picture, or ``.npy`` of (H, W) or (H, W, 1)."""

    path: Path
    file: str

    def read(self) -> np.ndarray:
        """As ``read_patch_mask``."""
        return read_patch_mask(self.path)

    def stamp(self) -> str:
        """Of the file."""
        return file_stamp(self.path)


def patch_files(root: Path, aside: Aside, without: Path | None = None) -> list[Path]:
    """Files below ``root`` that may be patches, sorted; ``without`` is a folder to leave out (the masks)."""
    if not root.is_dir():
        raise FormatError(f"There is no folder {root}. Give the folder that holds the patches.")
    found, hidden = [], []
    for path in _walk(root, aside, hidden, without):
        relative = str(path.relative_to(root))
        if path.suffix.lower() not in KINDS:
            continue
        reason = _unusable(root, path)
        if reason:
            aside.reject(relative, reason)
        else:
            found.append(path)
        if len(found) > MAX_FILES:
            raise FormatError(f"{root} holds more than {MAX_FILES} files. Divide it.")
    if hidden:
        aside.warn(f"{len(hidden)} hidden files were not looked at: {some(hidden)}.")
    return sorted(found)


def _walk(root: Path, aside: Aside, hidden: list[str], without: Path | None) -> Iterator[Path]:
    for folder, names, files in os.walk(root, followlinks=False):
        place = Path(folder)
        for name in sorted(names):
            path = place / name
            if _is_hidden(name):
                hidden.append(str(path.relative_to(root)))
            elif path.is_symlink():
                aside.reject(str(path.relative_to(root)), "It is a link to a folder, which is not followed.")
            elif without is None and name.lower() in MASK_FOLDERS:
                aside.warn(f"The folder {path.relative_to(root)} was not read: name it with --masks if it holds masks.")
        names[:] = sorted(n for n in names if _is_wanted(place / n, without))
        for name in sorted(files):
            if _is_hidden(name):
                hidden.append(str((place / name).relative_to(root)))
            else:
                yield place / name


def _is_hidden(name: str) -> bool:
    return name.startswith(".") or name.lower() in _LITTER


def _is_wanted(folder: Path, without: Path | None) -> bool:
    if _is_hidden(folder.name) or (without is None and folder.name.lower() in MASK_FOLDERS):
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
    except UnsafeFileError:
        return "It is a link that leads out of the folder. Copy the file there instead."
    if not path.is_file():
        return "It is not a plain file."
    return None


def patch_shape(path: Path) -> tuple[Shape, bool]:
    """(C, H, W) of a patch and whether it holds bytes (uint8), from its header. ``.npy`` are (H, W, C).

    Raises DataError as the kind's own reader does.
    """
    if path.suffix.lower() != ".npy":
        return image_shape(path), True
    header = read_header(path)
    if len(header.shape) != 3:
        raise FormatError(f"{path.name} has the shape {header.shape}; accepted: (H, W, C).")
    height, width, n_bands = header.shape
    if height != width and width == n_bands:
        raise FormatError(f"{path.name} has the shape {header.shape}, which looks like (C, H, W); accepted: (H, W, C).")
    return (n_bands, height, width), header.dtype == np.uint8


def read_patch(path: Path) -> np.ndarray:
    """(C, H, W) in the file's own number type. Raises DataError as the kind's own reader does."""
    return read_npy(path).transpose(2, 0, 1) if path.suffix.lower() == ".npy" else read_image(path)


def read_patch_mask(path: Path) -> np.ndarray:
    """(H, W) uint8 of 0 and 1 from a picture, or a .npy of (H, W) or (H, W, 1)."""
    if path.suffix.lower() != ".npy":
        return read_mask(path)
    values = read_npy(path)
    values = values[..., 0] if values.ndim == 3 and values.shape[2] == 1 else values
    if values.ndim != 2:
        raise FormatError(f"{path.name} has the shape {values.shape}; a mask has (H, W).")
    return (values != 0).astype(np.uint8)
