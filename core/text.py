"""Numbers, times and lists of names as people read them, in errors, reports and on pages; text made harmless."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Sequence

# Cc: control characters, line breaks and the start of every ANSI escape. Cf: what turns the direction of writing, and
# what is not seen at all. Zl, Zp: Unicode's own line breaks. Cs: halves of characters.
_UNSEEN = frozenset({"Cc", "Cf", "Zl", "Zp", "Cs"})
_ESCAPE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-_])")
_JOINERS = "\u200c\u200d"  # letters of some alphabets need them


def one_line(text: object, most: int = 2000) -> str:
    """Text that came from a file, as one line that shows what it is: no line breaks, escapes or turned writing.

    Escape sequences go; any other character that is not seen becomes a space. What is longer than ``most``
    characters is cut.
    """
    whole = str(text)
    shown = whole[:most]
    if not shown.isprintable():
        shown = _ESCAPE.sub("", shown)
        unseen = (unicodedata.category(c) in _UNSEEN and c not in _JOINERS for c in shown)
        shown = "".join(" " if hidden else c for c, hidden in zip(shown, unseen, strict=True))
        shown = re.sub(r"  +", " ", shown).strip()
    return f"{shown}…" if len(whole) > most else shown


def number(value: object, digits: int = 3) -> str:
    """A number with three digits, or "undefined" where there is none (None, nan or infinite)."""
    if value is None or not math.isfinite(float(value)):
        return "undefined"
    return f"{float(value):.{digits}f}"


def list_names(names: Sequence[object], most: int = 5) -> str:
    """The first names, and how many more there are: "a, b and 3 more"."""
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(str(name) for name in names[:most]) + more


def duration(seconds: object) -> str:
    """Seconds for people: ``2 h 05 min``, ``3 min 20 s``, ``8 s``."""
    if seconds is None or not math.isfinite(float(seconds)):
        return ""
    whole = max(0, round(float(seconds)))
    hours, minutes, rest = whole // 3600, whole % 3600 // 60, whole % 60
    if hours:
        return f"{hours} h {minutes:02d} min"
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
