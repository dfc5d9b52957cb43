"""Who judged what, when and why: kept beside what is judged, so that several people work at once and nothing is lost.

A dataset file ``X.h5`` has ``X.judgements.sqlite``; a folder, such as a scene map, has ``judgements.sqlite`` in it.
Entries are added and never changed; an undo is an entry too. What the labels become is the business of
``core.review.versions``.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import combinations, pairwise
from pathlib import Path
from statistics import median
from typing import Any

from core import access
from core.errors import AccessError, DataError
from core.io.plain_file import is_there
from core.review.agreement import Agreement, agreement_of
from core.review.entry import UNDO, Entry, checked, person
from core.review.entry_file import adding, changes_of, entries, insert, last_moment, rows_of

PAUSE = timedelta(minutes=5)  # a longer gap between two judgements is no time spent on one
AT_ONCE = timedelta(seconds=0.2)  # nobody judges faster: such entries were imported, or chosen together
Key = tuple[str, str]  # kind and name of a subject


@dataclass(frozen=True)
class Disagreement:
    """A subject that people judged differently. verdicts: by person, in alphabetical order."""

    kind: str
    subject: str
    verdicts: dict[str, str]


@dataclass(frozen=True)
class Pace:
    """How far a review has come: "34 of 120, about 9 minutes left".

    judged: of ``total``, by the person asked about, or by anybody. seconds_each: the median time from one judgement to
    the next without pauses; None before there are two. by_person: how many each has judged.
    """

    judged: int
    total: int
    seconds_each: float | None
    by_person: dict[str, int]

    @property
    def seconds_left(self) -> float | None:
        """None where it cannot be told yet."""
        return None if self.seconds_each is None else self.seconds_each * (self.total - self.judged)

    @property
    def sentence(self) -> str:
        """For people."""
        text = f"{self.judged:,} of {self.total:,}"
        if self.judged >= self.total or self.seconds_left is None:
            return text
        minutes = round(self.seconds_left / 60)
        return f"{text}, about {minutes} minute{'s' * (minutes != 1)} left" if minutes else f"{text}, a moment left"


class Judgements:
    """The judgements beside a dataset file or in a folder.

    Each call opens the file, does its work in one transaction and closes it, so that any number of people, processes
    and threads may use the same one. All calls raise DataError, in plain words, for a file that is locked, read-only,
    damaged or none of ours; nothing is kept then.
    """

    def __init__(self, judged: Path | str):
        """judged: the dataset file or folder that is judged."""
        self.judged = Path(judged)
        self.path = judgements_path(self.judged)

    @property
    def stamp(self) -> tuple[int, int]:
        """What changes with every entry, for whoever keeps what was read; (0, 0) while there is no file."""
        return changes_of(self.path)

    def add(
        self,
        kind: str,
        subject: str,
        verdict: str,
        by: str,
        note: str = "",
        tags: Iterable[str] = (),
        place: Mapping[str, Any] | None = None,
    ) -> Entry:
        """Keep a judgement; it has reached the disk when this returns.

        kind: "patch" or "cell". verdict: "landslide", "not", "unsure", "bad image" or "duplicate". by: the reviewer's
        name. place: where known, ``{"box": (west, south, east, north), "lonlat": (longitude, latitude)}`` in degrees.
        A later judgement of the same person on the same subject takes the place of the earlier one.
        """
        access.require("review")
        _own_name(by)
        new = checked(
            key=secrets.token_hex(16), at=_now(), kind=kind, subject=subject, verdict=verdict, by=by, note=note,
            tags=tags, place=place,
        )  # fmt: skip
        if new.verdict == UNDO:
            raise DataError("Take a judgement back with undo.")
        self._refuse_missing()
        with adding(self.path) as connection:
            new = _after(new, last_moment(connection, new.by))
            insert(connection, [new])
        return new

    def undo(self, by: str) -> Entry | None:
        """Take back this person's last judgement that stands; what they had judged before stands again.

        Returns what was taken back, or None where nothing was left.
        """
        access.require("review")
        _own_name(by)
        name = person(by)
        if not is_there(self.path):
            return None
        with adding(self.path) as connection:
            if not (mine := _standing(rows_of(connection, name))):
                return None
            last = mine[-1]
            undo = replace(last, key=secrets.token_hex(16), at=_now(), verdict=UNDO, undoes=last.key, note="", tags=())
            insert(connection, [_after(undo, last_moment(connection, name))])
        return last

    def history(self) -> list[Entry]:
        """Every entry ever made, undos included, in the order of their times."""
        return _in_order(entries(self.path))

    def latest(self, kind: str | None = None, by: str | None = None) -> list[Entry]:
        """The judgements that stand: the last of each person on each subject that was not taken back, oldest first."""
        return [e for e in _latest(entries(self.path)) if kind in (None, e.kind) and (by is None or e.by == person(by))]

    def by_subject(self, kind: str | None = None) -> dict[Key, list[Entry]]:
        """:meth:`latest` by (kind, name); of each subject one entry a person, oldest first."""
        found: dict[Key, list[Entry]] = {}
        for entry in self.latest(kind):
            found.setdefault((entry.kind, entry.subject), []).append(entry)
        return found

    def disagreements(self, kind: str | None = None) -> list[Disagreement]:
        """Subjects that people judge differently as things stand."""
        return [
            Disagreement(*key, verdicts={e.by: e.verdict for e in sorted(said, key=lambda e: e.by)})
            for key, said in self.by_subject(kind).items()
            if len({e.verdict for e in said}) > 1
        ]

    def agreement(self, kind: str | None = None) -> list[Agreement]:
        """Cohen's kappa of each two people who judged the same subjects, with a 95 % interval over subjects."""
        said: dict[str, dict[Key, str]] = {}
        for entry in self.latest(kind):
            said.setdefault(entry.by, {})[entry.kind, entry.subject] = entry.verdict
        found = []
        for first, second in combinations(sorted(said), 2):
            both = sorted(set(said[first]) & set(said[second]))
            if both:
                found.append(
                    agreement_of(first, second, *([said[who][key] for key in both] for who in (first, second)))
                )
        return found

    def progress(self, subjects: Iterable[str], kind: str = "patch", by: str | None = None) -> Pace:
        """How many of these subjects are judged, by that person or anybody, and how long the rest takes."""
        wanted, rows, name = set(map(str, subjects)), entries(self.path), None if by is None else person(by)
        counted = [e for e in _latest(rows) if e.kind == kind and e.subject in wanted]
        judged = {e.subject for e in counted if name in (None, e.by)}
        people = dict(sorted(Counter(e.by for e in counted).items()))
        return Pace(len(judged), len(wanted), _seconds_each(_in_order(rows), name), people)

    def export_csv(self) -> str:
        """The whole history as CSV, safe to open in a spreadsheet; :meth:`import_csv` reads it back unchanged."""
        from core.review.entry_csv import to_csv

        return to_csv(self.history())

    def import_csv(self, text: str, name: str = "The CSV") -> int:
        """Add the entries of an export, or of a table with the columns subject, verdict, by; returns how many are new.

        name: what the file is called in messages. Those that are here already are passed over, so that two desks can
        exchange their reviews as often as they like. Raises FormatError, and keeps nothing, when any row is wrong.
        """
        access.require("review")
        from core.review.entry_csv import from_csv, must_fit

        read = from_csv(text, name)
        if any(entry.by != access.actor().name for _, entry in read):
            access.require("train")  # what others said elsewhere: not for whoever may only judge
        self._refuse_missing()
        with adding(self.path) as connection:
            new = must_fit(read, rows_of(connection), name)
            insert(connection, new)
        return len(new)

    def _refuse_missing(self) -> None:
        if not self.judged.exists():
            raise DataError(f"{self.judged.name} is not there, so nothing can be judged beside it. Check the path.")


