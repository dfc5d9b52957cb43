"""The verdict of the sanity checks: a plain sentence for a run's maps at one layer, and each number behind it.

Each finding holds, fails or is undecided; the verdict is the worst of them.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

from core.text import counted, difference, interval, interval_percent, number, percent, small

MOST_SILENT = 0.1  # share of maps that may be dead or constant
ALPHA = 0.01  # of the test against random maps
COMMON = 0.5  # likeness of maps of different patches from which what they have in common leaves little to compare
EXCESS = 0.1  # by which maps of a random network may be more alike than maps of other patches are
BLIND_WORDS = {
    "random": "random maps",
    "moved": "the map moved elsewhere",
    "centre": "one blob in the middle",
    "mean": "the mean map of other patches",
}
PICTURE_WORDS = {"edges": "edge strength", "unusual": "how unusual the pixels are"}


@dataclass(frozen=True)
class Finding:
    """One check: ``holds`` True, False, or None where it cannot be decided; ``sentence`` with its numbers."""

    name: str
    holds: bool | None
    sentence: str

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def verdict(layer: str, method: str, findings: list[Finding]) -> dict[str, Any]:
    """``word``: trusted, careful, lies or undecided; ``sentence``; ``findings``.

    Maps lie when they say nothing, do no better than random ones, or do not depend on what was learnt. Care is needed
    when anything else fails, and nothing is decided as long as the test against random maps is not.
    """
    holds = {finding.name: finding.holds for finding in findings}
    decisive = [name for name in ("alive", "faithful", "learnt") if holds.get(name) is False]
    others = [finding.name for finding in findings if finding.holds is False]
    open_ones = [finding.name for finding in findings if finding.holds is None]
    if decisive:
        word, start = "lies", "Do not read these maps"
    elif holds.get("faithful") is None:
        word, start = "undecided", "It cannot be told whether these maps are worth reading"
    elif others or open_ones:
        word, start = "careful", "Read these maps with care"
    else:
        word, start = "trusted", "These maps can be read"
    told = [f for f in findings if f.holds is not True] if word != "trusted" else findings
    sentence = f"{start} ({method} at {layer}). " + " ".join(finding.sentence for finding in told)
    return {"word": word, "sentence": sentence, "findings": [finding.to_dict() for finding in findings]}


def alive(silent: dict[str, Any]) -> Finding:
    """Dead and constant maps."""
    share = silent["dead"] + silent["constant"]
    text = f"{percent(silent['dead'])} of {silent['n']:,} maps are dead and {percent(silent['constant'])} constant."
    return Finding("alive", None if not silent["n"] else share <= MOST_SILENT, text)


def faithful(scores: dict[str, dict[str, Any]]) -> Finding:
    """ROAD against rivals that know nothing of the patch; it holds against the strongest of them."""
    road = scores["road"]
    if not math.isfinite(road["p_random"]):
        n = road["gain_random"]["n"]
        return Finding("faithful", None, f"Too few groups of patches for a test against random maps (n = {n}).")
    worst = _strongest(road, BLIND_WORDS)
    gain, p = road[f"gain_{worst}"], road[f"p_{worst}"]
    text = (
        f"Removing what the maps point at costs {_change(gain)} more probability than with {BLIND_WORDS[worst]}, the "
        f"strongest rival that knows nothing of the patch (ROAD {number(road['map'])} against {number(road[worst])}, "
        f"p {small(p)}, n = {gain['n']}; random maps {number(road['random'])})."
    )
    return Finding("faithful", bool(p < ALPHA and gain["value"] > 0), text)


def beyond_the_picture(scores: dict[str, dict[str, Any]]) -> Finding:
    """ROAD against what can be seen in the pixels without the network. As good as that is undecided, worse fails."""
    road = scores["road"]
    worst = _strongest(road, PICTURE_WORDS)
    gain, p = road[f"gain_{worst}"], road[f"p_{worst}"]
    holds = True if p < ALPHA and gain["value"] > 0 else False if gain["hi"] < 0 else None
    end = {
        True: "the maps add to looking at the pixels",
        None: "the maps do no better than looking at the pixels",
        False: "looking at the pixels does better than the maps",
    }[holds]
    text = (
        f"Against {PICTURE_WORDS[worst]} alone they gain {_change(gain)} (ROAD {number(road['map'])} against "
        f"{number(road[worst])}, n = {gain['n']}): {end}."
    )
    return Finding("beyond_picture", holds, text)


def _strongest(road: dict[str, Any], rivals: dict[str, str]) -> str:
    """The rival over which the map gains least."""
    return min(rivals, key=lambda name: road[f"gain_{name}"]["value"])


def every_fold(folds: list[dict[str, Any]]) -> Finding:
    """ROAD against random maps in each fold: every fold's network is another one, and means hide the one that fails."""
    worst = min(folds, key=lambda row: row["gain_random"]["value"])
    gain = worst["gain_random"]
    text = (
        f"In fold {worst['fold'] + 1}, the worst of {len(folds)}, they gain {_change(gain)} "
        f"over random maps (n = {gain['n']})."
    )
    if gain["hi"] < 0 or gain["value"] <= 0:
        return Finding("every_fold", False, text)
    return Finding("every_fold", True if gain["lo"] > 0 else None, text)


