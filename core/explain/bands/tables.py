"""Occlusion of a whole run as tables to show: by band, by group of bands, by part of the patches, by baseline.

The run's occlusion tables (a row a patch, head, baseline and band, or group) become DataFrames with intervals that
resample groups whole. Only landslides count unless patches are chosen otherwise. Torch is not loaded: the dashboard
imports this module.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from core.errors import LabelError
from core.stats.grouped_means import mean_of
from core.stats.ranking import Importance, importance, rank_agreement

BAND_COLUMNS = (
    "drop_mean", "lo", "hi", "drop_sum", "first", "rank_lo", "rank_hi", "paper_mean", "paper_lo", "paper_hi",
    "paper_sum", "n", "n_groups",
)  # fmt: skip


@dataclass(frozen=True)
class _Part:
    """What a head and baseline gave: ids (N,), names (F,), p0 (N,), values (F, N) of the wanted column, groups (N,)."""

    ids: np.ndarray
    names: list[str]
    p0: np.ndarray
    values: np.ndarray
    groups: np.ndarray | None


def groups_by_id(oof: pd.DataFrame) -> dict[str, str] | None:
    """Each id's group of the out-of-fold table; none where it has no groups. A patch without one stands for itself."""
    if "group" not in oof or not oof["group"].astype(str).str.len().gt(0).any():
        return None
    ids, groups = oof["id"].astype(str), oof["group"].astype(str)
    return {i: group or i for i, group in zip(ids, groups, strict=True)}


def band_table(
    table: pd.DataFrame,
    head: str,
    baseline: str,
    groups: Mapping[str, str] | None = None,
    ids: Iterable[str] | None = None,
) -> pd.DataFrame:
    """A row a band: band, and BAND_COLUMNS; see :class:`core.stats.ranking.Importance`.

    drop is p0 - p_b, with p0 the true probability before; paper is 1 - p_b, paper A's way, which takes p0 to be 1 and
    so counts the model's own doubt as the band's importance. table: id, label, head, baseline, band, p0, p_b. groups:
    id -> group; none resamples patches. ids: which patches; none: those labelled landslide. Raises LabelError when
    that is no patch.
    """
    part = _part(table, head, baseline, "band", "p_b", groups, ids)
    drop, paper = importance(part.p0 - part.values, part.groups), importance(1.0 - part.values, part.groups)
    return pd.DataFrame({"band": part.names, **_columns(drop), **_paper(paper)})[["band", *BAND_COLUMNS]]


def group_table(
    table: pd.DataFrame,
    head: str,
    baseline: str,
    groups: Mapping[str, str] | None = None,
    ids: Iterable[str] | None = None,
) -> pd.DataFrame:
    """A row a group of bands: group, modality, bands, shapley with lo, hi, first and ranks; without, only; n, n_groups.

    shapley: mean share of the drop, adding up over the groups to the mean drop without any of them (``total``, with
    total_lo and total_hi). without (_lo, _hi): the drop when this group alone is replaced; only: the probability
    left when every other group is. table: ``RunFolder.band_groups()``.
    """
    shapley = _part(table, head, baseline, "group", "shapley", groups, ids)
    without = _part(table, head, baseline, "group", "p_without", groups, ids)
    only = _part(table, head, baseline, "group", "p_only", groups, ids)
    found = importance(shapley.values, shapley.groups)
    alone = importance(without.p0 - without.values, without.groups)
    total = mean_of(shapley.values.sum(axis=0), shapley.groups)
    facts = table.drop_duplicates("group").set_index("group").loc[shapley.names]
    return pd.DataFrame(
        {
            "group": shapley.names,
            "modality": facts["modality"].to_numpy(),
            "bands": facts["bands"].to_numpy(),
            **{("shapley" if key == "drop_mean" else key): value for key, value in _columns(found).items()},
            "without": alone.mean,
            "without_lo": alone.lo,
            "without_hi": alone.hi,
            "only": only.values.mean(axis=1),
            "total": total.value,
            "total_lo": total.lo,
            "total_hi": total.hi,
        }
    ).drop(columns="drop_sum")


