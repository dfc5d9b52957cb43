"""Which date of a series of images is taken: before the event, after it, or one that was named."""

from __future__ import annotations

import ast
import datetime as dt
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.arrays import whole_pair
from core.errors import ConfigError

WORDS = ("post", "pre", "both", "first", "last")
_EPOCH = re.compile(r"(\w+) since (\d{4}-\d{1,2}-\d{1,2})[T ]?(\d{1,2}:\d{2}(:\d{2})?)?")
_SECONDS = {"days": 86400, "hours": 3600, "minutes": 60, "seconds": 1, "milliseconds": 1e-3, "microseconds": 1e-6}
_SECONDS["nanoseconds"] = 1e-9


@dataclass(frozen=True)
class Series:
    """The dates of one file. days: of each image, or () where the file does not say.

    pre, post: places of the images next to the event; None: no event is known.
    """

    n: int
    days: tuple[dt.date, ...] = ()
    pre: int | None = None
    post: int | None = None


def check(wanted: str) -> None:
    """Raise ConfigError for what is no date, number or word."""
    if wanted not in WORDS and not wanted.lstrip("-").isdigit() and _day(wanted) is None:
        raise ConfigError(f"'{wanted}' is no date. Say {', '.join(WORDS)}, a number, or a day such as 2023-05-16.")


def chosen(series: Series, wanted: str, usual: tuple[int, int] | None) -> tuple[int, ...]:
    """Places of the images to take: one, or (pre, post) for "both".

    usual: (pre, post) for a file that knows no event: that of most others, so that the season does not tell who has
    one; None: the first and the last. Raises ConfigError for a number beyond the series.
    """
    known = series.pre is not None and series.post is not None
    places = (series.pre, series.post) if known else usual or (0, series.n - 1)
    pre, post = (max(0, min(place or 0, series.n - 1)) for place in places)
    if wanted in WORDS:
        return {"post": (post,), "pre": (pre,), "both": (pre, post), "first": (0,), "last": (series.n - 1,)}[wanted]
    day = _day(wanted)
    if day is not None:
        if not series.days:
            raise ConfigError(f"The files do not say their days, so that {wanted} cannot be found. Say a number.")
        return (min(range(series.n), key=lambda i: abs(series.days[i] - day)),)
    place = int(wanted)
    if not -series.n <= place < series.n:
        raise ConfigError(f"There is no image {place} in a series of {series.n}: say 0 to {series.n - 1}.")
    return (place % series.n,)


def _day(text: str) -> dt.date | None:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        return None


def series_of(n: int, time: np.ndarray | None, units: str, facts: Mapping[str, str]) -> Series:
    """From the axis of time (n,) with its units as CF writes them, and the file's attributes.

    Of several events the first before and the last after are taken, so that all of them lie between.
    """
    days = _days(time, units) if time is not None and len(time) == n else ()
    events = _events(facts.get("pre_post_dates", ""))
    if events:
        return Series(n, days, min(one[0] for one in events), max(one[1] for one in events))
    event = _day(facts.get("event_date", "")[:10])
    if event and days:
        after = [i for i, day in enumerate(days) if day >= event]
        before = [i for i, day in enumerate(days) if day < event]
        if after and before:
            return Series(n, days, before[-1], after[0])
    return Series(n, days)


def _days(time: np.ndarray, units: str) -> tuple[dt.date, ...]:
    match = _EPOCH.match(units)
    if match is None or match[1] not in _SECONDS or time.dtype.kind not in "iuf":
        return ()
    try:
        begin = dt.datetime.fromisoformat(match[2])
        return tuple((begin + dt.timedelta(seconds=float(t) * _SECONDS[match[1]])).date() for t in time.tolist())
    except (ValueError, OverflowError):
        return ()


def _events(text: str) -> list[tuple[int, int]]:
    """(pre, post) of each event in ``{'pre': 7, 'post': 8}``, or a list of such; [] for anything else."""
    try:
        found: Any = ast.literal_eval(text[:4096])
    except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
        return []
    found = found if isinstance(found, list | tuple) else [found]
    pairs = [(one.get("pre"), one.get("post")) for one in found if isinstance(one, dict)]
    return [(pre, post) for pre, post in pairs if type(pre) is int and type(post) is int]


def usual_places(all_series: Sequence[Series]) -> tuple[int, int] | None:
    """The middle (pre, post) of the files that know their event; None: none does."""
    known = [(one.pre, one.post) for one in all_series if one.post is not None]
    if not known:
        return None
    return whole_pair(np.median(np.array(known), axis=0).round())
