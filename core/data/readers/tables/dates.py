"""Dates from a column of text, whose order of day and month is decided once for the whole column.

ISO dates, compact ones, names of months, years and months alone, Excel's day numbers, seconds and milliseconds since
1970. In 05/02/2020 a day above 12 anywhere in the column says what comes first; without one, such dates are left out
and told of. Times of day and their zones are dropped: the date is the one that is written.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from core.data.readers.tables.numbers import is_empty

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
FIRST = date(1500, 1, 1)
EXCEL_ZERO = date(1899, 12, 30)
EXCEL = (10_000.0, 80_000.0)  # 1927 to 2119
_TIME = re.compile(r"(?<=[\d.])[T ]+\d{1,2}[:.hH]\d{2}.*$|(?<=\d)T\d{2,6}.*$|(?<=\d{4}-\d\d-\d\d)(Z|[+-]\d\d:?\d\d)$")
_YEAR_FIRST = re.compile(r"(\d{4})([-/.])(\d{1,2})\2(\d{1,2})")
_YEAR_LAST = re.compile(r"(\d{1,2})([-/. ])(\d{1,2})\2(\d{4}|(?<!-)\d{2})")  # 19-12-25 begins with the year, or not
_COMPACT = re.compile(r"((?:1[5-9]|20)\d\d)(\d\d)(\d\d)|((?:19|20)\d\d)(\d\d)(\d\d)(?:[01]\d|2[0-3])(?:[0-5]\d){0,2}")
_YEAR = re.compile(r"((?:1[5-9]|20)\d{2})(\.0)?")
_YEAR_MONTH = re.compile(r"(?:(\d{4})[-/.](\d{1,2})|(\d{1,2})[-/.](\d{4}))")
_WORDS = re.compile(r"(?:(\d{1,2})[ .-]+)?([a-z]{3,9})\.?[ ,-]+(?:(\d{1,2})(?:st|nd|rd|th)?[ ,]+)?(\d{4}|\d{2})")
_EPOCH = {9: 1, 10: 1, 11: 1e3, 12: 1e3, 13: 1e3, 14: 1e3, 16: 1e6, 19: 1e9}  # digits -> units a second

Parsed = tuple[str, str]  # ISO date and "day", "month" or "year"; ("", "") where there is none


@dataclass(frozen=True)
class Dates:
    """dates: (n,) ISO date and precision. unreadable, ambiguous: rows that say something which could not be read."""

    dates: tuple[Parsed, ...]
    unreadable: tuple[int, ...]
    ambiguous: tuple[int, ...]
    notes: tuple[str, ...]


def read_dates(texts: Sequence[str], month_first: bool | None = None, what: str = "dates") -> Dates:
    """The dates of a column; a number of days as Excel keeps them only where most of the column is such.

    month_first: what dates mean whose order nothing in the column tells; None: they are left out.
    """
    plain = [_TIME.sub("", text.strip()).strip() for text in texts]
    orders, notes = {}, []
    for mark in "-/. ":  # people who write 05.02.2020 and 05/02/2020 in one column may mean different things
        orders[mark], said = _order(plain, mark, what)
        notes += said
        if orders[mark] is None and not said and month_first is not None and mark != ".":
            orders[mark] = not month_first
    filled = [text for text in plain if not is_empty(text)]
    excel = bool(filled) and sum(_is_excel(text) for text in filled) > len(filled) / 2
    found = [
        ("", "") if is_empty(text) else parse_date(text, orders.get(text.strip("0123456789")[:1]), excel)
        for text in plain
    ]
    left = [i for i, (text, one) in enumerate(zip(plain, found, strict=True)) if not one[0] and not is_empty(text)]
    ambiguous = [i for i in left if parse_date(plain[i], day_first=True)[0]]
    unreadable = [i for i in left if i not in set(ambiguous)]
    if excel and any(_is_excel(text) for text in filled):
        notes.append(f"The {what} are Excel's numbers of days; they were read as such.")
    if ambiguous:
        notes.append(
            f"{len(ambiguous)} {what} can be read in two ways ('{texts[ambiguous[0]][:20]}': day or month first?) and "
            "were left empty. Write them as YYYY-MM-DD."
        )
    if unreadable:
        notes.append(
            f"{len(unreadable)} {what} could not be read and were left empty; the first: '{texts[unreadable[0]][:30]}'."
        )
    return Dates(tuple(found), tuple(unreadable), tuple(ambiguous), tuple(notes))


def parse_date(text: str, day_first: bool | None = None, excel: bool = False) -> Parsed:
    """(ISO date, precision "day", "month" or "year") of one text; ("", "") where it cannot be read.

    ``day_first`` None: 05/02/2020 cannot be, but 25/12/2019 and 05.02.2020 (as written with points) can.
    """
    plain = _TIME.sub("", text.strip()).strip()
    if excel and _is_excel(plain):
        return _day(EXCEL_ZERO + timedelta(days=int(float(plain))))
    if found := _YEAR.fullmatch(plain):
        return _month(int(found[1]), 1, "year")
    if found := _COMPACT.fullmatch(plain):
        compact = _made(*(int(part) for part in found.groups() if part))
        if compact[0]:
            return compact
    if re.fullmatch(r"-?\d+", plain) and len(plain.lstrip("-")) in _EPOCH:
        seconds = int(plain) / _EPOCH[len(plain.lstrip("-"))]
        try:
            return _day((datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)).date())
        except OverflowError:
            return "", ""
    if found := _YEAR_FIRST.fullmatch(plain):
        return _made(int(found[1]), int(found[3]), int(found[4]))
    if found := _YEAR_LAST.fullmatch(plain):
        first, second, year = int(found[1]), int(found[3]), _year(found[4])
        if first > 12 or second == first:
            return _made(year, second, first)
        if second > 12:
            return _made(year, first, second)
        if day_first is None and found[2] != ".":
            return "", ""
        return _made(year, first, second) if day_first is False else _made(year, second, first)
    if found := _YEAR_MONTH.fullmatch(plain):
        return _month(int(found[1] or found[4]), int(found[2] or found[3]), "month")
    if (found := _WORDS.fullmatch(plain.lower())) and found[2][:3] in MONTHS and not (found[1] and found[3]):
        month, day = MONTHS.index(found[2][:3]) + 1, found[1] or found[3]
        if day or len(found[4]) == 4:
            return _made(_year(found[4]), month, int(day)) if day else _month(int(found[4]), month, "month")
    return "", ""


def _order(plain: Sequence[str], mark: str, what: str) -> tuple[bool | None, list[str]]:
    """Whether the day comes first where ``mark`` stands between, by the days above 12.

    None where nothing tells, or where both are there, which is told of.
    """
    parts = [found for text in plain if (found := _YEAR_LAST.fullmatch(text)) and found[2] == mark]
    day_first = sum(int(found[1]) > 12 and int(found[3]) <= 12 for found in parts)
    month_first = sum(int(found[3]) > 12 and int(found[1]) <= 12 for found in parts)
    if day_first and month_first:
        return None, [
            f"{day_first} {what} begin with the day and {month_first} with the month, so the others are not certain."
        ]
    if not day_first and not month_first:
        return None, []
    return bool(day_first), []


def _is_excel(text: str) -> bool:
    return bool(re.fullmatch(r"\d{5}(\.\d+)?", text)) and EXCEL[0] <= float(text) <= EXCEL[1]


def _year(text: str) -> int:
    return int(text) if len(text) == 4 else int(text) + (1900 if int(text) >= 69 else 2000)


def _made(year: int, month: int, day: int) -> Parsed:
    try:
        return _day(date(year, month, day))
    except ValueError:
        return "", ""


def _month(year: int, month: int, precision: str) -> Parsed:
    found = _made(year, month, 1)
    return (found[0], precision) if found[0] else ("", "")


def _day(found: date) -> Parsed:
    return (found.isoformat(), "day") if found >= FIRST else ("", "")
