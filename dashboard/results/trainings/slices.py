"""Slices over trainings: how far each spreads, and whether the weakest one is weak in every training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from core.evaluate.slice_trainings import slice_trainings
from dashboard import cache
from dashboard.results.predictions import Predictions
from dashboard.results.trainings.known import survives
from dashboard.ui.formatting import difference, interval


def over_trainings(
    own: Predictions, others: Sequence[Predictions], facts: pd.DataFrame, metric: str, version: cache.Version | None
) -> pd.DataFrame | None:
    """``core.evaluate.slice_trainings`` of all trainings, the run's own first; None where there is one alone."""
    if not others:
        return None
    keys = (own.key, *(one.key for one in others))
    return _over_trainings(keys, version, tuple(facts.columns), metric, (own, *others), facts)


@st.cache_data(max_entries=24, show_spinner=False)
def _over_trainings(
    keys: tuple[str, ...], version: cache.Version | None, columns: tuple[str, ...], metric: str,
    _trainings: tuple[Predictions, ...], _facts: pd.DataFrame,
) -> pd.DataFrame:  # fmt: skip
    own = _trainings[0]
    ids = own.table["id"].astype(str)
    tables = [one.table.set_index(one.table["id"].astype(str)).loc[ids] for one in _trainings]
    facts = own.slicing_facts(_facts)
    if any((table["fold"].to_numpy() != own.table["fold"].to_numpy()).any() for table in tables):
        facts.pop("fold", None)  # the trainings have drawn folds of their own
    return slice_trainings(own.labels, [table["pred"].to_numpy(np.int8) for table in tables], facts, metric)


def of_slice(found: pd.DataFrame | None, by: str, name: str) -> dict[str, Any] | None:
    """A slice's row, None where it is not known over trainings."""
    rows = [] if found is None else found[(found["by"] == by) & (found["slice"] == name)].to_dict("records")
    return rows[0] if rows else None


def ends(found: pd.DataFrame | None, by: str, name: str) -> tuple[float, ...]:
    """The lowest and the highest value of a slice over trainings; nothing where they are not known."""
    row = of_slice(found, by, name)
    return () if row is None or not np.isfinite(row["mean"]) else (row["min"], row["max"])


def sentence(row: dict[str, Any] | None, beyond_patches: bool) -> str:
    """What of the weakest slice's difference training again would keep; empty where nothing is known."""
    if row is None or not np.isfinite(row["difference"]):
        return ""
    ends = interval((row["diff_lo"], row["diff_hi"]))
    size = f"{difference(row['difference'])} to the rest on average" + (f" (95% interval {ends})" if ends else "")
    return f"Over {row['n_trainings']} trainings: {size}. {survives(beyond_patches, row)}"


def joined(table: pd.DataFrame, found: pd.DataFrame | None) -> pd.DataFrame:
    """A report's table with what each slice has over trainings, for a CSV file."""
    if found is None:
        return table
    named = {
        name: f"trainings_{name}" for name in ("mean", "sd", "min", "max", "difference", "diff_lo", "diff_hi", "p")
    }
    return table.merge(found.rename(columns=named), on=["by", "slice"], how="left")
