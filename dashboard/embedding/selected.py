"""The patches beside the map: those selected on it, or the wrong decisions while none are."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import pandas as pd
import streamlit as st

from core.data.bands import Composite
from core.data.store import Dataset
from core.runs.store import RunFolder
from dashboard import theme
from dashboard.embedding import controls, fidelity, map_panel, neighbours, points
from dashboard.embedding.projections import Drawn
from dashboard.patches import chosen as patches_chosen
from dashboard.patches import gallery, outcomes, tiles
from dashboard.patches.gallery import Look
from dashboard.ui import downloads
from dashboard.ui.formatting import escape_markdown

MOST_SHOWN = 36  # pictures of a selection
MOST_WRONG = 12  # pictures of wrong decisions
HEIGHT = 520  # of the pictures beside the map


def panel(run: RunFolder, data: Dataset, table: pd.DataFrame, ids: Sequence[str], way: Composite) -> list[str]:
    """Pictures beside the map; the ids shown. table: of the map; ids: selected on it."""
    look = Look(way)
    if not ids:
        return _wrong(data, table, look)
    chosen = table[table["id"].isin(list(ids))].sort_values("prob", ascending=False, kind="stable")
    if len(chosen) == 1:
        _one(data, chosen.iloc[0], look)
    elif len(chosen) == 2:
        _pair(data, chosen, look)
    else:
        _several(data, chosen, look)
    with st.container(horizontal=True, gap="small"):
        downloads.download(
            chosen.drop(columns=["row", "oof_row"]), f"{run.name}_selection", "CSV", key="embedding_selection_csv"
        )
        some = patches_chosen.Chosen(
            data, chosen["id"].tolist(), chosen.assign(label=chosen["label"].map(points.class_words(data))),
            partial(gallery.pictures, data, look=look),
        )  # fmt: skip
        for place, action in enumerate(patches_chosen.ACTIONS):
            action(some, f"embedding_action_{place}")
        st.button("Clear", icon=":material/close:", type="tertiary", key="embedding_clear", on_click=map_panel.clear)
    return chosen["id"].tolist()


def below(drawn: Drawn, head: str, data: Dataset, look: controls.Look, ids: Sequence[str]) -> list[str]:
    """The selected patches below several maps, by the decisions of one head; the ids shown."""
    if not ids:
        st.caption("Click a patch on a map, or draw a lasso, to see its picture.")
        return []
    st.markdown(f"**By the decisions of {fidelity.head_words(head)}**")
    return panel(drawn.run, data, map_panel.table_of(drawn, head, data, look), ids, look.composite)


def _wrong(data: Dataset, table: pd.DataFrame, look: Look) -> list[str]:
    """What the head got wrong, its surest mistakes first."""
    wrong = table[points.is_wrong(table)].sort_values("loss", ascending=False, kind="stable")
    st.markdown(f"**Wrong decisions** · {len(wrong):,} of {int((table['outcome'] != '').sum()):,}")
    st.caption(
        "Point at a patch on the map to see its picture. Click it, shift-click a second to compare, or draw a lasso."
    )
    if wrong.empty:
        st.markdown("No wrong decisions on this map.")
        return []
    shown = wrong.head(MOST_WRONG)
    with st.container(height=HEIGHT - 40, border=False):
        gallery.gallery(data, shown, look, "embedding_wrong", caption=_caption(data))
    return shown["id"].tolist()


def _one(data: Dataset, row: pd.Series, look: Look) -> None:
    patch_id = str(row["id"])
    _large(data, row, look)
    with st.container(horizontal=True, gap="small"):
        _open_card(patch_id)
        st.button(
            "Nearest neighbours", icon=":material/hub:", key="embedding_show_near", on_click=neighbours.ask,
            args=(patch_id,),
        )  # fmt: skip


def _pair(data: Dataset, chosen: pd.DataFrame, look: Look) -> None:
    """Two patches side by side."""
    st.markdown("**2 selected patches**")
    with st.grid(2, min_column_width=120, gap="small"):
        for _, row in chosen.iterrows():
            with st.container():
                _large(data, row, look)
                _open_card(str(row["id"]))


def _open_card(patch_id: str) -> None:
    st.button(
        "Open card", icon=":material/open_in_full:", key=f"embedding_open_{patch_id}", on_click=tiles.open_patch,
        args=(patch_id,),
    )  # fmt: skip


def _large(data: Dataset, row: pd.Series, look: Look) -> None:
    """A picture with label, probability and outcome."""
    patch_id = str(row["id"])
    st.markdown(f"**{escape_markdown(patch_id)}**")
    (rgb,) = gallery.pictures(data, [patch_id], look, side=512)
    with st.container(width=300):
        st.image(rgb, width="stretch", alt=f"Patch {patch_id}, {look.composite.name}", output_format="PNG")
    label = escape_markdown(points.class_words(data)[int(row["label"])])
    lines = [f"Label: **{label}**"]
    if row["prob"] == row["prob"]:
        lines.append(f"Probability of {escape_markdown(data.positive)}: **{row['prob']:.2f}**")
    if row["outcome"]:
        lines.append(f"Outcome: **{theme.OUTCOME_WORDS[row['outcome']]}**")
    st.markdown("  \n".join(lines))


def _several(data: Dataset, chosen: pd.DataFrame, look: Look) -> None:
    st.markdown(f"**{len(chosen):,} selected patches**")
    found = outcomes.counts(chosen)
    parts = [f"{theme.OUTCOME_WORDS[name]}: {found[name]:,}" for name in theme.OUTCOME_WORDS if found[name]]
    more = f" · first {MOST_SHOWN} shown" if len(chosen) > MOST_SHOWN else ""
    st.caption(" · ".join(parts) + more)
    with st.container(height=HEIGHT - 60, border=False):
        gallery.gallery(data, _decided(chosen.head(MOST_SHOWN)), look, "embedding", caption=_caption(data))


def _decided(table: pd.DataFrame) -> pd.DataFrame:
    """Without the outcome where some have none: a chip names it."""
    return table if (table["outcome"] != "").all() else table.drop(columns="outcome")


def _caption(data: Dataset):
    words = points.class_words(data)

    def caption(row: pd.Series) -> str:
        prob = f"p {row['prob']:.2f}" if row["prob"] == row["prob"] else ""
        kind = "" if row.get("outcome") else escape_markdown(words[int(row["label"])])  # a chip names the outcome
        return "\n".join(filter(None, [kind, prob]))

    return caption
