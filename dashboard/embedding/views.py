"""The views of the page: one large map with patches beside it, several heads, two runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import streamlit as st

from core.data.store import Dataset
from core.errors import LandslideLensError
from dashboard import state, theme, url_state
from dashboard.embedding import comparison, controls, fidelity, map_panel, new_patches, selected
from dashboard.embedding.projections import Drawn
from dashboard.ui import guards
from dashboard.ui.messages import show_error


@dataclass(frozen=True)
class Seen:
    """What the view shows. head: its boundary; selected, shown: ids of patches, on the maps and beside them."""

    head: str
    selected: Sequence[str] = ()
    shown: Sequence[str] = ()


def one_map(drawn: Drawn, data: Dataset, heads: Sequence[str], summary: Mapping, look: controls.Look) -> Seen:
    """The map of one head with patches beside it, the sentence about its boundary first."""
    said = st.container()
    head = controls.head_switch(heads, summary)
    marked = new_patches.marked(drawn)
    table = map_panel.table_of(drawn, head, data, look)
    grid = st.grid(3, min_column_width=230, gap="medium")
    with grid.cell(column_span=2):
        try:
            card = map_panel.draw(drawn, head, data, look, table, marked)
        except LandslideLensError as error:
            show_error(error, ":material/broken_image:")
            return Seen(head)
    words = fidelity.sentence(card, head, drawn.fold)
    said.markdown(words if map_panel.has_line(drawn, head) else f"{words} {fidelity.NO_LINE}")
    ids = map_panel.selected(table)
    with grid.cell():
        return Seen(head, ids, selected.panel(drawn.run, data, table, ids, look.composite))


def several_heads(drawn: Drawn, data: Dataset, heads: Sequence[str], summary: Mapping, look: controls.Look) -> Seen:
    """A small map for each of several heads."""
    wanted = url_state.choose_several(
        st.multiselect, "Heads", heads, key="embedding_heads", default=controls.usual_heads(heads, summary["head"]),
        format_func=theme.head_title,
    )  # fmt: skip
    ids = comparison.heads_side_by_side(drawn, wanted, data, look, new_patches.marked(drawn))
    head = wanted[0] if wanted else heads[0]
    return Seen(head, ids, selected.below(drawn, head, data, look, ids))


def two_runs(drawn: Drawn, data: Dataset, heads: Sequence[str], summary: Mapping, look: controls.Look) -> Seen:
    """This run beside another one on the same dataset."""
    others = [
        other for other in state.choice().runs
        if other.name != drawn.run.name and guards.run_state(other)["state"] == "succeeded"
    ]  # fmt: skip
    head = controls.usual_heads(heads, summary["head"])[0]
    if not others:
        st.info("There is no other finished run on this dataset. Train one to compare.", icon=":material/info:")
        return Seen(head)
    head, ids = comparison.runs_side_by_side(drawn, others, data, look)
    return Seen(head, ids, selected.below(drawn, head, data, look, ids))
