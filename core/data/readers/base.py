"""What all readers share: how they are asked, what they find, what they answer.

Comes in and goes out: frozen values. It knows nothing of any format, and reads no image: an :class:`Item` carries an
object that can (a :class:`Patch`), be it a file, a window of a larger raster or a row of an HDF5 file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import Literal, Protocol

import numpy as np

from core.data.bands import Band
from core.errors import DataError, FormatError
from core.text import list_names

Shape = tuple[int, int, int]  # (C, H, W)


@dataclass(frozen=True)
class ReaderOptions:
    """How a source is to be read.

    Attributes:
        strict: stop at the first unusable file instead of setting it aside.
        positive: name of the positive class, or its value in the labels table.
        bands: names of the bands in the order of the files.
        unit: of the optical bands: "DN", "reflectance" or "0-255"; None: as the format or the kind of numbers says.
        labels: a CSV; relative to the working directory or to the source.
        id_column: its column of names or paths.
        group_column: its column of groups.
        masks: folder of masks; relative to the working directory or to the source.
        mask_value: the value in masks that stands for the positive class; None: everything but 0.
        licence: of the patches.
        nodata: a pixel equal to it in all bands holds no data (255: white in pictures); None: as the format says.
        resize: side in pixels that every image is stretched to, before anything else; None: as it is.
        tile: side in pixels of the tiles that larger images are cut into; None: images are patches as they are.
        stride: pixels from one tile to the next; None: ``tile``, so that tiles do not overlap.
        edge: "shift" moves the last tile of a row or column inwards to end at the border; "drop" leaves out the rest.
        mask_threshold: share of a patch's area, above 0 and up to 1, from which its mask makes it positive.
        between: what becomes of a patch whose mask covers less, but not nothing: "drop", "unlabelled" or "negative".
        manifest: of a named set, the list of its files: followed and verified where it is there, otherwise written;
            None: beside the dataset file, its ending ``.manifest.json``.
        max_nodata: tiles with a larger share of pixels without data are dropped, 0-1; 1 keeps all of them.
        keys: where an HDF5 file has what: the path of its "images", "labels", "ids", ...; None: by their usual names.
        layout: order of the axes of its images: "NCHW", "NHWC" or "NHW"; None: by their lengths.
    """

    strict: bool = False
    positive: str | None = None
    bands: tuple[str, ...] | None = None
    unit: str | None = None
    labels: Path | None = None
    id_column: str | None = None
    group_column: str | None = None
    masks: Path | None = None
    mask_value: float | None = None
    licence: str = ""
    nodata: float | None = None
    resize: int | None = None
    tile: int | None = None
    stride: int | None = None
    edge: Literal["shift", "drop"] = "shift"
    mask_threshold: float = 0.01
    between: Literal["drop", "unlabelled", "negative"] = "drop"
    max_nodata: float = 0.5
    keys: Mapping[str, str] | None = None
    layout: Literal["NCHW", "NHWC", "NHW"] | None = None
    manifest: Path | None = None


@dataclass(frozen=True)
class Progress:
    """done of total. what: "images" (their masks), "headers", "patches" (read), "patches written" and "summarised"."""

    done: int
    total: int
    what: str = "patches"


@dataclass(frozen=True)
class Rejection:
    """A file, or a row of a table, that was set aside, and why."""

    file: str
    reason: str


@dataclass(frozen=True)
class IngestReport:
    """What was made of a source: the dataset file, how many patches, and what was set aside."""

    dataset: Path
    n: int
    n_positive: int
    n_unlabelled: int
    rejected: tuple[Rejection, ...]
    warnings: tuple[str, ...]


class Patch(Protocol):
    """Where the pixels of one patch are, and how to get them. Holds no pixels: a source may have 50 000.

    A patch that is larger than what is trained on can be tiled. One that can read a part of itself cheaply also has
    ``window(row, col, height, width) -> Patch``; one that knows its place ``lonlat_at(row, col) -> (lon, lat)`` in
    degrees for a position in pixels, and ``columns_at(row, col)`` further facts of it. Others are read whole and cut.
    """

    @property
    def file(self) -> str:
        """Its name for messages, relative to the source."""

    def shape(self) -> tuple[Shape, bool]:
        """(C, H, W), and whether it holds bytes (uint8), from its header alone.

        Raises DataError when it cannot be used; it is then set aside.
        """

    def read(self) -> np.ndarray:
        """(C, H, W) in its own number type. Raises DataError when it cannot be used."""

    def stamp(self) -> str:
        """Text that changes when the pixels may have changed; see :func:`file_stamp`."""


class Mask(Protocol):
    """Where the mask of one patch is."""

    @property
    def file(self) -> str:
        """Its name for messages, relative to the source."""

    def read(self) -> np.ndarray:
        """(H, W) uint8: 1 where there is a landslide, otherwise 0. Raises DataError when it cannot be used."""

    def stamp(self) -> str:
        """As of a patch."""


@dataclass(frozen=True, slots=True)
class Item:
    """A patch to be, and what is known of it. label: 1, 0 or -1. lonlat: of its centre, in degrees."""

    id: str
    patch: Patch
    label: int = -1
    group: str | None = None
    split: str | None = None
    mask: Mask | None = None
    lonlat: tuple[float, float] | None = None
    columns: Mapping[str, str] = field(default_factory=dict)

    @property
    def file(self) -> str:
        """The patch's name for messages."""
        return self.patch.file


