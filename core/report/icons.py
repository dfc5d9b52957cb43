"""A hundred squares: how many of a hundred are found or missed, right or false, with the interval as faint ones."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from core.report.svg import element, finish

COLUMNS, ROWS, SIDE, GAP, FAINT = 20, 5, 22.0, 5.0, "0.45"


def counts(share: float, bounds: Sequence[float | None] | None) -> tuple[int, int, int, int]:
    """Squares of the first kind, of it within the interval, of the second within it, and of the second."""
    value = round(100 * share)
    known = [float(end) for end in bounds or () if end is not None and math.isfinite(end)]
    low, high = (round(100 * end) for end in known) if len(known) == 2 else (value, value)
    low, high = min(low, value), max(high, value)
    return low, value - low, high - value, 100 - high


def hundred(share: float, bounds: Sequence[float | None] | None, colours: tuple[str, str], alt: str) -> str:
    """SVG of a hundred squares. share: 0-1 of the first colour; bounds: its interval, or None."""
    width, height = COLUMNS * (SIDE + GAP) - GAP, ROWS * (SIDE + GAP) - GAP
    named: dict[str, Any] = {"aria-label": alt, "class": "icons"}
    root = element("svg", viewBox=f"0 0 {width:g} {height:g}", role="img", **named)
    inks = [(colours[0], "1"), (colours[0], FAINT), (colours[1], FAINT), (colours[1], "1")]
    place = 0
    for (colour, opacity), count in zip(inks, counts(share, bounds), strict=True):
        for _ in range(count):
            # down each column, so that a count reads as a length
            x, y = place // ROWS * (SIDE + GAP), place % ROWS * (SIDE + GAP)
            element("rect", root, x=f"{x:g}", y=f"{y:g}", width=f"{SIDE:g}", height=f"{SIDE:g}", rx="3.5", fill=colour,
                    **{"fill-opacity": opacity})  # fmt: skip
            place += 1
    return finish(root)
