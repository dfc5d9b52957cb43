"""Readers of ``core`` behind bounded caches, keyed by path and by what the files look like now.

A file that changes is read again; nothing here outlives its bound. Cached tables are copies; cached datasets and
Grad-CAM maps are shared between sessions and are not to be written to.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import streamlit as st

from core.data.store import Dataset, open_dataset
from core.explain.bands import tables as summary_tables
from core.runs.store import RunFolder

Stamp = tuple[int, int]


def stamp(path: Path) -> Stamp:
    """What a file, or all files of a folder, look like now: newest change (ns) and total size (bytes)."""
    files = [path] if path.is_file() else [p for p in path.rglob("*") if p.is_file()]
    stats = []
    for file in files:
        try:
            stats.append(file.stat())
        except OSError:
            continue  # replaced while we looked
    return max((s.st_mtime_ns for s in stats), default=0), sum(s.st_size for s in stats)


# ---------------------------------------------------------------------------------------------------- datasets


def dataset(path: Path) -> Dataset:
    """The dataset file at ``path``. Raises DataError for one that cannot be used."""
    return _dataset(str(path), stamp(Path(path)))


@st.cache_resource(max_entries=32, show_spinner=False)
def _dataset(path: str, looks: Stamp) -> Dataset:
    return open_dataset(Path(path))


def images(data: Dataset, rows: Sequence[int], bands: Sequence[str] | None = None) -> np.ndarray:
    """(n, C, H, W) float32 of these rows, in the bands' units."""
    return _images(str(data.path), stamp(data.path), tuple(int(r) for r in rows), tuple(bands) if bands else None)


@st.cache_data(max_entries=48, show_spinner=False)
def _images(path: str, looks: Stamp, rows: tuple[int, ...], bands: tuple[str, ...] | None) -> np.ndarray:
    return _dataset(path, looks).images(np.array(rows, np.int64), bands)


def masks(data: Dataset, rows: Sequence[int]) -> np.ndarray | None:
    """(n, H, W) uint8 of these rows, or None where the dataset has no masks."""
    return data.masks(np.array([int(r) for r in rows], np.int64)) if data.has_masks else None


# -------------------------------------------------------------------------------------------------------- runs


def summary(run: RunFolder) -> dict:
    """The run's numbers. Raises RunError until it has finished."""
    return _table(str(run.path), "summary", stamp(run.path))


def oof(run: RunFolder) -> pd.DataFrame:
    """Out-of-fold scores of every real patch."""
    return _table(str(run.path), "oof", stamp(run.path))


def history(run: RunFolder) -> pd.DataFrame:
    """Losses and scores by fold and epoch, of the folds that have begun."""
    return _table(str(run.path), "history", stamp(run.path))


def samples(run: RunFolder) -> pd.DataFrame:
    """What the network answered for a few validation patches, by fold and epoch."""
    return _table(str(run.path), "samples", stamp(run.path))


def smote(run: RunFolder) -> pd.DataFrame:
    """Lineage of every synthetic patch of the run."""
    return _table(str(run.path), "smote", stamp(run.path))


def occlusion(run: RunFolder) -> pd.DataFrame:
    """Probability before and after occluding each band, one row a patch, head, baseline and band."""
    return _table(str(run.path), "occlusion", stamp(run.path))


def folds(run: RunFolder) -> dict:
    """The ids of each fold."""
    return _table(str(run.path), "folds", stamp(run.path))


def rules(run: RunFolder) -> dict:
    """By head: Platt scaling and thresholds by fold."""
    return _table(str(run.path), "rules", stamp(run.path))


@st.cache_data(max_entries=48, show_spinner=False)
def _table(path: str, method: str, looks: Stamp):
    return getattr(RunFolder(Path(path)), method)()


def umap(run: RunFolder, fold: int) -> tuple[dict[str, np.ndarray], dict]:
    """Map and boundary of one fold: arrays and their card."""
    return _umap(str(run.path), int(fold), stamp(run.path))


@st.cache_data(max_entries=16, show_spinner=False)
def _umap(path: str, fold: int, looks: Stamp) -> tuple[dict[str, np.ndarray], dict]:
    return RunFolder(Path(path)).umap(fold)


def cams(run: RunFolder) -> tuple[pd.DataFrame, np.ndarray, dict]:
    """Out-of-fold Grad-CAM: index, raw maps (N, h, w) and card; shared, not to be written to."""
    return _cams(str(run.path), stamp(run.path))


