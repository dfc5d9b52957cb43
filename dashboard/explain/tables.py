"""Explanations of many patches as tables for figures: facts of maps, bands with their titles, subsets of the patches.

Pure: no files, no Streamlit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from core.data.bands import Band
from core.explain.cam.group_means import MeanMap, mean_maps
from core.explain.cam.overlay import dead_maps
from dashboard.explain.charts import OUTCOME_TITLES

MOST_PARTS = 6  # of a slice that are drawn beside each other
FEWEST = 5  # patches of a part


def map_facts(judged: pd.DataFrame, rows: Mapping[str, int], maps: np.ndarray) -> pd.DataFrame:
    """The judged patches that have a map, with its row, peak, sum and whether it is dead. maps: (N, h, w) raw."""
    table = judged.assign(row=judged["id"].astype(str).map(rows)).dropna(subset="row").astype({"row": int})
    own = maps[table["row"].to_numpy()]
    flat = own.reshape(len(own), -1)
    return table.assign(
        cam_peak=flat.max(axis=1, initial=0.0), cam_sum=flat.sum(axis=1), cam_dead=dead_maps(own)
    ).reset_index(drop=True)


def means_of(facts: pd.DataFrame, maps: np.ndarray) -> dict[str, MeanMap]:
    """The mean map of each outcome (tp, fp, fn, tn) of the patches in ``facts``; groups are resampled whole."""
    outcome, fold = facts["outcome"].str.lower().to_numpy(), facts["fold"].to_numpy()
    return mean_maps(maps[facts["row"].to_numpy()], outcome, fold, groups_of(facts))


def groups_of(facts: pd.DataFrame) -> np.ndarray | None:
    """Each patch's group; patches without one stand for themselves. None where there are no groups."""
    if "group" not in facts or not facts["group"].astype(str).str.len().gt(0).any():
        return None
    groups = facts["group"].astype(str)
    return groups.where(groups != "", facts["id"].astype(str)).to_numpy()


def mean_cells(means: Mapping[str, MeanMap]) -> pd.DataFrame:
    """Every cell of the mean maps as a row: outcome, row, column, mean, lo, hi, n, n_groups, n_dead."""
    tables = []
    for name, one in means.items():
        if one.cam is not None:
            rows, columns = np.indices(one.cam.shape)
            cells = {"row": rows, "column": columns, "mean": one.cam, "lo": one.lo, "hi": one.hi}
            facts = {"n": one.n, "n_groups": one.n_groups, "n_dead": one.n_dead}
            table = pd.DataFrame({key: values.ravel() for key, values in cells.items()}).assign(**facts)
            tables.append(table.assign(outcome=name)[["outcome", *table.columns]])
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=["outcome"])


def titled(table: pd.DataFrame, bands: Sequence[Band]) -> pd.DataFrame:
    """A table of bands with their title and family ("other" for those that the dataset does not know)."""
    known = {band.name: band for band in bands}
    names = table["band"].astype(str)
    return table.assign(
        title=[known[name].title if name in known else name for name in names],
        family=[known[name].family if name in known else "other" for name in names],
    )


def outcome_parts(judged: pd.DataFrame) -> tuple[tuple[str, str], ...]:
    """(id, outcome in words) of the patches labelled or predicted landslide, for ``core.explain.bands.tables``."""
    mine = judged[judged["outcome"] != "TN"]
    order = sorted(
        zip(mine["id"].astype(str), mine["outcome"], strict=True), key=lambda x: ("TP", "FN", "FP").index(x[1])
    )
    return tuple((patch_id, OUTCOME_TITLES[outcome]) for patch_id, outcome in order)


def slice_parts(judged: pd.DataFrame, facts: pd.DataFrame, column: str) -> tuple[tuple[str, str], ...]:
    """(id, value) of the landslides; numbers are cut into thirds. At most the six commonest with enough patches."""
    landslides = judged[judged["label"] == 1].merge(facts[["id", column]].astype({"id": str}), on="id")
    values = landslides[column]
    if pd.api.types.is_numeric_dtype(values) and values.nunique() > MOST_PARTS:
        thirds = pd.qcut(values, 3, duplicates="drop")
        named = thirds.map(lambda part: f"{part.left:.3g} to {part.right:.3g}").astype(str).where(values.notna(), "")
        order = [f"{part.left:.3g} to {part.right:.3g}" for part in thirds.cat.categories]
    else:
        named = values.astype(str).where(values.notna(), "")
        order = list(named.value_counts().index)
    counts = named.value_counts()
    kept = [name for name in order if name and counts.get(name, 0) >= FEWEST][:MOST_PARTS]
    pairs = [pair for pair in zip(landslides["id"].astype(str), named, strict=True) if pair[1] in kept]
    return tuple(sorted(pairs, key=lambda pair: kept.index(pair[1])))