@dataclass(frozen=True)
class Collection:
    """Everything a reader found, before any image is read: what ``core.data.readers.build`` turns into a file.

    Attributes:
        items: in the order of the dataset; any sequence, so that they may be made when asked for.
        class_names: (negative, positive).
        bands: those that the format prescribes; None: chosen by their number and ``ReaderOptions.bands``.
        nodata: a pixel equal to it in all bands holds no data; None: there is no such value; "usual": 0 where the
            values are numbers (0 dB or reflectance in every band was not seen), none in pictures, where it is black.
        labels_from_masks: an item with a mask gets its label from the share that the mask covers
            (``ReaderOptions.mask_threshold``), whatever its label says; one without keeps its label.
        resize: side in pixels that the format prescribes; ``ReaderOptions.resize`` stands above it.
        manifest: text to be kept beside the dataset file (``ReaderOptions.manifest``) once that is complete.
        facts: anything else worth keeping in the dataset file, as JSON values.
    """

    name: str
    items: Sequence[Item]
    class_names: tuple[str, str]
    licence: str = ""
    has_masks: bool = False
    conflicting_ids: tuple[str, ...] = ()
    bands: tuple[Band, ...] | None = None
    nodata: float | Literal["usual"] | None = "usual"
    labels_from_masks: bool = False
    resize: int | None = None
    manifest: str = ""
    facts: Mapping[str, object] = field(default_factory=dict)


def file_stamp(path: Path) -> str:
    """Size and time of change of a file, as text. Raises FormatError when it is gone."""
    try:
        found = path.stat()
    except OSError as error:
        raise FormatError(f"{path.name} cannot be opened ({error.strerror}).") from error
    return f"{found.st_size} {found.st_mtime_ns}"


class Aside:
    """Collects what is set aside and what is to be warned of; in strict mode the first unusable file is an error."""

    def __init__(self, strict: bool = False):
        self._strict = strict
        self.rejected: list[Rejection] = []
        self.warnings: list[str] = []

    def reject(self, file: str, reason: str | DataError) -> None:
        """Set a file aside. In strict mode raises the error itself, or a DataError with the reason."""
        if self._strict:
            kind = type(reason) if isinstance(reason, DataError) else DataError
            named = "" if PurePath(file).name in str(reason) else f"{shown(file)}: "
            raise kind(f"{named}{reason} Stopped at this first unusable file.")
        self.rejected.append(Rejection(shown(file), str(reason)))

    def leave_out(self, file: str, reason: str) -> None:
        """Name a file that is not wrong but not asked for either; strict mode goes on."""
        self.rejected.append(Rejection(shown(file), reason))

    def warn(self, text: str) -> None:
        """Say something once."""
        if text not in self.warnings:
            self.warnings.append(text)


def shown(name: str) -> str:
    """``name`` as text that any terminal and file can hold: bytes that are not UTF-8 and controls are escaped."""
    text = name.encode("utf-8", "backslashreplace").decode("utf-8")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def some(names: list[str], most: int = 5) -> str:
    """The first few names, and how many more there are."""
    return shown(list_names(names, most))