def _own_name(by: str) -> None:
    """Raises AccessError where somebody who has signed in would judge under another name."""
    signed_in = access.actor().name
    if signed_in and person(by) != person(signed_in):
        raise AccessError(f"You are signed in as {signed_in} and judge under that name, not as {by}.")


def judgements_path(judged: Path | str) -> Path:
    """Where the judgements of a dataset file or a folder are kept."""
    path = Path(judged)
    return path / "judgements.sqlite" if path.is_dir() else path.with_suffix(".judgements.sqlite")


def _latest(rows: Sequence[Entry]) -> list[Entry]:
    last = {(e.by, e.kind, e.subject): e for e in _standing(rows)}
    return _in_order(last.values())


def _standing(rows: Sequence[Entry]) -> list[Entry]:
    undone = {e.undoes for e in rows if e.verdict == UNDO}
    return [e for e in _in_order(rows) if e.verdict != UNDO and e.key not in undone]


def _in_order(rows: Iterable[Entry]) -> list[Entry]:
    """By time, whichever desk they came from; ties by key, so that every desk has the same order."""
    return sorted(rows, key=lambda e: (e.at, e.key))


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds")


def _after(new: Entry, last: str) -> Entry:
    """The entry, later than the same person's last one: a clock that was set back reorders nothing."""
    if new.at > last:
        return new
    at = datetime.fromisoformat(last) + timedelta(microseconds=1)
    return replace(new, at=at.isoformat(timespec="microseconds"))


def _seconds_each(rows: Sequence[Entry], by: str | None) -> float | None:
    times: dict[str, list[datetime]] = {}
    for entry in rows:
        if entry.verdict != UNDO and by in (None, entry.by):
            times.setdefault(entry.by, []).append(datetime.fromisoformat(entry.at))
    gaps = [later - earlier for moments in times.values() for earlier, later in pairwise(moments)]
    spent = [gap.total_seconds() for gap in gaps if AT_ONCE <= gap <= PAUSE]
    return median(spent) if spent else None
