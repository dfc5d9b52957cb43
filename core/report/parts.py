"""What a report is made of: sections of words, numbers, figures, tables and pictures; and sections that are missing.

Everything here is plain text but :attr:`Figure.svg` and the URIs of pictures, which only this room makes. The template
escapes all text, so that a name or a note that a user wrote stays what it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True)
class Words:
    """A paragraph. kind: "lead" is larger, "note" smaller, "warning" has a coloured edge."""

    text: str
    kind: Literal["plain", "lead", "note", "warning"] = "plain"


@dataclass(frozen=True)
class Points:
    """A list of sentences."""

    texts: tuple[str, ...]
    title: str = ""


@dataclass(frozen=True)
class Number:
    """One number: what it is, its value, its interval or whatever stands below it."""

    label: str
    value: str
    detail: str = ""


@dataclass(frozen=True)
class Numbers:
    """Numbers side by side."""

    cards: tuple[Number, ...]


@dataclass(frozen=True)
class Figure:
    """svg: made by ``core.report``; alt: what it shows, in words. caption: what it rests on."""

    svg: str
    alt: str
    caption: str = ""
    title: str = ""
    wide: bool = True


@dataclass(frozen=True)
class Row:
    """Figures side by side; below each other where there is no room."""

    figures: tuple[Figure, ...]


@dataclass(frozen=True)
class Picture:
    """One picture: its ``data:`` URI, what it shows, and lines below it. colour: of its upper edge."""

    uri: str
    alt: str
    lines: tuple[str, ...] = ()
    colour: str = ""


@dataclass(frozen=True)
class Pictures:
    """Pictures in a grid. pixels: they are shown as they are, not smoothed. columns: how many side by side."""

    items: tuple[Picture, ...]
    title: str = ""
    caption: str = ""
    columns: int = 6


@dataclass(frozen=True)
class Table:
    """A table. numeric: columns that are aligned right. caption: what it shows, above it."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    caption: str = ""
    numeric: tuple[str, ...] = ()


@dataclass(frozen=True)
class Checks:
    """Findings that hold, fail or are undecided: (holds, what, sentence)."""

    rows: tuple[tuple[bool | None, str, str], ...]


@dataclass(frozen=True)
class Code:
    """Something to be typed."""

    text: str


Part = Words | Points | Numbers | Figure | Row | Pictures | Table | Checks | Code


@dataclass(frozen=True)
class Section:
    """One thing that the report tells. message: it in a sentence. basis: how it was measured, smaller, at the end."""

    anchor: str
    title: str
    message: str
    parts: tuple[Part, ...] = ()
    basis: tuple[str, ...] = ()


@dataclass(frozen=True)
class Missing:
    """What was not computed. analysis, options: what computes it, of ``target``; command: the same as it is typed."""

    anchor: str
    title: str
    what: str
    command: str = ""
    analysis: str = ""
    target: Literal["run", "dataset"] = "run"
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class FrontPage:
    """The first page, for people who decide. headline: one sentence. parts: its pictures, before the numbers."""

    headline: str
    frequency: str
    parts: tuple[Part, ...]
    numbers: tuple[Number, ...]
    blocks: tuple[Points, ...]
    basis: str


@dataclass(frozen=True)
class Document:
    """A whole report. facts: label and value, below the title. front: None where the document has no first page."""

    kind: Literal["run", "scene", "comparison"]
    title: str
    subtitle: str
    facts: tuple[tuple[str, str], ...]
    sections: tuple[Section | Missing, ...]
    made: str
    front: FrontPage | None = None
    badge: str = ""

    @property
    def missing(self) -> tuple[Missing, ...]:
        """What was not computed."""
        return tuple(one for one in self.sections if isinstance(one, Missing))


def kind_of(part: Part) -> str:
    """The name that the template knows a part by."""
    return type(part).__name__.lower()


def table_of(frame: Any, caption: str = "", numeric: Sequence[str] = ()) -> Table:
    """A pandas table of texts and numbers as a :class:`Table`, a dash for what is not there."""
    rows = tuple(
        tuple("–" if value is None or value != value else str(value) for value in row)
        for row in frame.itertuples(index=False)
    )
    return Table(tuple(map(str, frame.columns)), rows, caption, tuple(numeric))
