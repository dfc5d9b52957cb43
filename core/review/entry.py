"""One entry of a review: who judged what, when, how and why; checked before it is kept.

Text, numbers and times come in from people and from files; an :class:`Entry` that can be written and read again goes
out, or a sentence on what is wrong.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Literal, get_args

from core.errors import DataError
from core.review.groups import GROUP, MOST_TEXT, checked_group
from core.text import one_line

Kind = Literal["patch", "cell", "group"]
Verdict = Literal["landslide", "not", "unsure", "bad image", "duplicate"]
KINDS, VERDICTS = get_args(Kind), get_args(Verdict)
UNDO = "undo"  # in place of a verdict: it takes back the entry that ``undoes`` names
LABELS = {"landslide": 1, "not": 0}  # verdicts that say a label; the others are reasons to leave a patch out, or none
MOST_NAME, MOST_SUBJECT, MOST_NOTE, MOST_TAGS = 80, 400, 4000, 50  # characters; tags


@dataclass(frozen=True)
class Entry:
    """A judgement, or an undo.

    key: unlike any other's. at: UTC, ISO 8601 with microseconds. verdict: one of VERDICTS, or UNDO; of a group of
    patches that belong together one of ``core.review.groups``. box: west, south,
    east, north and lonlat: longitude, latitude in degrees, where it is known. undoes: the key of what an undo takes
    back, "" otherwise.
    """

    key: str
    at: str
    by: str
    kind: str
    subject: str
    verdict: str
    note: str = ""
    tags: tuple[str, ...] = ()
    box: tuple[float, float, float, float] | None = None
    lonlat: tuple[float, float] | None = None
    undoes: str = ""

    @property
    def label(self) -> int | None:
        """1 for a landslide, 0 for none, None for a verdict that says no label."""
        return LABELS.get(self.verdict)

    def to_dict(self) -> dict[str, Any]:
        """Plain values that JSON can hold."""
        return asdict(self)


def checked(
    *,
    key: str,
    at: str,
    kind: str,
    subject: str,
    verdict: str,
    by: str,
    note: str = "",
    tags: Iterable[str] = (),
    place: Mapping[str, Any] | None = None,
    undoes: str = "",
) -> Entry:
    """The entry that these values make. Raises DataError for what cannot be kept as it is."""
    if kind not in KINDS:
        raise DataError(f"'{kind}' cannot be judged. Accepted: {', '.join(KINDS)}.")
    if kind != GROUP and verdict not in VERDICTS and verdict != UNDO:
        raise DataError(f"'{verdict}' is no judgement. Accepted: {', '.join(VERDICTS)}.")
    if (verdict == UNDO) != bool(undoes):
        raise DataError("An undo names the entry that it takes back, and nothing else does.")
    if kind == GROUP:
        subject = checked_group(subject, None if verdict == UNDO else verdict)
    most = MOST_TEXT if kind == GROUP else MOST_SUBJECT
    subject = _text(subject, "the name of what is judged", most, needed=True, exactly=True)
    box, lonlat = _place(place or {})
    return Entry(
        key=_text(key, "a key", 64, needed=True),
        at=moment(at),
        by=person(by),
        kind=kind,
        subject=subject,
        verdict=verdict,
        note=_text(note, "a note", MOST_NOTE),
        tags=_tags(tags),
        box=box,
        lonlat=lonlat,
        undoes=_text(undoes, "a key", 64),
    )


def person(name: str) -> str:
    """A reviewer's name, however its spaces and accents were typed. Raises DataError for none."""
    text = unicodedata.normalize("NFC", _text(name, "the reviewer's name", 4 * MOST_NAME, needed=True))
    return _text(" ".join(text.split()), "the reviewer's name", MOST_NAME, needed=True)


def moment(text: str) -> str:
    """A time in UTC as it is kept. Raises DataError for text that is no time with its zone."""
    try:
        at = datetime.fromisoformat(text)
        if at.tzinfo is None:
            raise ValueError(text)
        return at.astimezone(UTC).isoformat(timespec="microseconds")
    except (TypeError, ValueError, OverflowError) as error:
        raise DataError(
            f"'{one_line(text, 40)}' is no time with its zone. Accepted: 2026-11-29T12:00:00+00:00."
        ) from error


def _text(value: object, what: str, most: int, needed: bool = False, exactly: bool = False) -> str:
    if not isinstance(value, str):
        raise DataError(f"{what.capitalize()} must be text; found {type(value).__name__}.")
    text = value if exactly else value.strip()
    if needed and not text.strip():
        raise DataError(f"{what.capitalize()} is missing.")
    if len(text) > most:
        raise DataError(f"{what.capitalize()} has {len(text):,} characters; at most {most:,} are kept.")
    if "\0" in text or any(0xD800 <= ord(c) <= 0xDFFF for c in text):
        raise DataError(f"{what.capitalize()} holds characters that cannot be stored. Type it again.")
    return text if exactly else text.replace("\r\n", "\n").replace("\r", "\n")


def _tags(tags: Iterable[str]) -> tuple[str, ...]:
    if isinstance(tags, str):
        raise DataError("Tags come as a list of names.")
    found = dict.fromkeys(_text(tag, "a tag", MOST_NAME, needed=True) for tag in tags)
    if broken := [tag for tag in found if ";" in tag or "\n" in tag]:
        raise DataError(f"A tag cannot hold a semicolon or a line break: '{one_line(broken[0], 40)}'.")
    if len(found) > MOST_TAGS:
        raise DataError(f"There are {len(found)} tags; at most {MOST_TAGS} are kept.")
    return tuple(found)


def _place(place: Mapping[str, Any]) -> tuple[Any, Any]:
    if unknown := set(place) - {"box", "lonlat"}:
        raise DataError(f"A place has a box and a lonlat; found {', '.join(sorted(map(str, unknown)))}.")
    box = _degrees(place.get("box"), 4, "A box is west, south, east, north")
    lonlat = _degrees(place.get("lonlat"), 2, "A lonlat is longitude, latitude")
    if box and box[1] > box[3]:
        raise DataError("The box's south is north of its north. A box is west, south, east, north in degrees.")
    return box, lonlat


def _degrees(values: Any, n: int, what: str) -> tuple[float, ...] | None:
    if values is None:
        return None
    try:
        numbers = tuple(float(value) for value in values)
    except (TypeError, ValueError) as error:
        raise DataError(f"{what} in degrees, as numbers.") from error
    limits = (180.0, 90.0) * (n // 2)
    if len(numbers) != n or not all(
        math.isfinite(x) and abs(x) <= limit for x, limit in zip(numbers, limits, strict=True)
    ):
        raise DataError(f"{what} in degrees, -180 to 180 and -90 to 90; found {one_line(values, 80)}.")
    return numbers
