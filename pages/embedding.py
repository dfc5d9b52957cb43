"""The embeddings of one fold on a map: where patches lie, how a head divides it, and how far to believe that."""

import streamlit as st

from core.errors import LandslideLensError
from dashboard import url_state
from dashboard.embedding import (
    controls,
    fidelity,
    hover_pictures,
    map_panel,
    neighbours,
    new_patches,
    points,
    projections,
    views,
)
from dashboard.embedding.views import Seen
from dashboard.patches import card, outcomes
from dashboard.ui import downloads, guards
from dashboard.ui.guards import or_stop
from dashboard.ui.view_switch import view_switch

VIEWS = {"map": "One map", "heads": "Compare heads", "runs": "Two runs"}
MORE = {"near": "Nearest neighbours", "new": "New patches"}


def main() -> None:
    st.title("Embedding")
    run = guards.need_finished_run("how a trained network arranges the patches", shows_patches=False)
    data = guards.need_dataset()
    oof, summary = or_stop(run.oof), or_stop(run.summary)
    folds = sorted(int(fold) for fold in oof["fold"].unique() if fold >= 0)
    above = st.container(horizontal=True, vertical_alignment="center")
    with above:
        view = view_switch("embedding", VIEWS, "map")
        fold = controls.fold_switch(folds)
    drawn = or_stop(projections.chosen, run, fold)
    if len(drawn.arrays["xy"]) != len(data):
        st.error("The dataset file has changed since this run was trained: it holds a different number of patches.")
        st.stop()
    notes = st.container()
    look, heads = controls.look_so_far(data, drawn), or_stop(projections.heads, run)
    draw = {"map": views.one_map, "heads": views.several_heads, "runs": views.two_runs}[view]
    seen = draw(drawn, data, heads, summary, look)
    # The map has been sent. What takes longer comes now, wherever it stands on the page.
    with above:
        with st.popover("Options", icon=":material/tune:", width="content"):
            controls.look_controls(data, drawn)
            projections.controls(run, fold)
    with notes:
        projections.progress(run)
        for sentence in or_stop(projections.changes, drawn, data.content_hash):
            st.warning(sentence, icon=":material/history:")
    near = more(drawn, data, seen)
    measured(drawn, seen.head)
    name = f"{run.name}_projection_{fold}"
    downloads.download(lambda: everything(drawn, data, oof, summary, heads), name, "Projection (CSV)")
    hover_pictures.show(data, map_panel.table_of(drawn, seen.head, data, look), look.composite)
    card.show_opened(data, run, seen.shown or near)


def more(drawn, data, seen: Seen) -> list[str]:
    """Neighbours or new patches, whichever is chosen; the ids shown."""
    first = "new" if new_patches.are_there(drawn.run) else None
    chosen = url_state.choose(
        st.pills, "More", list(MORE), key=neighbours.MORE, default=first, format_func=MORE.get,
        label_visibility="collapsed",
    )  # fmt: skip
    if chosen == "near":
        return neighbours.neighbours(drawn, data, seen.selected, seen.head)
    if chosen == "new":
        new_patches.new_patches(drawn, data)
    return []


def measured(drawn, head: str) -> None:
    """The method behind the map and its sentence."""
    with st.expander("How this was measured"):
        try:
            _, facts = projections.boundary(drawn, head)
        except LandslideLensError:
            facts = {}
        if facts:
            st.markdown(f"{fidelity.compared(facts)} {fidelity.measured(facts)}")
        st.markdown(fidelity.story(int(drawn.arrays["train"].sum()), drawn.card, drawn.fold))


def everything(drawn, data, oof, summary: dict, heads: list[str]):
    """The projection as a table: place, part, and every head's out-of-fold decision."""
    table = points.placed(data, oof, drawn.arrays, drawn.fold)
    for head in heads:
        decided = points.with_decisions(table, oof, head, outcomes.thresholds_of(summary, head))
        table[[f"prob_{head}", f"outcome_{head}"]] = decided[["prob", "outcome"]]
    return table.drop(columns=["row", "oof_row"])


main()
