"""The map of one fold's embeddings: where patches lie, how its heads divide the plane, and how far to believe that."""

import streamlit as st

from dashboard import state, theme
from dashboard.embedding import comparison, neighbours, new_patches, points, projections
from dashboard.patches import card, gallery, outcomes
from dashboard.ui import downloads, guards
from dashboard.ui.formatting import escape_markdown
from dashboard.ui.guards import or_stop

VIEWS = {"heads": "Heads side by side", "runs": "Two runs side by side"}
PARTS = {"held": "Held-out part", "all": "Training part too"}
MOST_SHOWN = 36  # pictures of a selection


def main() -> None:
    st.title("Embedding")
    run = guards.need_finished_run("how a trained network arranges the patches")
    data = guards.need_dataset()
    oof, summary = or_stop(run.oof), or_stop(run.summary)
    view = st.segmented_control(
        "View", list(VIEWS), default="heads", required=True, format_func=VIEWS.get, key="embedding_view",
        label_visibility="collapsed",
    )  # fmt: skip
    folds = sorted(int(fold) for fold in oof["fold"].unique() if fold >= 0)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        fold = st.segmented_control(
            "Fold", folds, default=folds[0], required=True, format_func=theme.fold_title, key="embedding_fold",
            help="Each fold's network makes its own space: distances and neighbours mean something inside it only.",
        )  # fmt: skip
        drawn = or_stop(projections.chosen_map, run, fold)
    projections.progress(run)
    if len(drawn.arrays["xy"]) != len(data):
        st.error("This run's map has another number of patches than the dataset file: the file has changed since.")
        st.stop()
    for sentence in or_stop(projections.changes, drawn, data.content_hash):
        st.warning(sentence, icon=":material/history:")
    look = look_of(data, drawn)
    heads = or_stop(projections.heads, run)
    if view == "runs":
        finished = [other for other in others(run) if guards.run_state(other)["state"] == "succeeded"]
        ids = comparison.runs_side_by_side(drawn, finished, data, look)
        shown = [comparison.usual_heads(heads, summary["head"])[0]]
    else:
        shown = st.multiselect(
            "Heads", heads, default=comparison.usual_heads(heads, summary["head"]), format_func=theme.head_title,
            key=f"embedding_heads_{run.name}",
        )  # fmt: skip
        ids = comparison.heads_side_by_side(drawn, shown, data, look, new_patches.marked(drawn))
    downloads.download(lambda: everything(drawn, data, oof, summary, heads), f"{run.name}_map_{fold}", "Map (CSV)")
    selection(data, run, oof, summary, ids, heads)
    near = neighbours.neighbours(drawn, data, ids, (shown or heads)[0])
    new_patches.newcomers(drawn, data)
    card.show_opened(data, run, ids or near)


def look_of(data, drawn: projections.Drawn) -> comparison.Look:
    """What is drawn and how it is coloured."""
    names = dict(points.COLOURS)
    if data.groups is None:
        names.pop("group")
    names |= {f"{points.COLUMN}{c}": c for c in comparison.facts(data) if c != "group"}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        by = st.selectbox("Coloured by", list(names), format_func=names.get, key="embedding_colour", width=230)
        part = st.segmented_control(
            "Shown", list(PARTS), default="held", required=True, format_func=PARTS.get, key="embedding_part"
        )
        there = "synthetic" in drawn.arrays
        children = st.toggle(
            "Synthetic patches", key="embedding_children", disabled=not there,
            help="SSIM-SMOTE's, projected on the map and joined to anchor and neighbour."
            if there else "This map holds none: the run made none, or it was drawn before they were kept.",
        )  # fmt: skip
    return comparison.Look(by, part == "all", children and there)


def others(run) -> list:
    """The other runs on the chosen dataset."""
    return [other for other in state.choice().runs if other.name != run.name]


def everything(drawn, data, oof, summary: dict, heads: list[str]):
    """The map as a table: place, part, and every head's out-of-fold decision."""
    table = points.placed(data, oof, drawn.arrays, drawn.fold)
    for head in heads:
        found = points.with_decisions(table, oof, head, outcomes.thresholds_of(summary, head))
        table[[f"prob_{head}", f"outcome_{head}"]] = found[["prob", "outcome"]]
    return table.drop(columns=["row", "oof_row"])


def selection(data, run, oof, summary: dict, ids: list[str], heads: list[str]) -> None:
    """The patches selected on any map."""
    st.subheader("Selected patches", anchor=False)
    if not ids:
        st.markdown("Draw a lasso or a box on a map, or click a point: its patches appear here.")
        return
    head = summary["head"] if f"prob_{summary['head']}" in oof else heads[0]
    judged = outcomes.judged(oof, head, outcomes.thresholds_of(summary, head))
    table = judged[judged["id"].astype(str).isin(ids)].sort_values("prob", ascending=False, kind="stable")
    st.caption(
        f"{len(table):,} patches, out of fold, {escape_markdown(theme.head_title(head))}, highest probability first"
        + (f"; the first {MOST_SHOWN} are shown." if len(table) > MOST_SHOWN else ".")
    )
    cams = gallery.cams_of(run)
    look = gallery.look_controls(data, "embedding", cams)
    gallery.outcome_legend()
    gallery.gallery(data, table.head(MOST_SHOWN), look, "embedding", cams, caption=gallery.score_caption)
    downloads.download(table, f"{run.name}_selection", "Selected patches (CSV)")


main()
