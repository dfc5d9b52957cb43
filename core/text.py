"""Numbers, times and lists of names as people read them, in errors, reports and on pages; text made harmless."""

from __future__ import annotations

import math
import re
import unicodedata
from typing import Any

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


def number(value: Any, digits: int = 3) -> str:
    """A number with three digits, or "undefined" where there is none (None, nan or infinite)."""
    if value is None or not math.isfinite(float(value)):
        return "undefined"
    return true_minus(f"{float(value):.{digits}f}")


def true_minus(text: str) -> str:
    """A formatted number with the sign of typography in place of the hyphen; no minus before a zero."""
    if text.startswith("-"):
        return f"\u2212{text[1:]}" if text.strip("-0.%") else text[1:]
    return text


def difference(value: object, digits: int = 3) -> str:
    """A difference with its sign: "+0.012", "−0.003", "0.000"; or "undefined"."""
    text = number(value, digits)
    return f"+{text}" if text[:1].isdigit() and text.strip("0.") else text


def small(value: object, digits: int = 3) -> str:
    """A number that is never negative, such as a p value: "under 0.001" where rounding would make it 0."""
    text = number(value, digits)
    return f"under {10.0**-digits:.{digits}f}" if text[:1] == "0" and not text.strip("0.") and value else text


def interval(bounds: object, digits: int = 3, signed: bool = False) -> str:
    """An interval: "0.812–0.861"; "−0.020 to 0.031" where an end is negative; empty where there is none.

    signed: of a difference, "+0.010 to +0.031".
    """
    ends = _ends(bounds)
    if ends is None:
        return ""
    low, high = (difference(end, digits) if signed else number(end, digits) for end in ends)
    return f"{low} to {high}" if signed or ends[0] < 0 else f"{low}–{high}"


def interval_percent(bounds: object, digits: int = 0) -> str:
    """An interval of shares 0-1: "89–93%"; empty where there is none."""
    ends = _ends(bounds)
    if ends is None:
        return ""
    low, high = (number(100 * end, digits) for end in ends)
    return f"{low} to {high}%" if ends[0] < 0 else f"{low}–{high}%"


def _ends(bounds: Any) -> tuple[float, float] | None:
    try:
        low, high = (float(value) for value in bounds)
    except (TypeError, ValueError):
        return None
    return (low, high) if math.isfinite(low) and math.isfinite(high) else None


def count(value: Any) -> str:
    """A whole number with thousands apart: "7,146"; "undefined" where there is none."""
    if value is None or not math.isfinite(float(value)):
        return "undefined"
    return true_minus(f"{round(float(value)):,}")


def counted(n: Any, one: str, many: str = "") -> str:
    """How many of what: "1 cell", "1,200 cells". many: the plural, where that is not ``one`` with an s."""
    text = count(n)
    return f"{text} {one if text == '1' else many or f'{one}s'}"


def percent(share: Any, digits: int = 1) -> str:
    """A share 0-1 as ``23.7%``, or "undefined"; never rounded to 0% or 100% where it is neither."""
    if share is None or not math.isfinite(float(share)):
        return "undefined"
    value, least = 100 * float(share), 10.0**-digits
    if 0 < value < least:
        return f"under {least:.{digits}f}%"
    if 100 - least < value < 100:
        return f"over {100 - least:.{digits}f}%"
    return f"{value:.{digits}f}%"


def tiny(value: float) -> str:
    """A number that should be 0, such as a difference from rounding: ``0``, or ``3.1e-07``."""
    return f"{value:.1e}" if value else "0"


def list_names(names: Any, most: int = 5) -> str:
    """The first names, and how many more there are: "a, b and 3 more"."""
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(str(name) for name in names[:most]) + more


def duration(seconds: Any) -> str:
    """Seconds for people: ``2 h 05 min``, ``3 min 20 s``, ``8 s``."""
    if seconds is None or not math.isfinite(float(seconds)):
        return ""
    whole = max(0, round(float(seconds)))
    hours, minutes, rest = whole // 3600, whole % 3600 // 60, whole % 60
    if hours:
        return f"{hours} h {minutes:02d} min"
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
