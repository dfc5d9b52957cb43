"""Whether a probability means what it says, in sentences."""

from __future__ import annotations

import numpy as np

from core.evaluate.calibration.calibrators import Calibrated
from core.evaluate.prevalence import shifted
from core.text import number
from core.wording.names import METHOD_WORDS
from core.wording.voice import PLAIN, Voice

MARKS = (0.5, 0.9, 0.99)  # probabilities that are restated at another share of landslides
MEASURED = (
    "ECE: mean gap of predicted and observed shares, 15 bins of equal width. Brier: mean squared distance to the "
    "label. Lower is better for both, and for log loss. AUC depends on the order only; it may change because every "
    "fold has its own scaling. Points: 95% intervals of the observed share, groups kept together."
)


def sentence(rows: list[Calibrated], positive: str, voice: Voice = PLAIN) -> str:
    """Which method is best, and how far off the probabilities are without any."""
    known = {row.method: row for row in rows if not row.reason and np.isfinite(row.values["brier"])}
    if "none" not in known:
        return "Calibration is undefined for these patches."
    raw, best = known["none"], min(known.values(), key=lambda row: row.values["brier"])
    words = (
        f"Probabilities of {voice.shown(positive)} are off by {100 * raw.values['ece']:.1f} percentage points on "
        "average (ECE)."
    )
    if best is raw:
        return f"{words} No calibration method lowers the Brier score."
    gain = raw.values["brier"] - best.values["brier"]
    bounds = raw.intervals.get("brier", (np.nan, np.nan))
    caveat = ", a gain smaller than the score's own interval" if gain < bounds[1] - bounds[0] else ""
    return (
        f"{words} {METHOD_WORDS[best.method]} calibration lowers the Brier score from {number(raw.values['brier'])} to "
        f"{number(best.values['brier'])}{caveat}."
    )


def elsewhere(own: float, there: float, positive: str, voice: Voice = PLAIN) -> str:
    """What a calibrated probability means at another share of landslides; empty where the own share is 0 or 1."""
    if not 0 < own < 1:
        return ""
    moved = shifted(np.array(MARKS), own, there)
    words = ", ".join(f"{mark:g} means {voice.strong(number(value))}" for mark, value in zip(MARKS, moved, strict=True))
    return (
        f"These probabilities are calibrated for {1000 * own:.0f} {voice.shown(positive)} patches per "
        f"1,000. With {1000 * there:.3g} per 1,000, {words}. Predictions list both."
    )
