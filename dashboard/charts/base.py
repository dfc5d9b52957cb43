"""What all figures share: titles of metrics, widths of lines, escaping, error bars."""

from __future__ import annotations

import html
from collections.abc import Sequence

import numpy as np

from core.text import interval

METRIC_TITLES = {
    "f1": "F1",
    "auc": "AUC",
    "precision": "Precision",
    "recall": "Recall",
    "specificity": "Specificity",
    "accuracy": "Accuracy",
}
THIN, LINE = 1.5, 2.5  # widths of lines, px
DARK_TEXT = "#16202A"  # on tints


def escape_html(text: object) -> str:
    """``text`` as it is written: plotly would otherwise read ``<b>`` or a link in it."""
    return html.escape(str(text), quote=False)


def tint(colour: str, strength: float) -> str:
    """``colour`` mixed with white: opaque, so that dark text is readable on it in both themes."""
    parts = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return "rgb({},{},{})".format(*(round(255 + (part - 255) * strength) for part in parts))


def faded(colour: str, opacity: float) -> str:
    """``colour`` with the ground showing through."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity})"


def interval_bounds(interval: Sequence[float | None] | None) -> tuple[float, float]:
    """Low and high as numbers; nan where unknown."""
    low, high = interval if interval else (None, None)
    return (np.nan if low is None else float(low)), (np.nan if high is None else float(high))


def arms(value: float, low: float, high: float, colour: str) -> dict | None:
    """Error bar from low to high; None where the interval is unknown."""
    if not np.isfinite([low, high]).all():
        return None
    return {
        "type": "data", "symmetric": False, "array": [high - value], "arrayminus": [value - low],
        "color": colour, "thickness": 2, "width": 6,
    }  # fmt: skip


def range_words(low: float, high: float) -> str:
    """The interval in words, after a comma; empty where it is unknown."""
    words = interval((low, high))
    return f", 95% interval {words}" if words else ""