@st.cache_resource(max_entries=4, show_spinner=False)
def _cams(path: str, looks: Stamp) -> tuple[pd.DataFrame, np.ndarray, dict]:
    return RunFolder(Path(path)).cams()


def evaluations(run: RunFolder) -> dict[str, dict]:
    """By name: what the run said of other labelled datasets."""
    return _table(str(run.path), "evaluations", stamp(run.path))


def head_table(run: RunFolder) -> dict | None:
    """Every head's F1 on training and on unseen patches; none before it was asked for."""
    return _table(str(run.path), "head_table", stamp(run.path))


def patch_facts(data: Dataset, ids: Sequence[str], images: bool = True) -> pd.DataFrame:
    """What is known of these patches, a row each (see ``core.data.tabular.patch_metadata``); ``images``: also what only they tell."""
    return _patch_facts(str(data.path), stamp(data.path), tuple(ids), images)


@st.cache_data(max_entries=4, show_spinner="Reading what is known of each patch…")
def _patch_facts(path: str, looks: Stamp, ids: tuple[str, ...], images: bool) -> pd.DataFrame:
    from core.data.tabular.patch_metadata import patch_facts as facts_of

    data = _dataset(path, looks)
    return facts_of(data, data.index_of(list(ids)), images=images)


def band_study(run: RunFolder) -> tuple[dict[str, pd.DataFrame], dict] | None:
    """Every replacement of bands and groups, with its report; none before it was asked for."""
    return _table(str(run.path), "band_study", stamp(run.path))


def band_groups(run: RunFolder) -> pd.DataFrame:
    """Shapley values of groups of bands. Raises RunError in runs of earlier versions."""
    return _table(str(run.path), "band_groups", stamp(run.path))


def window_drops(run: RunFolder) -> tuple[pd.DataFrame, np.ndarray] | None:
    """Drops of patches whose windows were occluded; none before they were."""
    return _table(str(run.path), "window_drops", stamp(run.path))


def drill(run: RunFolder) -> tuple[pd.DataFrame, dict] | None:
    """The drop-out drill; none before it was asked for."""
    return _table(str(run.path), "drill", stamp(run.path))


def smote_realism(run: RunFolder) -> tuple[pd.DataFrame, dict] | None:
    """How realistic the synthetic patches are; none before it was asked for."""
    return _table(str(run.path), "smote_realism", stamp(run.path))


def attention_checks(run: RunFolder) -> dict[str, dict]:
    """By name: reports of the lie detector, newest first."""
    return _table(str(run.path), "attention_checks", stamp(run.path))


def attention_check(run: RunFolder, name: str) -> dict[str, pd.DataFrame]:
    """Tables of one of them."""
    return _named(str(run.path), "attention_check", name, stamp(run.path))


def attention_maps(run: RunFolder) -> dict[str, dict]:
    """By name: cards of maps that were drawn after the run's own."""
    return _table(str(run.path), "attention_maps", stamp(run.path))


def attention_map(run: RunFolder, name: str) -> tuple[pd.DataFrame, np.ndarray, dict]:
    """One of them: index, raw maps (N, h, w) and card."""
    return _named(str(run.path), "attention_map", name, stamp(run.path))


@st.cache_data(max_entries=16, show_spinner=False)
def _named(path: str, method: str, name: str, looks: Stamp):
    return getattr(RunFolder(Path(path)), method)(name)


def band_rows(
    run: RunFolder, head: str, baseline: str, column: str = "band", parts: tuple[tuple[str, str], ...] = ()
) -> pd.DataFrame:
    """Drops by band, or Shapley shares by group, with intervals: of landslides, or of each part (id, part)."""
    return _band_rows(str(run.path), head, baseline, column, parts, stamp(run.path))


@st.cache_data(max_entries=48, show_spinner="Resampling the patches…")
def _band_rows(
    path: str, head: str, baseline: str, column: str, parts: tuple[tuple[str, str], ...], looks: Stamp
) -> pd.DataFrame:
    run = RunFolder(Path(path))
    study = band_study(run)
    if column == "band":
        table = study[0]["bands"] if study else occlusion(run)
    else:
        table = study[0]["groups"] if study else band_groups(run)
    groups = summary_tables.groups_by_id(oof(run))
    if parts:
        return summary_tables.band_table_by(table, head, baseline, dict(parts), groups, column)
    make = summary_tables.band_table if column == "band" else summary_tables.group_table
    return make(table, head, baseline, groups)
