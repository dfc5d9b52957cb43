"""What a cell's text is as a number, and what stands for an empty cell."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

import numpy as np

NO_VALUE = ("", "nan", "na", "n/a", "#n/a", "<na>", "none", "null", "nat")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_COMMA = re.compile(r"[+-]?\d*,(\d+)")


def is_empty(text: str) -> bool:
    """Whether a cell holds nothing, or a word that programs write for nothing."""
    return text.lower() in NO_VALUE


def as_number(text: str) -> float | None:
    """The number that a cell holds, or None. ``0002`` is a name here, not a number; ``0.0`` is a number."""
    if not _NUMBER.fullmatch(text) or re.match(r"[+-]?0\d", text):
        return None
    value = float(text)
    return value if math.isfinite(value) else None


def decimal_commas(texts: Sequence[str], separator: str) -> list[str] | None:
    """The cells of a column with points where it writes commas for them (``0,5``); None where it does not.

    Beside comma separators ``1,234`` alone may be thousands; then at least one cell must have other than three digits
    behind its comma.
    """
    filled = [text for text in texts if not is_empty(text)]
    found = [_COMMA.fullmatch(text) for text in filled]
    if not any(found) or any(not match and as_number(text) is None for text, match in zip(filled, found, strict=True)):
        return None
    if any("." in text for text in filled):
        return None
    if separator == "," and all(len(match[1]) == 3 for match in found if match):
        return None
    return [text if is_empty(text) else text.replace(",", ".") for text in texts]


def typed_column(texts: Sequence[str]) -> np.ndarray:
    """(n,) int64 or float64 when every filled cell is a number (an empty one then is nan), otherwise text."""
    filled = [text for text in texts if not is_empty(text)]
    numbers = [as_number(text) for text in filled]
    if not filled or any(number is None for number in numbers):
        return np.array(texts, dtype=np.str_)
    if len(filled) == len(texts) and all(re.fullmatch(r"[+-]?\d{1,15}", text) for text in filled):
        return np.array([int(text) for text in texts], np.int64)
    return np.array([np.nan if is_empty(text) else float(text) for text in texts], np.float64)
