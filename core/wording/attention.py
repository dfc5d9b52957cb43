"""Where a network looks and whether its maps can be believed, in sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.stats.grouped_means import Mean
from core.text import interval_percent, percent
from core.wording.voice import PLAIN, Voice

FINDING_WORDS = {
    "alive": "The maps hold evidence",
    "faithful": "The places they point at matter",
    "beyond_picture": "They add to what the pixels show",
    "every_fold": "They matter in every fold",
    "learnt": "They depend on what was learnt",
    "on_masks": "They lie on the outlined landslides",
    "in_place": "They follow the content, not the corners",
}
VERDICT_WORDS = {
    "trusted": "these maps can be read",
    "careful": "read these maps with care",
    "lies": "do not read these maps",
    "undecided": "no verdict is possible",
}
RIVAL_WORDS = {
    "map": "the map",
    "random": "random maps",
    "moved": "the map, moved elsewhere",
    "centre": "a blob in the middle",
    "mean": "the mean map of other patches",
    "edges": "edge strength",
    "unusual": "unusual pixels",
}
KIND_WORDS = {
    "road_most": "ROAD: most relevant pixels removed first",
    "road_least": "ROAD: least relevant pixels removed first",
    "deletion": "Deletion: most relevant pixels removed first",
    "insertion": "Insertion: most relevant pixels added first",
}
MIDDLE = 0.25  # of the patch's area: the square in its middle
FEWEST = 5  # patches that a sentence is made from


@dataclass(frozen=True)
class Attention:
    """Share of the attention at the landslides of an outcome, and the share of the patch that is looked at there."""

    share: Mean
    area: float
    on_mask: bool


def verdict_sentence(findings: Sequence[Mapping[str, Any]], words: str, voice: Voice = PLAIN) -> str:
    """How many checks passed and which did not."""
    passed = sum(one["holds"] is True for one in findings)
    text = f"{voice.strong(words.capitalize())}: {passed} of {len(findings)} checks passed."
    for holds, start in ((False, "Failed"), (None, "Undecided")):
        names = [FINDING_WORDS.get(one["name"], one["name"]).lower() for one in findings if one["holds"] is holds]
        if names:
            text += f" {start}: {'; '.join(names)}."
    return text


def middle_shares(maps: np.ndarray) -> np.ndarray:
    """(N,) the share of each living map (N, h, w) that lies in the square in the middle of the patch."""
    rows, columns = (_inside(size) for size in maps.shape[1:])
    total = maps.sum(axis=(1, 2), dtype=np.float64)
    inside = np.einsum("nhw,h,w->n", maps.astype(np.float64), rows, columns)
    return np.divide(inside, total, out=np.full(len(maps), np.nan), where=total > 0)


def _inside(cells: int) -> np.ndarray:
    """(cells,) how much of each cell of a side lies in the middle of it."""
    edges = np.linspace(0.0, 1.0, cells + 1)
    low, high = 0.5 - np.sqrt(MIDDLE) / 2, 0.5 + np.sqrt(MIDDLE) / 2
    return np.clip(np.minimum(edges[1:], high) - np.maximum(edges[:-1], low), 0.0, None) * cells


def sentence(found: Attention | None, missed: Attention | None, strength: float | None, voice: Voice = PLAIN) -> str:
    """Where the network looks. strength: evidence in found landslides, times that in what was left."""
    one, subject = (found, "found landslides") if found else (missed, "missed landslides")
    if one is None:
        return "Too few landslides have an attention map to say where the network looks."
    share, area = percent(one.share.value, 0), percent(one.area, 0)
    if one.on_mask:
        lies = voice.strong(f"{share} of the attention lies on the landslide")
        text = f"For {subject}, {lies}, which covers {area} of the patch"
        return f"{text}." if one.share.lo > one.area else f"{text}: {where(one)}."
    lies = voice.strong(f"{share} of the attention lies in the middle quarter of the patch")
    text = f"For {subject}, {lies} ({where(one)})"
    if found and strength is not None and np.isfinite(strength):
        text += f", and the evidence is {strength:.1f} times that of patches correctly left"
    return f"{text}."


def basis(found: Attention | None, missed: Attention | None) -> str:
    """The interval and n of the sentence's number, and the same number of missed landslides beside that of found."""
    one = found or missed
    if one is None:
        return ""
    bounds = interval_percent((one.share.lo, one.share.hi))
    text = f"{f'95% interval {bounds}, ' if bounds else ''}n = {one.share.n:,}."
    if found is None or missed is None:
        return text
    bounds = interval_percent((missed.share.lo, missed.share.hi))
    covers = f", mask {percent(missed.area, 0)}" if missed.on_mask else ""
    share = f"{percent(missed.share.value, 0)}{f' ({bounds})' if bounds else ''}"
    return f"{text} Missed: {share}{covers}, n = {missed.share.n:,}."


def where(one: Attention) -> str:
    """Whether the middle has more or less than its share of the area, as the interval says."""
    if one.share.lo > one.area:
        return f"evenly spread, it would be {percent(one.area, 0)}"
    if one.share.hi < one.area:
        return f"less than its {percent(one.area, 0)} of the area"
    return "no more than evenly spread attention would have there"
