"""How long work will still take, as a range: a single figure would claim more than is known."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

LEAST_EPOCHS = 3  # measured; below, their spread is not known
UNSURE = 0.3  # half width of the range then, as a share of the time
SURE = 0.05  # half width at least: what comes after the epochs is extrapolated
STEPS_MIN = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 15, 20, 25, 30, 35, 40, 45, 50, 55)


def time_left(eta_s: float | None, epoch_seconds: Sequence[float] = ()) -> tuple[float, float] | None:
    """Least and most seconds left; None where nothing is known.

    eta_s: seconds left at the mean speed so far. epoch_seconds: what each epoch took; if all that are left were as
    fast as the tenth, or as slow as the ninetieth percentile of them, the work would take this long.
    """
    if eta_s is None or not math.isfinite(eta_s) or eta_s < 0:
        return None
    took = np.asarray([one for one in epoch_seconds if one is not None and math.isfinite(one) and one > 0], float)
    low, high = 1 - UNSURE, 1 + UNSURE
    if len(took) >= LEAST_EPOCHS:
        low, high = (float(value) for value in np.quantile(took, (0.1, 0.9)) / took.mean())
    return eta_s * min(low, 1 - SURE), eta_s * max(high, 1 + SURE)


def range_words(bounds: tuple[float, float] | None) -> str:
    """For people: "about 3–5 min", "about 1.5–2 h", "less than a minute"; empty where nothing is known."""
    if bounds is None:
        return ""
    low, high = bounds
    if high < 60:
        return "less than a minute"
    if high < 3600:
        few, many = (min(STEPS_MIN, key=lambda step: abs(step - seconds / 60)) for seconds in bounds)
        return f"about {few}–{many} min" if few < many else f"about {many} min"
    few, many = (max(0.5, round(seconds / 1800) / 2) for seconds in (low, high))
    return f"about {few:g}–{many:g} h" if few < many else f"about {many:g} h"
