"""TODO-ROOM"""

from __future__ import annotations

import html
from collections.abc import Sequence

import numpy as np

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


def plain(text: object) -> str:
    """``text`` as it is written: plotly would otherwise read ``<b>`` or a link in it."""
    return html.escape(str(text), quote=False)


def _tint(colour: str, strength: float) -> str:
    """``colour`` thinned with white: opaque, so that dark text reads on it on both grounds."""
    parts = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return "rgb({},{},{})".format(*(round(255 + (part - 255) * strength) for part in parts))


def _bounds(interval: Sequence[float | None] | None) -> tuple[float, float]:
    low, high = interval if interval else (None, None)
    return (np.nan if low is None else float(low)), (np.nan if high is None else float(high))


def arms(value: float, low: float, high: float, colour: str) -> dict | None:
    """Error bar from low to high; none where the interval is not known."""
    if not np.isfinite([low, high]).all():
        return None
    return {
        "type": "data", "symmetric": False, "array": [high - value], "arrayminus": [value - low],
        "color": colour, "thickness": 2, "width": 6,
    }  # fmt: skip


def range_words(low: float, high: float) -> str:
    """The interval in words, after a comma; empty where it is not known."""
    return f", 95 % interval {low:.3f} to {high:.3f}" if np.isfinite([low, high]).all() else ""
