"""Where the attention lies, in numbers and in a sentence: on the outlined landslides, or in the middle of the patch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import streamlit as st

from core.data.store import Dataset
from core.explain.checks.mask_overlap import mask_agreement
from core.stats.grouped_means import Mean, mean_of
from core.text import percent
from dashboard import cache
from dashboard.explain.tables import groups_of
from dashboard.ui.formatting import interval_percent

MIDDLE = 0.25  # of the patch's area: the square in its middle
FEWEST = 5  # patches that a sentence is made from


@dataclass(frozen=True)
class Attention:
    """Share of the attention at the landslides of an outcome, and the share of the patch that is looked at there."""

    share: Mean
    area: float
    on_mask: bool


def attention_of(data: Dataset, facts: pd.DataFrame, maps: np.ndarray, outcome: str) -> Attention | None:
    """Of the patches with this outcome (``tables.map_facts``), on their masks where there are any, else in the middle.

    None where fewer than ``FEWEST`` patches have a living map.
    """
    mine = facts[(facts["outcome"] == outcome) & ~facts["cam_dead"]]
    own = maps[mine["row"].to_numpy(int)]
    if data.has_masks and len(mine):
        table = on_masks(data, mine["id"].astype(str), own)
        known = table["energy"].notna().to_numpy()
        if known.sum() >= FEWEST:
            groups = groups_of(mine)
            share = mean_of(table["energy"].to_numpy(float), groups, (0.0, 1.0))
            return Attention(share, float(table.loc[known, "mask_share"].mean()), True)
    if len(mine) < FEWEST or min(maps.shape[1:]) < 2:
        return None
    return Attention(mean_of(middle_shares(own), groups_of(mine), (0.0, 1.0)), MIDDLE, False)


def on_masks(data: Dataset, ids: pd.Series, maps: np.ndarray) -> pd.DataFrame:
    """``core.explain.checks.mask_overlap.mask_agreement`` of these patches. maps: (N, h, w), theirs."""
    return _on_masks(str(data.path), cache.file_version(data.path), tuple(ids), np.ascontiguousarray(maps))


@st.cache_data(max_entries=16, show_spinner=False)
def _on_masks(path: str, version: cache.Version, ids: tuple[str, ...], maps: np.ndarray) -> pd.DataFrame:
    data = cache.dataset(path)
    return mask_agreement(maps, cache.masks(data, data.index_of(list(ids))))


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


def sentence(found: Attention | None, missed: Attention | None, strength: float | None) -> str:
    """Where the network looks, as Markdown. strength: evidence in found landslides, times that in what was left."""
    one, subject = (found, "found landslides") if found else (missed, "missed landslides")
    if one is None:
        return "Too few landslides have an attention map to say where the network looks."
    share, area = percent(one.share.value, 0), percent(one.area, 0)
    if one.on_mask:
        text = f"For {subject}, **{share} of the attention lies on the landslide**, which covers {area} of the patch"
        return f"{text}." if one.share.lo > one.area else f"{text}: {where(one)}."
    text = f"For {subject}, **{share} of the attention lies in the middle quarter of the patch** ({where(one)})"
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