def band_table_by(
    table: pd.DataFrame,
    head: str,
    baseline: str,
    parts: Mapping[str, str],
    groups: Mapping[str, str] | None = None,
    column: str = "band",
) -> pd.DataFrame:
    """:func:`band_table` (or, with column "group", :func:`group_table`) of each part of the patches, part first.

    parts: id -> name of its part ("" in none), for instance its outcome, or its slice; patches of any label count, so
    leave those out that should not. The parts come in the order in which they are first named.
    """
    tables, make = [], band_table if column == "band" else group_table
    known = set(table["id"].astype(str))
    for name in dict.fromkeys(part for part in parts.values() if part):
        ids = [i for i, part in parts.items() if part == name and i in known]
        if ids:
            tables.append(make(table, head, baseline, groups, ids).assign(part=name))
    if not tables:
        raise LabelError("None of these patches has been occluded. Occlude more of them, or choose other parts.")
    found = pd.concat(tables, ignore_index=True)
    return found[["part", *(name for name in found.columns if name != "part")]]


def baseline_agreement(
    table: pd.DataFrame, head: str, groups: Mapping[str, str] | None = None, column: str = "band"
) -> pd.DataFrame:
    """How alike the rankings of bands (or groups) are under two replacements: a, b, tau, lo, hi, n.

    Kendall's tau-b of the mean drops over landslides, 1 for the same order; the interval resamples groups.
    """
    value = "p_b" if column == "band" else "shapley"
    names = list(dict.fromkeys(table.loc[table["head"] == head, "baseline"]))
    parts = {name: _part(table, head, name, column, value, groups, None) for name in names}
    drops = {name: part.p0 - part.values if column == "band" else part.values for name, part in parts.items()}
    rows = []
    for a, b in combinations(names, 2):
        tau = rank_agreement(drops[a], drops[b], parts[a].groups)
        rows.append((a, b, tau.value, tau.lo, tau.hi, drops[a].shape[1]))
    return pd.DataFrame(rows, columns=["a", "b", "tau", "lo", "hi", "n"])


def occlusion_summary(occlusion: pd.DataFrame, oof: pd.DataFrame) -> list[dict[str, Any]]:
    """Every head's and baseline's :func:`band_table` as rows, with head and baseline."""
    groups, rows = groups_by_id(oof), []
    for head, baseline in occlusion[["head", "baseline"]].drop_duplicates().itertuples(index=False):
        found = band_table(occlusion, head, baseline, groups)
        rows += found.assign(head=head, baseline=baseline).to_dict("records")
    return rows


def _part(
    table: pd.DataFrame,
    head: str,
    baseline: str,
    column: str,
    value: str,
    groups: Mapping[str, str] | None,
    ids: Iterable[str] | None,
) -> _Part:
    mine = table[(table["head"] == head) & (table["baseline"] == baseline)]
    mine = mine[mine["label"] == 1] if ids is None else mine[mine["id"].astype(str).isin(set(ids))]
    if mine.empty:
        raise LabelError(
            "No patch is labelled landslide among those occluded, so there is no drop to sum. Label some, or take "
            "others."
        )
    names = list(dict.fromkeys(mine[column].astype(str)))
    values = mine.pivot(index=column, columns="id", values=value).loc[names]  # (F, N)
    p0 = mine.drop_duplicates("id").set_index("id").loc[values.columns, "p0"].to_numpy(np.float64)
    found = values.columns.astype(str).to_numpy()
    of = None if groups is None else np.array([groups.get(i, i) for i in found])
    return _Part(found, names, p0, values.to_numpy(np.float64), of)


def _columns(found: Importance) -> dict[str, Any]:
    return {
        "drop_mean": found.mean,
        "lo": found.lo,
        "hi": found.hi,
        "drop_sum": found.total,
        "first": found.first,
        "rank_lo": found.rank_lo,
        "rank_hi": found.rank_hi,
        "n": found.n,
        "n_groups": found.n_groups,
    }


def _paper(found: Importance) -> dict[str, Any]:
    return {"paper_mean": found.mean, "paper_lo": found.lo, "paper_hi": found.hi, "paper_sum": found.total}
