"""Values as text for people: numbers, intervals, times, class names.

Everything a user wrote (names, classes, bands, notes) passes through :func:`escape_markdown` wherever Streamlit would
read Markdown.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime

from core.data.store import Dataset
from core.runs.store import FINAL_STATES
from core.text import count, difference, interval, interval_percent, number, percent, small
from core.wording.voice import Voice

__all__ = [
    "MARKDOWN", "class_word", "count", "difference", "elapsed", "escape_markdown", "interval", "interval_percent",
    "number", "parse_time", "percent", "small",
]  # fmt: skip

_PUNCTUATION = re.compile(r"([\\`*_{}\[\]()#+\-.!|~<>$:&^=/@])")
_LINK = re.compile(r"http|www|mailto|xmpp|@", re.IGNORECASE)


# --------------------------------------------------------------------------------------------------------- text


def escape_markdown(text: object) -> str:
    """``text`` for a place that reads Markdown (labels, captions, messages), shown exactly as written."""
    escaped = _PUNCTUATION.sub(r"\\\1", " ".join(str(text).split()))
    # Links, mail addresses too, are found in the text after escapes are gone: an invisible joiner keeps them from it.
    return _LINK.sub(lambda m: m[0][0] + "\u2060" + m[0][1:], escaped)


MARKDOWN = Voice(escape_markdown, lambda text: f"**{text}**")  # sentences of core.wording on a page


def parse_time(text: object) -> datetime | None:
    """A moment written in a run folder, in UTC; None where it cannot be read."""
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def elapsed(status: Mapping) -> float | None:
    """Seconds a run took so far, or altogether."""
    begun = parse_time(status.get("started"))
    if begun is None:
        return None
    ended = parse_time(status.get("finished")) if status.get("state") in FINAL_STATES else datetime.now(UTC)
    return (ended - begun).total_seconds() if ended else None


# -------------------------------------------------------------------------------------------- figures, downloads


def class_word(data: Dataset, label: int) -> str:
    """A label's class name in its colour, as Markdown."""
    if label < 0:
        return ":gray[unlabelled]"
    return f":{'orange' if label == 1 else 'blue'}[{escape_markdown(data.class_names[label])}]"
