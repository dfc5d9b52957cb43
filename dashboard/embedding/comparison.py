"""Projections side by side: several heads of one run, or two runs; each with its fidelity in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import streamlit as st

from core.data.store import Dataset
from core.data.tabular.patch_metadata import patch_facts, slicing_columns
from core.errors import LandslideLensError
from core.runs.labels import titles_of
from core.runs.store import RunFolder
from dashboard import cache, theme
from dashboard.charts import embedding_map
from dashboard.embedding import fidelity, points, projections
from dashboard.embedding.projections import Drawn
from dashboard.patches import outcomes
from dashboard.ui import downloads, formatting
from dashboard.ui.formatting import escape_markdown
from dashboard.ui.messages import show_error

ICONS = {"good": ":material/check_circle:", "fair": ":material/info:", "poor": ":material/warning:"}
TINTS = {"good": "green", "fair": "orange", "poor": "red"}


@dataclass(frozen=True)
class Look:
    """What is shown. by: how points are coloured; training: with the training part; synthetic: with such patches."""

    by: str
    training: bool
    synthetic: bool


def usual_heads(heads: Sequence[str], headline: str) -> list[str]:
    """The network's own head, the headline or first SVM, and boosted trees, as far as they are there."""
    svms = [name for name in heads if name.startswith("svm_")]
    svm = headline if headline in svms else (svms[-1] if svms else None)
    return [name for name in ("fc", svm, "lgbm") if name in heads] or list(heads[:2])


def panel(
    drawn: Drawn, head: str, data: Dataset, look: Look, title: str, marked: Sequence[embedding_map.Marked] = ()
) -> list[str]:
    """A projection with one head's boundary and its fidelity below; the ids selected in it."""
    try:
        values, card = projections.boundary(drawn, head)
        oof, summary = drawn.run.oof(), drawn.run.summary()
    except LandslideLensError as error:
        show_error(error, ":material/broken_image:")
        return []
    arrays = drawn.arrays
    st.markdown(f"**{title}**")
    table = points.placed(data, oof, arrays, drawn.fold)
    table = points.with_decisions(table, oof, head, outcomes.thresholds_of(summary, head))
    if not look.training:
        table = table[~table["training"]].reset_index(drop=True)
    by = points.colouring(look.by, table, data, _groups(data), facts(data))
    regions = embedding_map.Regions(arrays["x"], arrays["y"], values, np.asarray(arrays["near"]).astype(bool))
    method = fidelity.METHODS[drawn.card.get("method", "umap")]
    figure = embedding_map.boundary_map(
        points.points(table, by), by.colours or {}, regions, _synthetic(drawn, data, look), marked, method
    )
    event = downloads.show(
        figure, key=f"embedding_{drawn.run.name}_{drawn.key}_{head}_{drawn.fold}_{look.by}", on_select="rerun",
        selection_mode=("points", "box", "lasso"),
    )  # fmt: skip
    grade, words = fidelity.verdict(card)
    st.markdown(f":{TINTS[grade]}[{ICONS[grade]}] {words}")
    st.caption(fidelity.measured(card))
    return embedding_map.selected_ids(event)


def heads_side_by_side(
    drawn: Drawn, heads: Sequence[str], data: Dataset, look: Look, marked: Sequence[embedding_map.Marked]
) -> list[str]:
    """The projection once for each head; the ids selected in any of them."""
    chosen: list[str] = []
    grid = st.grid(min(3, max(1, len(heads))), min_column_width=300, gap="medium")
    for head in heads:
        with grid.cell():
            chosen += panel(drawn, head, data, look, escape_markdown(theme.head_title(head)), marked)
    st.caption(fidelity.story(int(drawn.arrays["train"].sum()), drawn.card, drawn.fold))
    return list(dict.fromkeys(chosen))


def runs_side_by_side(drawn: Drawn, others: Sequence[RunFolder], data: Dataset, look: Look) -> list[str]:
    """This run's projection beside another run's, with one head each; the ids selected in either."""
    if not others:
        st.info("There is no other finished run on this dataset. Train one to compare.", icon=":material/info:")
        return []
    titles = titles_of((drawn.run, *others))
    with st.container(horizontal=True):
        name = st.selectbox(
            "With", [run.name for run in others], format_func=titles.get, key="embedding_other", width=330
        )
        other = next(run for run in others if run.name == name)
        heads = [_head_of(run, f"embedding_head_{i}") for i, run in enumerate((drawn.run, other))]
    try:
        pair = [drawn, projections.same_projection(drawn, other)]
    except LandslideLensError as error:
        show_error(error, ":material/broken_image:")
        return []
    chosen: list[str] = []
    grid = st.grid(2, min_column_width=400, gap="medium")
    for one, head in zip(pair, heads, strict=True):
        with grid.cell():
            title = (titles[one.run.name], theme.head_title(head), _score(one.run, head))
            chosen += panel(one, head, data, look, " · ".join(map(escape_markdown, title)))
            st.caption(fidelity.story(int(one.arrays["train"].sum()), one.card, one.fold))
    _say_how_comparable(pair)
    return list(dict.fromkeys(chosen))


def _head_of(run: RunFolder, key: str) -> str:
    heads, headline = projections.heads(run), run.summary()["head"]
    first = headline if headline in heads else usual_heads(heads, headline)[-1]
    if st.session_state.get(key) not in heads:
        st.session_state[key] = first
    label = "Head of this run" if key.endswith("0") else "Head of the other"
    return st.selectbox(label, heads, format_func=theme.head_title, key=key, width=210)


def _score(run: RunFolder, head: str) -> str:
    facts = run.summary()["heads"].get(head)
    return f"F1 {formatting.number(facts['f1'])}" if facts else "fitted later"


def _say_how_comparable(pair: Sequence[Drawn]) -> None:
    held = [set(one.run.oof().query("fold == @one.fold")["id"].astype(str)) for one in pair]
    shared = len(held[0] & held[1])
    text = "These are two networks: positions, distances and directions in one projection mean nothing in the other."
    if held[0] != held[1]:
        text += (
            f" Their held-out parts differ: of {len(held[0]):,} and {len(held[1]):,} patches {shared:,} are in both."
        )
    else:
        text += f" Both hold out the same {shared:,} patches, so the percentages above are comparable."
    if fidelity.projection_title(pair[0].card) != fidelity.projection_title(pair[1].card):
        text += " Their settings differ: make the same projection for both before you compare how they look."
    st.caption(text)


def facts(data: Dataset) -> dict[str, np.ndarray]:
    """Columns that patches can be coloured by."""
    return _facts(str(data.path), cache.file_version(data.path))


@st.cache_data(max_entries=8, show_spinner=False)
def _facts(path: str, version: cache.Version) -> dict[str, np.ndarray]:
    return slicing_columns(patch_facts(cache.dataset(path), images=False))


def _groups(data: Dataset) -> np.ndarray | None:
    return None if data.groups is None else np.asarray(data.groups)


def _synthetic(drawn: Drawn, data: Dataset, look: Look) -> embedding_map.Synthetic | None:
    if not look.synthetic or "synthetic" not in drawn.arrays:
        return None
    arrays = drawn.arrays
    return points.synthetic(drawn.run.smote(), arrays["xy"], arrays["synthetic"], data.ids, drawn.fold)
