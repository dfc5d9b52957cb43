"""The map of one fold's embeddings: where patches lie, how its heads divide the plane, and how far to believe that."""

import numpy as np
import pandas as pd
import streamlit as st

from dashboard import cached, components, gallery, map_chart, outcomes, patch_card, theme, verdicts
from dashboard.components import literal
from dashboard.reading import needed

COLOURS = {
    "label": "Label",
    "outcome": "Outcome",
    "prob": "Probability",
    "part": "Training part or held out",
}
PARTS = {"held": "Held-out part", "all": "Training part too"}
PART_COLOURS = {"training part": theme.UNLABELLED, "held out": theme.NEGATIVE}
MOST_SHOWN = 36  # pictures of a selection


def main() -> None:
    st.title("Embedding")
    run = components.need_finished_run("how a trained network arranges the patches")
    data = components.need_dataset()
    oof, summary = needed(cached.oof, run), needed(cached.summary, run)
    folds = sorted(int(fold) for fold in oof["fold"].unique() if fold >= 0)
    with st.container(horizontal=True):
        fold = st.segmented_control(
            "Fold", folds, default=folds[0], required=True, format_func=theme.fold_title, key="embedding_fold",
            help="Five networks make five spaces: distances and neighbours mean something inside one fold only.",
        )  # fmt: skip
        colour = st.selectbox("Coloured by", list(COLOURS), format_func=COLOURS.get, key="embedding_colour", width=230)
        part = st.segmented_control(
            "Shown", list(PARTS), default="held", required=True, format_func=PARTS.get, key="embedding_part"
        )
    arrays, card = needed(cached.umap, run, fold)
    if len(arrays["xy"]) != len(data):
        st.error("This run's map has another number of patches than the dataset file: the file has changed since.")
        st.stop()
    heads = [head for head in card.get("heads", {}) if f"values_{head}" in arrays]
    chosen: list[str] = []
    grid = st.grid(2, min_column_width=400, gap="medium")
    for head in heads:
        with grid.cell():
            st.markdown(f"**{literal(theme.head_title(head))}**")
            table = placed(data, oof, summary, arrays, fold, head, part)
            chosen += drawn(table, arrays, head, colour, data, fold)
            st.caption(verdicts.map_fidelity(card["heads"][head]))
    st.caption(verdicts.map_story(int(arrays["train"].sum()), card, fold))
    selection(data, run, oof, summary, list(dict.fromkeys(chosen)), heads)


def placed(data, oof: pd.DataFrame, summary: dict, arrays: dict, fold: int, head: str, part: str) -> pd.DataFrame:
    """A row a patch on the map: place, part of the fold, and the out-of-fold decision of ``head``."""
    table = pd.DataFrame({"id": data.ids.astype(str), "x": arrays["xy"][:, 0], "y": arrays["xy"][:, 1]})
    table["training"] = arrays["train"].astype(bool)
    judged = outcomes.judged(oof, head, outcomes.thresholds_of(summary, head)) if f"prob_{head}" in oof else None
    if judged is not None:
        judged["id"] = judged["id"].astype(str)
        table = table.merge(judged[["id", "fold", "prob", "outcome"]], on="id", how="left")
    table["label"] = data.labels
    own = table["training"] | (table["fold"] == fold)  # unlabelled patches belong to neither part
    return table[own if part == "all" else own & ~table["training"]].reset_index(drop=True)


def drawn(table: pd.DataFrame, arrays: dict, head: str, colour: str, data, fold: int) -> list[str]:
    """Draw one head's map; the ids selected in it."""
    regions = map_chart.Regions(arrays["x"], arrays["y"], arrays[f"values_{head}"], arrays["near"].astype(bool))
    group, colours = grouping(table, colour, data)
    points = map_chart.Points(
        xy=table[["x", "y"]].to_numpy(), ids=table["id"].tolist(), hover=hover(table, data), group=group,
        value=table["prob"].to_numpy(float) if colour == "prob" else None,
        value_title=f"Probability of {data.positive}", small=table["training"].to_numpy(),
    )  # fmt: skip
    event = components.show(
        map_chart.boundary_map(points, colours, regions), key=f"embedding_map_{head}_{fold}_{colour}",
        on_select="rerun", selection_mode=("points", "box", "lasso"),
    )  # fmt: skip
    return map_chart.selected_ids(event)


def grouping(table: pd.DataFrame, colour: str, data) -> tuple[np.ndarray | None, dict[str, str]]:
    if colour == "label":
        names = {1: data.class_names[1], 0: data.class_names[0], -1: "unlabelled"}
        return table["label"].map(names).to_numpy(), {names[label]: theme.CLASS[label] for label in (0, 1, -1)}
    if colour == "outcome":
        words = table["outcome"].map(theme.OUTCOME_WORDS).fillna("not judged").to_numpy()
        return words, {theme.OUTCOME_WORDS[o]: theme.OUTCOME[o] for o in ("TN", "TP", "FP", "FN")}
    if colour == "part":
        return np.where(table["training"], "training part", "held out"), PART_COLOURS
    return None, {}


def hover(table: pd.DataFrame, data) -> list[str]:
    names = (*data.class_names, "unlabelled")
    return [
        f"{row.id} · {names[row.label]} · p {row.prob:.3f} out of fold" + (" · training part" if row.training else "")
        for row in table.itertuples()
    ]


def selection(data, run, oof: pd.DataFrame, summary: dict, ids: list[str], heads: list[str]) -> None:
    """The patches selected on either map."""
    st.subheader("Selected patches", anchor=False)
    if not ids:
        st.markdown("Draw a lasso or a box on a map, or click a point: its patches appear here.")
    else:
        head = summary["head"] if summary["head"] in heads else heads[0]
        judged = outcomes.judged(oof, head, outcomes.thresholds_of(summary, head))
        table = judged[judged["id"].astype(str).isin(ids)].sort_values("prob", ascending=False, kind="stable")
        st.caption(
            f"{len(table):,} patches, out of fold, {literal(theme.head_title(head))}, highest probability first"
            + (f"; the first {MOST_SHOWN} are shown." if len(table) > MOST_SHOWN else ".")
        )
        cams = gallery.cams_of(run)
        look = gallery.look_controls(data, "embedding", cams)
        gallery.outcome_legend()
        gallery.gallery(data, table.head(MOST_SHOWN), look, "embedding", cams, caption=gallery.score_caption)
        components.download(table, f"{run.name}_selection", "Selected patches (CSV)")
    patch_card.show_opened(data, run, ids)


main()
