"""Values as text for people: numbers, intervals, times, class names.

Everything a user wrote (names, classes, bands, notes) passes through :func:`escape_markdown` wherever Streamlit would
read Markdown.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime

from core.data.store import Dataset
from core.runs.store import FINAL_STATES
from core.text import count, difference, number, percent, small

__all__ = [
    "class_word", "count", "difference", "elapsed", "escape_markdown", "interval", "interval_percent", "number",
    "parse_time", "percent", "small",
]  # fmt: skip

_PUNCTUATION = re.compile(r"([\\`*_{}\[\]()#+\-.!|~<>$:&^=/@])")


# --------------------------------------------------------------------------------------------------------- text


def escape_markdown(text: object) -> str:
    """``text`` for a place that reads Markdown (labels, captions, messages), shown exactly as written."""
    escaped = _PUNCTUATION.sub(r"\\\1", " ".join(str(text).split()))
    # Links are found in the text after escapes are gone: an invisible joiner keeps them from being one.
    return re.sub(r"(?i)(http|www|mailto)", lambda m: m[0][0] + "\u2060" + m[0][1:], escaped)


def interval(bounds: object, digits: int = 3) -> str:
    """An interval for people: "0.812–0.861", "−0.020 to 0.031" where one end is negative; empty where there is none."""
    ends = _ends(bounds)
    if ends is None:
        return ""
    low, high = (number(end, digits) for end in ends)
    return f"{low} to {high}" if ends[0] < 0 else f"{low}–{high}"


def interval_percent(bounds: object, digits: int = 0) -> str:
    """An interval of shares 0-1 for people: "89–93%"; empty where there is none."""
    ends = _ends(bounds)
    if ends is None:
        return ""
    low, high = (number(100 * end, digits) for end in ends)
    return f"{low} to {high}%" if ends[0] < 0 else f"{low}–{high}%"


def _ends(bounds: object) -> tuple[float, float] | None:
    try:
        low, high = (float(value) for value in bounds)
    except (TypeError, ValueError):
        return None
    return (low, high) if math.isfinite(low) and math.isfinite(high) else None


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
