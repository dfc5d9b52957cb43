"""Drops by band and shares by group of bands with resampled intervals, cached by the files that they come from."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.analyses.bands import importance
from core.explain.bands.tables import band_table, band_table_by, group_table, groups_by_id
from core.runs.store import RunFolder
from dashboard import cache

Versions = tuple[cache.Version, ...]


def band_rows(
    run: RunFolder, head: str, baseline: str, column: str = "band", parts: tuple[tuple[str, str], ...] = ()
) -> pd.DataFrame:
    """A row per band, or per group of bands (``column``): of the landslides, or of each part (pairs of id, part).

    From the band importance analysis where it was done, otherwise from what every run computes. Raises
    LandslideLensError where there are no such rows.
    """
    files = (
        run.results(importance.ANALYSIS.name).path / "report.json",
        run.path / ("occlusion.parquet" if column == "band" else "band_groups.parquet"),
        run.path / "oof.parquet",
    )
    return _band_rows(str(run.path), head, baseline, column, parts, cache.file_versions(*files))


@st.cache_data(max_entries=48, show_spinner="Resampling the patches…")
def _band_rows(
    path: str, head: str, baseline: str, column: str, parts: tuple[tuple[str, str], ...], versions: Versions
) -> pd.DataFrame:
    run = cache.run(path)
    groups = groups_by_id(run.oof())
    if column == "band":
        measured = importance.read(run)
        table = measured.tables["bands"] if measured else run.occlusion()
    else:
        table = importance.group_drops(run)
    if parts:
        return band_table_by(table, head, baseline, dict(parts), groups, column)
    return (band_table if column == "band" else group_table)(table, head, baseline, groups)
