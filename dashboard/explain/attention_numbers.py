"""Where the attention lies, in numbers and in a sentence: on the outlined landslides, or in the middle of the patch."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from core.data.store import Dataset
from core.explain.cam.group_means import MeanMap
from core.explain.checks.mask_overlap import mask_agreement
from core.runs.store import RunFolder
from core.stats.grouped_means import mean_of
from core.wording import attention as wording
from core.wording.attention import FEWEST, MIDDLE, Attention, basis, middle_shares, where
from dashboard import cache
from dashboard.explain import charts
from dashboard.explain.tables import groups_of, map_facts, means_of
from dashboard.patches import gallery, outcomes
from dashboard.ui.formatting import MARKDOWN

__all__ = [
    "AllMaps",
    "Attention",
    "all_maps",
    "attention_of",
    "basis",
    "middle_shares",
    "on_masks",
    "sentence",
    "where",
]


@dataclass(frozen=True)
class AllMaps:
    """What the maps of all judged patches say, with one head's decisions. Shared between sessions: not written to.

    facts: see ``tables.map_facts``. What follows from all of them is worked out when it is first asked for: one patch
    is seen before.
    """

    data: Dataset
    cams: gallery.Cams
    facts: pd.DataFrame
    _made: dict[tuple, Any] = field(default_factory=dict, repr=False)

    @cached_property
    def means(self) -> dict[str, MeanMap]:
        """The mean map of each outcome (``tables.means_of``)."""
        return means_of(self.facts, self.cams.maps)

    @cached_property
    def found(self) -> Attention | None:
        """The attention on found landslides."""
        return attention_of(self.data, self.facts, self.cams.maps, "TP")

    @cached_property
    def missed(self) -> Attention | None:
        """The attention on missed landslides."""
        return attention_of(self.data, self.facts, self.cams.maps, "FN")

    @cached_property
    def outcome_of(self) -> dict[str, str]:
        """By patch id, what became of it; in the order of ``facts``."""
        return dict(zip(self.facts["id"].astype(str).tolist(), self.facts["outcome"].tolist(), strict=True))

    def ordered(self, outcome: str, order: str) -> pd.DataFrame:
        """The facts of the patches with this outcome, in one of ``outcomes.ORDERS``."""
        key = ("ordered", outcome, order)
        if key not in self._made:
            self._made[key] = outcomes.chosen(self.facts, [outcome], order=order)
        return self._made[key].copy(deep=False)

    def figure(self, across: int) -> go.Figure:
        """The mean maps, ``across`` in a row."""
        key = ("figure", across)
        if key not in self._made:
            self._made[key] = charts.mean_maps_of(self.means, charts.top_of(self.means), across)
        return self._made[key]


def all_maps(data: Dataset, run: RunFolder, cams: gallery.Cams, head: str) -> AllMaps:
    """Of these maps, worked out once for as long as the files stay as they are."""
    versions = [cache.file_version(path) for path in (data.path, run.path / "oof.parquet", run.path / "summary.json")]
    return _all_maps(str(run.path), versions, head, cams.maps, data, run, cams)


# The maps of a file are one array for as long as it is kept, and the entry keeps it: no other has its id.
@st.cache_resource(max_entries=16, show_spinner=False, hash_funcs={np.ndarray: id})
def _all_maps(
    path: str, versions: list[cache.Version], head: str, maps: np.ndarray, _data: Dataset, _run: RunFolder,
    _cams: gallery.Cams,
) -> AllMaps:  # fmt: skip
    judged = outcomes.judged(_run.oof(), head, outcomes.thresholds_of(_run.summary(), head))
    return AllMaps(_data, _cams, map_facts(judged, _cams.rows, maps))


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
