"""Maps beside each other: several heads of one run, or two runs; each with its agreement in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import streamlit as st

from core.data.store import Dataset
from core.errors import LandslideLensError
from core.runs.labels import titles_of
from core.runs.store import RunFolder
from dashboard import theme, url_state
from dashboard.charts import embedding_map
from dashboard.embedding import fidelity, map_panel, points, projections
from dashboard.embedding.controls import Look, facts, usual_heads
from dashboard.embedding.projections import Drawn
from dashboard.patches import render
from dashboard.ui import formatting
from dashboard.ui.formatting import escape_markdown
from dashboard.ui.messages import show_error

SMALL, PAIR = 340, 460  # heights of maps


def panel(
    drawn: Drawn,
    head: str,
    data: Dataset,
    look: Look,
    title: str,
    marked: Sequence[embedding_map.Marked] = (),
    height: int = SMALL,
) -> list[str]:
    """A map with one head's boundary and its agreement below; the ids selected in it."""
    st.markdown(f"**{title}**")
    try:
        table = map_panel.table_of(drawn, head, data, look)
        card = map_panel.draw(drawn, head, data, look, table, marked, height, legend=False)
    except LandslideLensError as error:
        show_error(error, ":material/broken_image:")
        return []
    st.caption(fidelity.sentence(card, head, drawn.fold), help=fidelity.compared(card) or None)
    return map_panel.selected(table)


def legend(data: Dataset, look: Look, drawn: Drawn, head: str) -> None:
    """What the colours of all maps mean, once; a scale stands beside each map."""
    table = map_panel.table_of(drawn, head, data, look)
    of = facts(data) if look.by.startswith(points.COLUMN) else {}
    groups = None if data.groups is None else np.asarray(data.groups)
    how = points.colouring(look.by, table, data, groups, of)
    colours: Mapping[str, str] = how.colours or {}
    there = set(colours if how.group is None else how.group)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        for name, colour in colours.items():
            if name not in there:
                continue
            with st.container(horizontal=True, vertical_alignment="center", gap="xxsmall", width="content"):
                st.image(render.swatch(colour), width=14, alt="")
                st.caption(escape_markdown(name), width="content")
        st.caption("✕ wrong decision", width="content")
        st.caption("hatched: no patches nearby, unknown", width="content")


def heads_side_by_side(
    drawn: Drawn, heads: Sequence[str], data: Dataset, look: Look, marked: Sequence[embedding_map.Marked]
) -> list[str]:
    """The projection once for each head; the ids selected in any of them."""
    chosen: list[str] = []
    if heads:
        legend(data, look, drawn, heads[0])
    grid = st.grid(min(3, max(1, len(heads))), min_column_width=260, gap="medium")
    for head in heads:
        with grid.cell():
            chosen += panel(drawn, head, data, look, escape_markdown(theme.head_title(head)), marked)
    return list(dict.fromkeys(chosen))


def runs_side_by_side(drawn: Drawn, others: Sequence[RunFolder], data: Dataset, look: Look) -> tuple[str, list[str]]:
    """This run's map beside another run's, with one head each: this run's head, and the ids selected in either."""
    titles = titles_of((drawn.run, *others))
    names = [run.name for run in others]
    with st.container(horizontal=True):
        name = url_state.choose(
            st.selectbox, "With", names, key="embedding_other", default=names[0], format_func=titles.get, width=330
        )
        other = next(run for run in others if run.name == name)
        heads = [_head_of(run, f"embedding_head_{i}") for i, run in enumerate((drawn.run, other))]
    try:
        pair = [drawn, projections.same_projection(drawn, other)]
    except LandslideLensError as error:
        show_error(error, ":material/broken_image:")
        return heads[0], []
    legend(data, look, drawn, heads[0])
    chosen: list[str] = []
    grid = st.grid(2, min_column_width=320, gap="medium")
    for one, head in zip(pair, heads, strict=True):
        with grid.cell():
            title = (titles[one.run.name], theme.head_title(head), _score(one.run, head))
            chosen += panel(one, head, data, look, " · ".join(map(escape_markdown, title)), height=PAIR)
    st.caption(_how_comparable(pair))
    return heads[0], list(dict.fromkeys(chosen))


def _head_of(run: RunFolder, key: str) -> str:
    heads, headline = projections.heads(run), run.summary()["head"]
    first = headline if headline in heads else usual_heads(heads, headline)[-1]
    label = "Head of this run" if key.endswith("0") else "Head of the other"
    return url_state.choose(st.selectbox, label, heads, key=key, default=first, format_func=theme.head_title, width=210)


def _score(run: RunFolder, head: str) -> str:
    facts = run.summary()["heads"].get(head)
    return f"F1 {formatting.number(facts['f1'])}" if facts else "fitted later"


def _how_comparable(pair: Sequence[Drawn]) -> str:
    held = [set(one.run.oof().query("fold == @one.fold")["id"].astype(str)) for one in pair]
    shared = len(held[0] & held[1])
    text = "These are two networks: positions, distances and directions on one map mean nothing on the other."
    if held[0] != held[1]:
        text += (
            f" Their held-out parts differ: of {len(held[0]):,} and {len(held[1]):,} patches {shared:,} are in both."
        )
    else:
        text += f" Both hold out the same {shared:,} patches, so the percentages above are comparable."
    if fidelity.projection_title(pair[0].card) != fidelity.projection_title(pair[1].card):
        text += " Their settings differ: make the same projection for both before you compare how they look."
    return text
