"""The plain sentence on how realistic synthetic landslides are, from the figures of ``core.analyses.smote.realism``.

Comes in: its report. Goes out: a level and sentences. It computes nothing.
"""

from __future__ import annotations

import math
from typing import Any

# Ours: an area of 0.6 is what a difference gives that few would see; at 0.8 four pairs in five are told apart.
SLIGHT, PLAIN = 0.6, 0.8
SHARP = 0.9  # share of the parents' fine detail from which blur is not worth a word
LOOKS = {
    "statistics": "the bands' levels and spread",
    "detail": "the bands' fine detail",
    "embedding": "the network's embedding",
}
LEVELS = {
    "alike": "Synthetic patches cannot be told from real landslides by any test here",
    "slight": "Synthetic patches are slightly unlike real landslides",
    "unlike": "Synthetic patches are unlike real landslides",
    "plain": "Synthetic patches are plainly unlike real landslides",
    "unknown": "There are too few patches to say how realistic the synthetic ones are",
}


def verdict(report: dict[str, Any]) -> dict[str, Any]:
    """``level`` (a key of LEVELS), ``sentence``, and ``reasons``: a sentence each."""
    tests = {name: one for name, one in report["two_sample"].items() if name in LOOKS and _known(one["auc"])}
    if not tests:
        level, best = "unknown", None
    else:
        told = {name: one for name, one in tests.items() if one["p"] < 0.05 / len(tests)}  # Bonferroni
        best = max(told or tests, key=lambda name: tests[name]["auc"])
        area = tests[best]["auc"]
        level = "alike" if not told else "slight" if area < SLIGHT else "unlike" if area < PLAIN else "plain"
    reasons = [*_told(tests, best), *_blur(report["detail"]), *_judges(report["judged"]), *_near(report["distance"])]
    sentence = LEVELS[level] + (f": {reasons[0][0].lower()}{reasons[0][1:]}" if reasons else ".")
    return {"level": level, "sentence": sentence, "reasons": reasons}


def _told(tests: dict[str, dict], best: str | None) -> list[str]:
    if best is None:
        return []
    one = tests[best]
    return [
        f"A linear classifier on {LOOKS[best]} ranks a synthetic patch above a real one in {one['auc']:.0%} of pairs "
        f"[{one['lo']:.0%}, {one['hi']:.0%}] (50 %: chance), relatives kept on one side."
    ]


def _blur(detail: dict[str, Any]) -> list[str]:
    kept = detail["kept"]
    if kept["value"] is None:
        return []
    said = f"They keep {kept['value']:.0%}{_bounds(kept['interval'])} of their parents' fine detail"
    if kept["value"] >= SHARP:
        return [f"{said}: they are hardly blurred."]
    return [f"{said}: averaging two patches blurs what they do not share, and a network may learn the blur."]


def _judges(judged: dict[str, Any] | None) -> list[str]:
    if judged is None:
        return ["Every model of this run has learnt from children of these parents, so none can judge them."]
    real, strict = judged["real"], judged["neither parent"]
    which, words = (strict, "neither parent") if strict["n"] else (judged["one parent"], "one of the parents")
    if not which["n"]:
        return []
    return [
        f"Models that have seen {words} call {which['share']:.0%}{_bounds(which['interval'])} of "
        f"{which['n']:,} synthetic landslides no landslide, and miss {real['share']:.0%}{_bounds(real['interval'])} "
        f"of their {real['n']:,} real parents."
    ]


def _near(distance: dict[str, Any]) -> list[str]:
    found = distance["pixels"]
    if found is None:
        return []
    ratio = found["ratio"]
    return [
        f"Its parents left out, the nearest real landslide is {ratio['value']:.2f}"
        f"{_bounds(ratio['interval'], '.2f')} times as far from a synthetic patch as its anchor's nearest is from it."
    ]


def _bounds(interval: list[float] | None, form: str = ".0%") -> str:
    return "" if interval is None else f" [{interval[0]:{form}}, {interval[1]:{form}}]"


def _known(value: Any) -> bool:
    return value is not None and math.isfinite(value)
