"""What all readers share: how they are asked, what they find, what they answer.

No image is read here: an :class:`Item` carries an object that can read it (a :class:`Patch`), be it a file, a window of
a larger raster or a row of an HDF5 file.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import Any, Literal, Protocol, Self

import numpy as np
from pydantic import Field, ValidationError, field_validator, model_validator

from core.config.sections import NoDataValue, Section, explain_validation, names_of
from core.data.bands import Band, Unit
from core.data.names.reading import Sensor
from core.data.readers.masks.colours import is_colour
from core.data.readers.masks.raw import RawMask
from core.errors import Asks, ConfigError, DataError, FormatError
from core.progress import Progress
from core.text import list_names

Shape = tuple[int, int, int]  # (C, H, W)


class ReaderOptions(Section):
    """How a source is to be read. Raises ConfigError for values that make no sense.

    ``labels`` and ``masks`` are relative to the working directory or to the source.
    """

    strict: bool = Field(
        False,
        title="Stop at the first unusable file",
        description="Stop there, instead of setting such files aside with the reasons.",
    )
    positive: str | None = Field(
        None, title="Positive class", description="Name of the landslide class, or its value in the labels table."
    )
    bands: tuple[str, ...] | None = Field(
        None, title="Band names, in order", description="Names of the bands in the order of the files."
    )
    sensor: Sensor | None = Field(
        None,
        title="Sensor of numbered bands",
        description="Whose bands the numbers in names such as B4 are; none: as the other names say.",
    )
    unit: Unit | None = Field(
        None,
        title="Unit of the optical bands",
        description="DN (reflectance times 10,000), reflectance or 0-255; none: as the format or the kind of numbers "
        "suggests.",
    )
    labels: Path | None = Field(None, title="Labels CSV", description="A CSV with labels, groups or other columns.")
    id_column: str | None = Field(
        None, title="Id column", description="Column of the CSV that holds ids or file names."
    )
    label_column: str | None = Field(
        None, title="Label column", description="Column of the CSV that holds labels; none: label, class or landslide."
    )
    group_column: str | None = Field(None, title="Group column", description="Column of the CSV that holds groups.")
    masks: Path | None = Field(None, title="Folder of masks", description="Folder of landslide masks.")
    mask_value: str | None = Field(
        None,
        title="Mask value",
        description="What means landslide in masks: a value, or a colour such as #ff0000, 255,0,0 or red; none: "
        "everything but 0.",
    )
    mask_at_least: float | None = Field(
        None,
        gt=0.0,
        title="Mask values from",
        description="Masks of shades or probabilities are landslide from this value on; below 1 it is a share of their "
        "full scale (1, 100 or 255).",
    )
    licence: str = Field("", title="Licence", description="Licence of the patches.")
    nodata: NoDataValue = Field(
        None,
        title="No-data value",
        description="A pixel with this value in all bands holds no data (255: white in pictures); none: as the format "
        "says.",
    )
    resize: int | None = Field(
        None,
        ge=1,
        le=4096,
        title="Resize images to (pixels)",
        description="Every image is stretched to this many pixels a side before anything else; none: as it is.",
    )
    tile: int | None = Field(
        None,
        ge=4,
        title="Tile size (pixels)",
        description="Larger images are cut into tiles of this side; none: images are patches as they are.",
    )
    stride: int | None = Field(
        None,
        ge=1,
        title="Tile stride (pixels)",
        description="From one tile to the next; none: the tile size, so that tiles do not overlap.",
    )
    pixel_m: float | None = Field(
        None,
        gt=0.0,
        title="Pixel size (m)",
        description="Side of a pixel on the ground, for patches whose files do not say it; none: 10 m where only the "
        "centre of a patch is known.",
    )
    edge: Literal["shift", "drop"] = Field(
        "shift",
        title="Last tile of a row or column",
        description="shift: moved inwards so that it ends at the border. drop: what remains is left out.",
    )
    mask_threshold: float = Field(
        0.01,
        gt=0.0,
        le=1.0,
        title="Least mask share",
        description="Share of a patch's area, above 0 and up to 1, from which its mask makes it a landslide.",
    )
    between: Literal["drop", "unlabelled", "negative"] = Field(
        "drop",
        title="If the mask covers less than this",
        description="Patches whose mask covers less, but not nothing: drop, unlabelled or negative.",
    )
    max_nodata: float = Field(
        0.5,
        ge=0.0,
        le=1.0,
        title="Most no-data in a tile",
        description="Tiles with a larger share of pixels without data are dropped; 1 keeps all of them.",
    )
    keys: Mapping[str, str] | None = Field(
        None,
        title="Arrays of the HDF5 file",
        description="Where an HDF5 file has what, written images=NAME,labels=NAME; none: by their usual names.",
    )
    date: str = Field(
        "post",
        title="Date of a series",
        description="Of images over time: post (the first after the event), pre (the last before it), both, first, "
        "last, a number counted from 0, or a day as 2023-05-16.",
    )
    layout: Literal["NCHW", "NHWC", "NHW"] | None = Field(
        None,
        title="Axes of the arrays",
        description="Order of the axes of images in HDF5 and .npy files, without N where a file is one patch; none: by "
        "their lengths.",
    )
    manifest: Path | None = Field(
        None,
        title="Manifest",
        description="Of a named set, the list of its files: followed and verified where it exists, otherwise written; "
        "none: beside the dataset file, with the ending .manifest.json.",
    )

    def __init__(self, **given: Any) -> None:
        try:
            super().__init__(**given)
        except ValidationError as error:
            raise ConfigError(explain_validation(error)) from error

    @field_validator("bands", mode="before")
    @classmethod
    def _bands_from_text(cls, value: Any) -> Any:
        return names_of(value) or None

    @field_validator("keys", mode="before")
    @classmethod
    def _keys_from_text(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        parts = [part.partition("=") for part in value.split(",")]
        if not all(name.strip() and key.strip() for name, _, key in parts):
            raise ValueError(f"write it as images=NAME,labels=NAME; given: {value}")
        return {name.strip(): key.strip() for name, _, key in parts}

    @field_validator("mask_value", mode="before")
    @classmethod
    def _mask_value_as_text(cls, value: Any) -> Any:
        text = f"{value:.12g}" if isinstance(value, int | float) else value
        if isinstance(text, str) and not is_colour(text) and not math.isfinite(float(text)):
            raise ValueError(f"write a number, not {text}: pixels that are nan are unknown by themselves")
        return text

    @model_validator(mode="after")
    def _one_meaning_of_masks(self) -> Self:
        if self.mask_value is not None and self.mask_at_least is not None:
            raise ValueError("--mask-value and --mask-at-least exclude each other: give one of them")
        return self

    @model_validator(mode="after")
    def _stride_goes_with_tiles(self) -> Self:
        if self.stride is not None and self.tile is None:
            raise ValueError("a stride needs a tile size (--tile)")
        return self


def how_many_done(done: int, total: int, what: str, start: float, end: float) -> Progress:
    """How many are done, as a part of an import that runs from the share ``start`` to ``end``.

    fields: stage (``what``), done and total.
    """
    share = start + (end - start) * done / max(total, 1)
    fields = {"stage": what, "done": done, "total": total}
    return Progress(share, f"{done:,} of {total:,} {what}.", fields=fields)


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
    degrees for a position in pixels, ``columns_at(row, col)`` further facts of it, and ``ground_at(row, col, height,
    width)`` a window's size on the ground. Others are read whole and cut. One whose file names its bands has
    ``band_names()`` (see ``core.data.readers.bands.order``).
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
    """The mask of one patch, understood (``core.data.readers.masks.understood``)."""

    @property
    def file(self) -> str:
        """Its name for messages, relative to the source."""

    def read(self) -> np.ndarray:
        """(H, W) uint8: 1 landslide, 0 none, 255 unknown. Raises DataError when it cannot be used."""

    def stamp(self) -> str:
        """As of a patch."""


@dataclass(frozen=True, slots=True)
class Item:
    """A patch to be, and what is known of it. label: 1, 0 or -1. lonlat: of its centre, in degrees.

    mask: as it is stored; ``build`` has them all understood before it reads one.
    """

    id: str
    patch: Patch
    label: int = -1
    group: str | None = None
    split: str | None = None
    mask: RawMask | Mask | None = None
    lonlat: tuple[float, float] | None = None
    columns: Mapping[str, str] = field(default_factory=dict)

    @property
    def file(self) -> str:
        """The patch's name for messages."""
        return self.patch.file