def learnt(last: dict[str, Any]) -> Finding:
    """Likeness of the fully randomised network's maps, beside that of maps of other patches.

    What all maps of a network have in common is no sign of edges. Likeness above that level is: it fails where it
    exceeds the level by ``EXCESS`` for certain, by SSIM or by rank correlation. Where the level itself is above
    ``COMMON``, nothing can be told: a pattern of the method hides what was learnt.
    """
    excess = last["excess"]
    if not last["n"] or not all(math.isfinite(excess[name]["value"]) for name in excess):
        return Finding("learnt", None, "The randomised network's maps say nothing, so they cannot be compared.")
    parts = [
        f"{words} {number(last[name], 2)} (maps of other patches: {number(last['other'][name]['value'], 2)}, "
        f"difference {_change(excess[name], 2)})"
        for name, words in (("ssim", "SSIM"), ("spearman", "rank correlation"))
    ]
    text = (
        f"With every weight drawn anew the maps have {' and '.join(parts)} with the trained network's (n = "
        f"{last['n']}, {counted(last['seeds'], 'draw')}; a difference below {EXCESS:g} is as it should be)."
    )
    if any(one["lo"] > EXCESS for one in excess.values()):
        return Finding("learnt", False, text)
    if any(last["other"][name]["value"] > COMMON for name in excess):
        text += " Maps of different patches are nearly alike already, by the method's or layer's own pattern."
        return Finding("learnt", None, text)
    return Finding("learnt", True if all(one["hi"] < EXCESS for one in excess.values()) else None, text)


def on_masks(agreement: dict[str, dict[str, Any]]) -> Finding:
    """The pointing game against a random point."""
    pointing = agreement["pointing"]
    found, chance, gain = pointing["found"], pointing["chance"], pointing["gain"]
    ends = _within(interval_percent((found["lo"], found["hi"]), 1))
    text = (
        f"The maps' highest point lies in the outlined landslide in {percent(found['value'])}{ends} of "
        f"{counted(found['n'], 'patch', 'patches')}; a random point in {percent(chance['value'])}."
    )
    holds = bool(gain["lo"] > 0) if math.isfinite(gain["lo"]) else None
    return Finding("on_masks", holds, text)


def in_place(corners: list[dict[str, Any]], movement: list[dict[str, Any]]) -> Finding:
    """Flagged corners, and whether attention follows the content."""
    flagged = [row for row in corners if row["flagged"]]
    judged = [row for row in corners if math.isfinite(row["ratio"])]
    stays = [row["test"] for row in movement if row["follows"] == "position"]
    if flagged:
        worst = max(flagged, key=lambda row: row["ratio"])
        place = worst["corner"].replace("_", " ")
        why = "something in its pixels" if worst["cause"] == "mark" else "the place itself, whatever lies there"
        text = (
            f"Attention sits in the {place} corner ({worst['outcome'].upper()}: "
            f"{worst['ratio']:.1f} times uniform, n = {worst['n']}) and {worst['kept']:.0%} of it stays when "
            f"everything else is rolled beneath it: the cause is {why}."
        )
        return Finding("in_place", False, text)
    if stays:
        return Finding(
            "in_place", False, f"Attention stays in its place when the patch is changed ({', '.join(stays)})."
        )
    if not judged:
        return Finding("in_place", None, "There are too few living maps to judge corners.")
    top = max(judged, key=lambda row: row["ratio"] if row["n"] >= 10 else -1.0)
    text = f"No corner draws attention by itself (at most {top['ratio']:.1f} times uniform, n = {top['n']})."
    return Finding("in_place", True, text)


def _change(mean: dict[str, Any], digits: int = 3) -> str:
    return difference(mean["value"], digits) + _within(interval((mean["lo"], mean["hi"]), digits, signed=True))


def _within(ends: str) -> str:
    return f" [{ends}]" if ends else ""
