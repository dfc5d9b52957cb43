"""One run on the page: a large map with patches beside it, or a small map for each of several heads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import streamlit as st

from core.data.store import Dataset
from core.errors import LandslideLensError
from dashboard import theme, url_state
from dashboard.embedding import comparison, controls, fidelity, map_panel, new_patches, selected
from dashboard.embedding.projections import Drawn
from dashboard.ui.messages import show_error

COMPARE = "embedding_compare"


@dataclass(frozen=True)
class Seen:
    """What the view shows. head: its boundary; selected, shown: ids of patches, on the maps and beside them."""

    head: str
    selected: Sequence[str] = ()
    shown: Sequence[str] = ()


def one_run(drawn: Drawn, data: Dataset, heads: Sequence[str], summary: Mapping, look: controls.Look) -> Seen:
    """Draw it, the sentence about the boundary first."""
    said = st.container()
    with st.container(horizontal=True, vertical_alignment="center"):
        head = controls.head_switch(heads, summary["head"], st.session_state.get("kept_head"))
        compare = url_state.toggle("Compare heads", key=COMPARE)
    marked = new_patches.marked(drawn)
    if compare:
        wanted = url_state.choose_several(
            st.multiselect, "Heads", heads, key="embedding_heads",
            default=controls.usual_heads(heads, summary["head"]), format_func=theme.head_title,
        )  # fmt: skip
        ids = comparison.heads_side_by_side(drawn, wanted, data, look, marked)
        return Seen(head, ids, selected.below(drawn, head, data, look, ids))
    table = map_panel.table_of(drawn, head, data, look)
    grid = st.grid(3, min_column_width=250, gap="medium")
    with grid.cell(column_span=2):
        try:
            card = map_panel.draw(drawn, head, data, look, table, marked)
        except LandslideLensError as error:
            show_error(error, ":material/broken_image:")
            return Seen(head)
    said.markdown(fidelity.sentence(card, head, drawn.fold))
    ids = map_panel.selected(table)
    with grid.cell():
        return Seen(head, ids, selected.panel(drawn.run, data, table, ids, look.composite))
