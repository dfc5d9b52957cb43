"""The patches that are looked at on a projection or on a map, beside their pictures; a lasso there filters all."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import streamlit as st

from core.data.store import Dataset
from core.errors import LandslideLensError
from core.runs.store import RunFolder
from dashboard import theme, url_state
from dashboard.charts import embedding_map
from dashboard.dataset import geo_chart
from dashboard.embedding import projections
from dashboard.patches import outcomes
from dashboard.review import sets
from dashboard.ui import downloads
from dashboard.ui.formatting import count
from dashboard.ui.messages import show_error

NOTHING = ""
WAYS = {NOTHING: "Pictures", "projection": "With projection", "places": "With map"}
OTHERS = "not in this set"
COLOURS = {OTHERS: theme.UNLABELLED} | {theme.OUTCOME_WORDS[name]: theme.OUTCOME[name] for name in outcomes.OUTCOMES}
HEIGHT = 460


def picker(data: Dataset) -> str:
    """What is drawn beside the pictures."""
    placed = data.lonlat is not None and bool(np.isfinite(data.lonlat).all(axis=1).any())
    return url_state.choose(
        st.segmented_control, "Beside the pictures", [way for way in WAYS if way != "places" or placed],
        key="review_beside", default=NOTHING, required=True, format_func=WAYS.get, label_visibility="collapsed",
        width="content",
    )  # fmt: skip


def beside(
    way: str,
    data: Dataset,
    run: RunFolder,
    table: pd.DataFrame,
    ids: Sequence[str],
    folds: Sequence[int],
    within: frozenset[str] | None,
) -> None:
    """table: all judged patches. ids: those that are looked at. folds: filtered by. within: what a lasso is cut to."""
    if way == "projection":
        _projection(data, run, table, ids, folds, within)
    elif way == "places":
        _places(data, run, table, ids, within)


def _projection(
    data: Dataset,
    run: RunFolder,
    table: pd.DataFrame,
    ids: Sequence[str],
    folds: Sequence[int],
    within: frozenset[str] | None,
) -> None:
    known = sorted(table["fold"].unique().tolist())
    fold = folds[0] if len(folds) == 1 else None
    if fold is None:
        fold = url_state.choose(
            st.selectbox, "Fold of the projection", known, key="review_fold", default=known[0], width=180,
            format_func=theme.fold_title, label_visibility="collapsed",
        )  # fmt: skip
    try:
        xy = projections.read(run, fold).arrays["xy"]
    except LandslideLensError as error:
        show_error(error, ":material/scatter_plot:")
        return
    mine = table[table["fold"] == fold].reset_index(drop=True)
    inside = mine["id"].isin(set(ids)).to_numpy()
    points = embedding_map.Points(
        xy=xy[data.index_of(mine["id"].astype(str).tolist())], ids=mine["id"].tolist(), group=_groups(mine, inside),
        prob=mine["prob"].to_numpy(float), words=mine["outcome"].map(theme.OUTCOME_WORDS).tolist(),
    )  # fmt: skip
    figure = embedding_map.boundary_map(points, COLOURS, height=HEIGHT, dark=st.context.theme.type == "dark")
    words = f"Projection of {count(len(mine))} held-out patches of {theme.fold_title(fold)}"
    _draw(figure, run, f"projection_{fold}", f"{words}; {count(int(inside.sum()))} are in the set.", within)
    st.caption(f"{words}, those in this set in colour. Lasso some to see only them.")


def _places(
    data: Dataset, run: RunFolder, table: pd.DataFrame, ids: Sequence[str], within: frozenset[str] | None
) -> None:
    lonlat = data.lonlat[data.index_of(table["id"].astype(str).tolist())]
    known = np.isfinite(lonlat).all(axis=1)
    mine, lonlat = table[known].reset_index(drop=True), lonlat[known]
    if mine.empty:
        st.info("None of these patches has a place.", icon=":material/location_off:")
        return
    inside = mine["id"].isin(set(ids)).to_numpy()
    words = mine["outcome"].map(theme.OUTCOME_WORDS)
    hover = [f"{name}, {outcome}" for name, outcome in zip(mine["id"], words, strict=True)]
    figure = geo_chart.place_map(geo_chart.Places(lonlat, mine["id"].tolist(), hover, _groups(mine, inside)), COLOURS)
    figure.update_layout(height=HEIGHT)
    words = f"Map of {count(len(mine))} patches"
    _draw(figure, run, "places", f"{words}; {count(int(inside.sum()))} are in the set.", within)
    st.caption(f"{words}, those in this set in colour. Select some to see only them.")


def _groups(table: pd.DataFrame, inside: np.ndarray) -> np.ndarray:
    return np.where(inside, table["outcome"].map(theme.OUTCOME_WORDS).to_numpy(), OTHERS)


def _draw(figure, run: RunFolder, name: str, alt: str, within: frozenset[str] | None) -> None:
    key = f"review_{name}_{run.name}_{st.session_state.get(sets.MARKS, 0)}"

    def keep() -> None:
        if ids := embedding_map.selected_ids(st.session_state.get(key)):
            sets.mark(run, ids, within)

    downloads.show(figure, key=key, on_select=keep, selection_mode=("points", "box", "lasso"), alt=alt)
