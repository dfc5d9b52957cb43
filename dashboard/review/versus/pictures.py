"""The patches of one cell: both probabilities below each picture, and the attention of both runs side by side."""

from __future__ import annotations

from functools import partial

import pandas as pd
import streamlit as st

from core.data.store import Dataset
from core.review.judgements import Judgements
from core.runs.store import RunFolder
from core.text import counted
from dashboard import theme
from dashboard.patches import card, chosen, gallery, pair
from dashboard.review import judging
from dashboard.review import table as review_table
from dashboard.review.versus.asked import ITSELF, RELABELLED, Asked
from dashboard.ui import paging
from dashboard.ui.formatting import escape_markdown
from dashboard.ui.guards import or_stop

PAGE, SIZE = "versus_page", 12
ACTIONS: tuple[chosen.Action, ...] = (judging.judge_chosen, *chosen.ACTIONS)


def of_cell(run: RunFolder, other: RunFolder, data: Dataset, table: pd.DataFrame, asked: Asked) -> None:
    """The pictures. table: of ``core.review.versus.Versus``, in order."""
    cams = gallery.cams_of(run)
    theirs = gallery.cams_of(other) if asked.other not in (ITSELF, RELABELLED) else None
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        look = gallery.look_choices(data, "versus", cams, overlay=False, named=False)
    if table.empty:
        st.info("No patch is in this cell.", icon=":material/search_off:")
        return
    known = set(data.ids.tolist())
    seen = table[table["id"].isin(known)]
    listed = seen.rename(columns={"outcome_a": "outcome", "fold_a": "fold", "prob_a": "prob", "label_a": "label"})
    page, _, pages = paging.of(listed, PAGE, SIZE)
    words = partial(caption, data=data, relabelled=asked.other == RELABELLED)
    if look.opacity and theirs is not None and theirs.rows:
        pair.attention(data, page, look, (cams, theirs), "versus", words)
    else:
        gallery.gallery(data, page, look, "versus", cams, words, ACTIONS, "above", listed)
    if look.opacity:
        gallery.cam_legend(cams, look)
    paging.pages(pages, PAGE, width=340)
    if len(seen) < len(table):
        gone = counted(len(table) - len(seen), "patch is", "patches are")
        st.caption(f"{gone} not in the dataset file any more; the CSV holds all.")
    controls = partial(_controls, data, seen.set_index("id"), (cams, theirs), look, asked)
    card.show_opened(data, run, seen["id"].tolist(), asked.head, None, controls)


def caption(row: pd.Series, data: Dataset, relabelled: bool) -> str:
    """Both probabilities, or the probability and what became of the label."""
    if relabelled:
        before, after = (escape_markdown(data.class_names[int(row[name])]) for name in ("label_b", "label"))
        return f"p {row['prob']:.2f}\nlabelled {before}" + (f", now **{after}**" if before != after else "")
    return f"A **{row['prob']:.2f}** · B **{row['prob_b']:.2f}**"


def _controls(
    data: Dataset,
    rows: pd.DataFrame,
    cams: tuple[gallery.Cams, gallery.Cams | None],
    look: gallery.Look,
    asked: Asked,
    patch_id: str,
    order: list[str],
) -> None:
    """On the card: what both say, the attention of both, and the keys of judging."""
    if patch_id in rows.index and asked.other != RELABELLED:
        row = rows.loc[patch_id]
        st.caption(
            " · ".join(
                f"{side.upper()} says {row[f'prob_{side}']:.3f}: **{theme.OUTCOME_WORDS[row[f'outcome_{side}']]}**"
                for side in ("a", "b")
            )
        )
    if cams[1] is not None and all(patch_id in one.rows for one in cams):
        with st.expander("Attention of A and of B"):
            pair.two_attentions(data, patch_id, look, cams)
    said = or_stop(review_table.said_of, Judgements(data.path))
    tags = sorted({tag for entries in said.values() for entry in entries for tag in entry.tags})
    judging.card_controls(data, tags, patch_id, order)
