"""In plain words, how realistic synthetic landslides are: a level and sentences from the report of ``realism``."""

from __future__ import annotations

import math
from typing import Any

from core.text import interval, interval_percent

# Our thresholds: a difference with an area of 0.6 is one that few would see; at 0.8, four pairs in five are told apart.
SLIGHT, PLAIN = 0.6, 0.8
SHARP = 0.9  # share of the parents' fine detail above which blur does not matter
FEATURES = {
    "statistics": "the bands' levels and spread",
    "detail": "the bands' fine detail",
    "embedding": "the network's embedding",
}
LEVELS = {
    "alike": "No test here tells synthetic patches from real landslides",
    "slight": "Synthetic patches differ slightly from real landslides",
    "unlike": "Synthetic patches differ from real landslides",
    "plain": "Synthetic patches differ clearly from real landslides",
    "unknown": "There are too few patches to say how realistic the synthetic ones are",
}


def verdict(report: dict[str, Any]) -> dict[str, Any]:
    """``level`` (a key of LEVELS), ``sentence``, and ``reasons``: a sentence each."""
    tests = {name: test for name, test in report["two_sample"].items() if name in FEATURES and _known(test["auc"])}
    if not tests:
        level, best = "unknown", None
    else:
        significant = {name: test for name, test in tests.items() if test["p"] < 0.05 / len(tests)}  # Bonferroni
        best = max(significant or tests, key=lambda name: tests[name]["auc"])
        area = tests[best]["auc"]
        level = "alike" if not significant else "slight" if area < SLIGHT else "unlike" if area < PLAIN else "plain"
    reasons = [*_two_sample(tests, best), *_blur(report["detail"])]
    reasons += [*_held_out(report["judged"]), *_distance(report["distance"])]
    sentence = LEVELS[level] + (f": {reasons[0][0].lower()}{reasons[0][1:]}" if reasons else ".")
    return {"level": level, "sentence": sentence, "reasons": reasons}


def _two_sample(tests: dict[str, dict], best: str | None) -> list[str]:
    if best is None:
        return []
    test = tests[best]
    return [
        f"A linear classifier on {FEATURES[best]} ranks a synthetic patch above a real one in {test['auc']:.0%} of "
        f"pairs{_within([test['lo'], test['hi']])}; chance is 50%. Relatives stay on one side of its split."
    ]


def _blur(detail: dict[str, Any]) -> list[str]:
    kept = detail["kept"]
    if kept["value"] is None:
        return []
    words = f"They keep {kept['value']:.0%}{_within(kept['interval'])} of their parents' fine detail"
    if kept["value"] >= SHARP:
        return [f"{words}: they are hardly blurred."]
    return [f"{words}: averaging two patches blurs what they do not share, and a network may learn the blur."]


def _held_out(shares: dict[str, Any] | None) -> list[str]:
    if shares is None:
        return ["Every model of this run was trained on children of these parents, so none is held out."]
    real, strict = shares["real"], shares["neither parent"]
    synthetic, words = (strict, "neither parent") if strict["n"] else (shares["one parent"], "one of the parents")
    if not synthetic["n"]:
        return []
    return [
        f"Models that have seen {words} miss {synthetic['share']:.0%}{_within(synthetic['interval'])} of "
        f"{synthetic['n']:,} synthetic landslides, and {real['share']:.0%}{_within(real['interval'])} of their "
        f"{real['n']:,} real parents."
    ]


def _distance(distance: dict[str, Any]) -> list[str]:
    pixels = distance["pixels"]
    if pixels is None:
        return []
    ratio = pixels["ratio"]
    bounds = interval(ratio["interval"], 2)
    within = f" (95% interval {bounds})" if bounds else ""
    return [
        f"Without its parents, the nearest real landslide is {ratio['value']:.2f}{within} times as far from a "
        "synthetic patch as the anchor's nearest is from the anchor."
    ]


def _within(bounds: Any) -> str:
    """An interval of shares, for behind its value; nothing where there is none."""
    return f" (95% interval {text})" if (text := interval_percent(bounds)) else ""


def _known(value: Any) -> bool:
    return value is not None and math.isfinite(value)
