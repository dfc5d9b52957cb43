"""What all readers share: how they are asked, what they find, what they answer.

Comes in and goes out: frozen values. It knows nothing of any format.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePath

from core.errors import DataError


@dataclass(frozen=True)
class ReaderOptions:
    """How a source is to be read.

    Attributes:
        strict: stop at the first unusable file instead of setting it aside.
        positive: name of the positive class, or its value in the labels table.
        bands: names of the bands in the order of the files.
        labels: a CSV; relative to the working directory or to the source.
        id_column: its column of names or paths.
        group_column: its column of groups.
        masks: folder of masks; relative to the working directory or to the source.
        licence: of the patches.
    """

    strict: bool = False
    positive: str | None = None
    bands: tuple[str, ...] | None = None
    labels: Path | None = None
    id_column: str | None = None
    group_column: str | None = None
    masks: Path | None = None
    licence: str = ""


@dataclass(frozen=True)
class Progress:
    """done of total files."""

    done: int
    total: int


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


@dataclass(frozen=True)
class Item:
    """A patch to be: its file and what is known of it. file: its path for messages. label: 1, 0 or -1."""

    id: str
    path: Path
    file: str
    label: int = -1
    group: str | None = None
    split: str | None = None
    mask: Path | None = None
    columns: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Collection:
    """Everything a reader found, before any image is read: what ``core.data.readers.build`` turns into a file."""

    name: str
    items: tuple[Item, ...]
    class_names: tuple[str, str]
    licence: str = ""
    has_masks: bool = False
    conflicting_ids: tuple[str, ...] = ()


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
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(shown(name) for name in names[:most]) + more
