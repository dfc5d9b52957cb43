"""What stands for landslide in a mask, as people write it: a number, or a colour by its name or its parts."""

from __future__ import annotations

import re

from PIL import ImageColor

WRITTEN = "a number, or a colour such as #ff0000, 255,0,0 or red"
_PARTS = re.compile(r"\(?\s*(\d{1,3})\s*[,; ]\s*(\d{1,3})\s*[,; ]\s*(\d{1,3})\s*\)?")


def is_colour(text: str) -> bool:
    """Whether ``text`` names a colour and no number. Raises ValueError when it is neither."""
    try:
        float(text)
    except ValueError:
        colour_code(text)
        return True
    return False


def colour_code(text: str) -> int:
    """The code red * 65536 + green * 256 + blue of ``#ff0000``, ``255,0,0`` or ``red``. Raises ValueError otherwise."""
    parts = _PARTS.fullmatch(text.strip())
    try:
        red, green, blue = map(int, parts.groups()) if parts else ImageColor.getrgb(text.strip())[:3]
    except ValueError as error:
        raise ValueError(f"write {WRITTEN}; given: {text}") from error
    if max(red, green, blue) > 255:
        raise ValueError(f"a colour has parts from 0 to 255; given: {text}")
    return (red << 16) | (green << 8) | blue


def colour_name(code: int) -> str:
    """``#ff0000``, or "transparent"."""
    return "transparent" if code < 0 else f"#{code:06x}"
