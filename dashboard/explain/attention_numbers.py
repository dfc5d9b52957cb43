"""Where the attention lies, in numbers and in a sentence: on the outlined landslides, or in the middle of the patch."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from core.data.store import Dataset
from core.explain.checks.mask_overlap import mask_agreement
from core.stats.grouped_means import mean_of
from core.wording import attention as wording
from core.wording.attention import FEWEST, MIDDLE, Attention, basis, middle_shares, where
from dashboard import cache
from dashboard.explain.tables import groups_of
from dashboard.ui.formatting import MARKDOWN

__all__ = ["Attention", "attention_of", "basis", "middle_shares", "on_masks", "sentence", "where"]


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


def sentence(found: Attention | None, missed: Attention | None, strength: float | None) -> str:
    """Where the network looks, as Markdown. strength: evidence in found landslides, times that in what was left."""
    return wording.sentence(found, missed, strength, MARKDOWN)
