"""One map with its table of patches: what every view of the page draws."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd
import streamlit as st

from core.data.store import Dataset
from dashboard import cache, theme
from dashboard.charts import embedding_map
from dashboard.charts.regions import zero_line
from dashboard.embedding import controls, points, projections
from dashboard.embedding.controls import Look
from dashboard.embedding.projections import Drawn
from dashboard.patches import outcomes
from dashboard.ui import downloads
from dashboard.ui.formatting import count, percent

SELECTED = "embedding_selected"  # in the session: ids, the latest selection on any of the maps
_CLEARED = "embedding_cleared"  # how often the selection was cleared


def table_of(drawn: Drawn, head: str, data: Dataset, look: Look) -> pd.DataFrame:
    """The patches on the map with the head's out-of-fold decisions (``points.with_decisions``)."""
    table = _table(*_named(drawn, head, data), _versions(drawn, data), drawn, data)
    return table.copy(deep=False) if look.training else table[~table["training"]].reset_index(drop=True)


def draw(
    drawn: Drawn,
    head: str,
    data: Dataset,
    look: Look,
    table: pd.DataFrame,
    marked: Sequence[embedding_map.Marked] = (),
    height: int = embedding_map.HEIGHT,
    legend: bool = True,
) -> dict:
    """The map with this head's boundary; its fidelity card. Raises LandslideLensError where it cannot be drawn.

    table: of :func:`table_of`.
    """
    values, card = projections.boundary(drawn, head)
    dark = st.context.theme.type == "dark"

    def make() -> downloads.Sent:
        facts = controls.facts(data) if look.by.startswith(points.COLUMN) else {}
        by = points.colouring(look.by, table, data, _groups(data), facts)
        made = embedding_map.boundary_map(
            points.points(table, by, data),
            by.colours or {},
            _regions(drawn, values),
            _synthetic(drawn, data, look),
            marked,
            height,
            legend,
            dark=dark,
        )
        return downloads.Sent(made, dark)

    shown = look.by, look.training, look.synthetic, height, legend, dark
    figure = _figure((*_named(drawn, head, data), *_versions(drawn, data)), shown, tuple(marked), make)
    key = f"embedding_{drawn.run.name}_{drawn.key}_{head}_{drawn.fold}_{look.by}{st.session_state.get(_CLEARED, '')}"

    def keep() -> None:
        st.session_state[SELECTED] = embedding_map.selected_ids(st.session_state.get(key))

    alt = alternative(table, data, head, drawn.fold, card)
    downloads.show(figure, key=key, on_select=keep, selection_mode=("points", "box", "lasso"), alt=alt)
    return card


def alternative(table: pd.DataFrame, data: Dataset, head: str, fold: int, card: Mapping) -> str:
    """What the map shows, for who does not see it. table: its patches; card: of this head."""
    held, names = table[~table["training"]], points.class_words(data)
    counts = held["label"].value_counts()
    parts = [f"{count(counts[label])} {names[label]}" for label in (1, 0, -1) if counts.get(label)]
    wrong = int(points.is_wrong(held).sum())
    text = (
        f"Map of {count(len(held))} held-out patches of {theme.fold_title(fold)} ({', '.join(parts)}) with the "
        f"decision boundary of {theme.head_title(head)}, which is wrong on {count(wrong)} of them."
    )
    if len(held) < len(table):
        text += f" {count(len(table) - len(held))} training patches are drawn smaller."
    agreement = card.get("agreement")
    if agreement is not None and agreement == agreement:
        text += f" The drawn boundary agrees with this head on {percent(agreement)} of the held-out patches."
    return text


def has_line(drawn: Drawn, head: str) -> bool:
    """Whether this head's boundary runs where there are patches."""
    regions = _regions(drawn, projections.boundary(drawn, head)[0])
    return bool(len(zero_line(regions.x, regions.y, regions.values, regions.near)[0]))


def _regions(drawn: Drawn, values: np.ndarray) -> embedding_map.Regions:
    arrays = drawn.arrays
    return embedding_map.Regions(arrays["x"], arrays["y"], values, np.asarray(arrays["near"]).astype(bool))


def selected(table: pd.DataFrame) -> list[str]:
    """The selected patches that are on the map."""
    there = set(table["id"])
    return [patch_id for patch_id in st.session_state.get(SELECTED, ()) if patch_id in there]


def clear() -> None:
    """Callback: nothing is selected any more; the maps are drawn anew, without their lasso."""
    st.session_state.pop(SELECTED, None)
    st.session_state[_CLEARED] = st.session_state.get(_CLEARED, 0) + 1


def _groups(data: Dataset) -> np.ndarray | None:
    return None if data.groups is None else np.asarray(data.groups)


def _synthetic(drawn: Drawn, data: Dataset, look: Look) -> embedding_map.Synthetic | None:
    if not look.synthetic or "synthetic" not in drawn.arrays:
        return None
    arrays = drawn.arrays
    return points.synthetic(drawn.run.smote(), arrays["xy"], arrays["synthetic"], data.ids, drawn.fold)


# ---------------------------------------------------------------------------------------------------- made once


def _named(drawn: Drawn, head: str, data: Dataset) -> tuple[str, int, str, str, str, np.ndarray]:
    """With the labels: a dataset may have those of another version than its file."""
    return str(drawn.run.path), drawn.fold, drawn.key, head, str(data.path), data.labels


def _versions(drawn: Drawn, data: Dataset) -> tuple[cache.Version, ...]:
    return *projections.versions(drawn), cache.dataset_version(data.path)


@st.cache_resource(max_entries=8, show_spinner=False)
def _table(
    path: str,
    fold: int,
    key: str,
    head: str,
    dataset: str,
    labels: np.ndarray,
    versions: tuple[cache.Version, ...],
    _drawn: Drawn,
    _data: Dataset,
) -> pd.DataFrame:
    oof, summary = _drawn.run.oof(), _drawn.run.summary()
    table = points.placed(_data, oof, _drawn.arrays, fold)
    return points.with_decisions(table, oof, head, outcomes.thresholds_of(summary, head))


@st.cache_resource(max_entries=16, show_spinner=False)
def _figure(
    of: tuple, shown: tuple, marked: tuple[embedding_map.Marked, ...], _make: Callable[[], downloads.Sent]
) -> downloads.Sent:
    """What ``_make`` makes, which depends on the others alone."""
    return _make()
