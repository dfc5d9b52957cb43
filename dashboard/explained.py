"""Explanations of many patches put together: mean Grad-CAM maps by outcome, band drops with intervals.

Comes in: a run's maps and its occlusion table, with judged patches (``outcomes``). Goes out: arrays and tables for
pictures and figures. Pure: no files, no Streamlit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from core.data.bands import Band
from core.explain.maps import dead_maps
from core.explain.summary import band_table
from dashboard import outcomes


@dataclass(frozen=True)
class MeanMap:
    """The mean of an outcome's raw maps (h, w), over n maps of which n_dead hold no evidence. None when n is 0."""

    cam: np.ndarray | None
    n: int
    n_dead: int


def map_facts(judged: pd.DataFrame, rows: Mapping[str, int], maps: np.ndarray) -> pd.DataFrame:
    """The judged patches that have a map, with its row, peak, sum and whether it is dead. maps: (N, h, w) raw."""
    table = judged.assign(row=judged["id"].astype(str).map(rows)).dropna(subset="row").astype({"row": int})
    own = maps[table["row"].to_numpy()]
    flat = own.reshape(len(own), -1)
    return table.assign(
        cam_peak=flat.max(axis=1, initial=0.0), cam_sum=flat.sum(axis=1), cam_dead=dead_maps(own)
    ).reset_index(drop=True)


def mean_maps(facts: pd.DataFrame, maps: np.ndarray) -> dict[str, MeanMap]:
    """Each outcome's mean map, in units of the mean peak of the patch's fold: each fold's network has its own scale.

    Dead maps count as the zeros they are; maps that are not finite are left out.
    """
    finite_peaks = facts[np.isfinite(facts["cam_peak"])]
    unit = facts["fold"].map(finite_peaks.groupby("fold")["cam_peak"].mean()).fillna(0.0).to_numpy(float)
    unit = np.where(unit > 0, unit, 1.0)
    means = {}
    for outcome in outcomes.OUTCOMES:
        chosen = (facts["outcome"] == outcome).to_numpy()
        mine = facts[chosen]
        own = maps[mine["row"].to_numpy()] / unit[chosen, None, None]
        finite = np.isfinite(own).all(axis=(1, 2))
        cam = own[finite].mean(axis=0) if finite.any() else None
        means[outcome] = MeanMap(cam, int(finite.sum()), int(mine["cam_dead"].sum()))
    return means


def band_drops(
    table: pd.DataFrame, head: str, baseline: str, bands: Sequence[Band], groups: Mapping[str, str] | None
) -> tuple[pd.DataFrame, int]:
    """What landslide patches lose without each band, and over how many of them.

    table: ``RunFolder.occlusion()``. groups: id -> group, resampled whole; none resamples patches. Columns: band,
    title, family, drop (mean of p0 - p_b) with lo and hi, drop_sum, paper_sum (sum of 1 - p_b), and whatever else
    ``core.explain.summary.band_table`` gives. Raises LabelError when no patch is a landslide.
    """
    found = band_table(table, head, baseline, groups)
    known = {band.name: band for band in bands}
    names = found["band"].tolist()
    frame = found.rename(columns={"drop_mean": "drop"}).assign(
        title=[known[name].title if name in known else name for name in names],
        family=[known[name].family if name in known else "other" for name in names],
    )
    return frame, int(found["n"].iloc[0])