@dataclass(frozen=True)
class Naming:
    """names: of the bands in order. sensor: of the optical ones, "" for not said. units: by name, if not the usual."""

    names: tuple[str, ...]
    sensor: str = ""
    units: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Collection:
    """Everything a reader found, before any image is read: what ``core.data.readers.build`` turns into a file.

    Attributes:
        items: in the order of the dataset; any sequence, so that they may be made when asked for.
        class_names: (negative, positive).
        bands: those that the format prescribes; None: chosen by their number and ``ReaderOptions.bands``.
        naming: of the bands, where files or the user name them (``core.data.readers.bands.order``); None: not yet.
        nodata: a pixel equal to it in all bands holds no data; None: there is no such value; "usual": 0 where the
            values are numbers (0 dB or reflectance in every band was not seen), none in pictures, where it is black.
        unit: of the optical bands, where the files say it; ``ReaderOptions.unit`` stands above it.
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
    naming: Naming | None = None
    nodata: float | Literal["usual"] | None = "usual"
    unit: str | None = None
    labels_from_masks: bool = False
    resize: int | None = None
    manifest: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)


def group_alone(id: str, position: int) -> str:
    """A group for one image alone. Folds follow the order of groups' names, and a folder's name must not decide it."""
    return f"{position:06d} {id}" if "/" in id else id


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
        self.asked: dict[str, Asks] = {}  # what was assumed and may be said otherwise, by the warning that tells it
        self.would_help: Asks | None = None  # what the first unusable file leaves open
        self.n_files = 0  # set aside so far, without rows of tables

    def reject(self, file: str, reason: str | DataError, is_row: bool = False) -> None:
        """Set a file, or a row of a table, aside. In strict mode raises the error, or a DataError with the reason."""
        if self._strict:
            kind = type(reason) if isinstance(reason, DataError) else DataError
            named = "" if PurePath(file).name in str(reason) else f"{shown(file)}: "
            raise kind(f"{named}{reason} Stopped at this first unusable file.")
        self.n_files += not is_row
        self.would_help = self.would_help or getattr(reason, "asks", None)
        self.rejected.append(Rejection(shown(file), str(reason)))

    def leave_out(self, file: str, reason: str) -> None:
        """Name a file that is not wrong but not asked for either; strict mode goes on."""
        self.n_files += 1
        self.rejected.append(Rejection(shown(file), reason))

    def warn(self, text: str, asks: Asks | None = None) -> None:
        """Say something once. asks: the option that says otherwise, where it was assumed."""
        if text not in self.warnings:
            self.warnings.append(text)
        if asks is not None:
            self.asked[text] = asks


def shown(name: str) -> str:
    """``name`` as text that any terminal and file can hold: bytes that are not UTF-8 and controls are escaped."""
    text = name.encode("utf-8", "backslashreplace").decode("utf-8")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def some(names: list[str], most: int = 5) -> str:
    """The first few names, and how many more there are."""
    return shown(list_names(names, most))
