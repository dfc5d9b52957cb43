"""The embeddings of one fold in the plane: where patches lie, how heads divide it, and how far to believe that."""

import streamlit as st

from dashboard import state, theme
from dashboard.embedding import comparison, neighbours, new_patches, points, projections
from dashboard.patches import card, gallery, outcomes
from dashboard.ui import downloads, guards
from dashboard.ui.formatting import escape_markdown
from dashboard.ui.guards import or_stop
from dashboard.ui.view_switch import view_switch

VIEWS = {"heads": "Heads side by side", "runs": "Two runs side by side"}
PARTS = {"held": "Held-out part", "all": "Training part too"}
MOST_SHOWN = 36  # pictures of a selection


def main() -> None:
    st.title("Embedding")
    run = guards.need_finished_run("how a trained network arranges the patches", shows_patches=False)
    data = guards.need_dataset()
    oof, summary = or_stop(run.oof), or_stop(run.summary)
    view = view_switch("embedding", VIEWS, "heads")
    folds = sorted(int(fold) for fold in oof["fold"].unique() if fold >= 0)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        fold = st.segmented_control(
            "Fold", folds, default=folds[0], required=True, format_func=theme.fold_title, key="embedding_fold",
            help="Each fold's network has its own space: distances and neighbours are meaningful only within it.",
        )  # fmt: skip
        drawn = or_stop(projections.chosen, run, fold)
    projections.progress(run)
    if len(drawn.arrays["xy"]) != len(data):
        st.error("The dataset file has changed since this run was trained: its number of patches is another one now.")
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
    name = f"{run.name}_projection_{fold}"
    downloads.download(lambda: everything(drawn, data, oof, summary, heads), name, "Projection (CSV)")
    selection(data, run, oof, summary, ids, heads)
    near = neighbours.neighbours(drawn, data, ids, (shown or heads)[0])
    new_patches.new_patches(drawn, data)
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
        has_synthetic = "synthetic" in drawn.arrays
        synthetic = st.toggle(
            "Synthetic patches", key="embedding_synthetic", disabled=not has_synthetic,
            help="Made by SSIM-SMOTE; each is joined to its anchor and neighbour."
            if has_synthetic else "This projection has none: the run made none, or an earlier version kept none.",
        )  # fmt: skip
    return comparison.Look(by, part == "all", synthetic and has_synthetic)


def others(run) -> list:
    """The other runs on the chosen dataset."""
    return [other for other in state.choice().runs if other.name != run.name]


def everything(drawn, data, oof, summary: dict, heads: list[str]):
    """The projection as a table: place, part, and every head's out-of-fold decision."""
    table = points.placed(data, oof, drawn.arrays, drawn.fold)
    for head in heads:
        decided = points.with_decisions(table, oof, head, outcomes.thresholds_of(summary, head))
        table[[f"prob_{head}", f"outcome_{head}"]] = decided[["prob", "outcome"]]
    return table.drop(columns=["row", "oof_row"])


def selection(data, run, oof, summary: dict, ids: list[str], heads: list[str]) -> None:
    """The patches selected on any of the projections."""
    st.subheader("Selected patches", anchor=False)
    if not ids:
        st.markdown("Draw a lasso or a box on a chart, or click a point, to see its patches here.")
        return
    head = summary["head"] if f"prob_{summary['head']}" in oof else heads[0]
    judged = outcomes.judged(oof, head, outcomes.thresholds_of(summary, head))
    table = judged[judged["id"].astype(str).isin(ids)].sort_values("prob", ascending=False, kind="stable")
    st.caption(
        f"{len(table):,} patches, by {escape_markdown(theme.head_title(head))}, out of fold, most probable first"
        + (f"; showing the first {MOST_SHOWN}." if len(table) > MOST_SHOWN else ".")
    )
    cams = gallery.cams_of(run)
    look = gallery.look_controls(data, "embedding", cams)
    gallery.outcome_legend()
    gallery.gallery(data, table.head(MOST_SHOWN), look, "embedding", cams, caption=gallery.score_caption)
    downloads.download(table, f"{run.name}_selection", "Selected patches (CSV)")


main()
