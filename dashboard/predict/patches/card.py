"""The card of one predicted patch: answer, attention, each head's and fold's probability, nearest training patches."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from core.data.store import Dataset
from core.errors import LandslideLensError
from core.predict.triage import LANDSLIDE, LOOK, NO_DATA, OTHER
from core.runs.store import RunFolder
from dashboard import cache, theme
from dashboard.charts import intervals
from dashboard.patches import gallery, tiles
from dashboard.ui import downloads
from dashboard.ui.formatting import escape_markdown, number

PICTURE_PX = 420
NEAR_PX = 130
FOLD, NEAREST = "prob_fold_", "nearest_"
KNOWN = {
    "identical": "It is identical with a patch that the run learnt from.",
    "near": "It is nearly identical with a patch that the run learnt from.",
    "place": "It lies where a patch lies that the run learnt from.",
    "group": "It is of a group that the run learnt from.",
}


def show_opened(
    run: RunFolder, data: Dataset, cams: gallery.Cams, table: pd.DataFrame, facts: Mapping[str, Any]
) -> None:
    """Draw the card of the patch that the URL names, if it is one of the kept ones."""
    patch_id = st.query_params.get(gallery.PATCH)
    if not patch_id:
        return
    if patch_id not in set(data.ids.astype(str)):
        _close()
        return
    row = table[table["id"].astype(str) == patch_id].iloc[0]
    _dialog(run, data, cams, row, facts)


def _close() -> None:
    st.query_params.pop(gallery.PATCH, None)


@st.dialog("Predicted patch", width="large", on_dismiss=_close)
def _dialog(run: RunFolder, data: Dataset, cams: gallery.Cams, row: pd.Series, facts: Mapping[str, Any]) -> None:
    patch_id = str(row["id"])
    st.markdown(f"### {escape_markdown(gallery.short(patch_id, 60))}")
    st.markdown(in_words(row, facts))
    left, right = st.columns([PICTURE_PX, 620], gap="medium")
    with left:
        picture = st.container(gap="small")
        look = gallery.look_controls(data, "patch_card", cams, overlay=True, named=False)
        with picture:
            rgb = gallery.pictures(data, [patch_id], look, cams, side=2 * PICTURE_PX)[0]
            st.image(rgb, width=PICTURE_PX, alt=f"Patch {patch_id}, {look.composite.name}", output_format="PNG")
            if look.opacity:
                st.caption(attention_words(cams, patch_id))
    with right:
        _nearest(run, row, look)
        downloads.show(probabilities(row, facts, data.positive), key="patch_card_probs")
        st.caption(f"Bars: each head, the mean of the folds. {folds_in_words(row)}")


def in_words(row: pd.Series, facts: Mapping[str, Any]) -> str:
    """The answer and what it rests on, in Markdown."""
    answer, prob = str(row["answer"]), f"probability {number(row['prob'])}"
    if facts.get("triage"):
        edge = facts["triage"]["threshold"]
        why = {
            OTHER: f"every fold's model is below {number(edge)}, where the safety target clears it",
            LOOK: f"at least one fold's model is at {number(edge)} or above, so the safety target does not clear it",
            LANDSLIDE: "every fold's model is so sure that the safety target accepts it",
        }.get(answer, "")
    else:
        edge = facts["threshold"]
        why = f"{'at or above' if answer == LANDSLIDE else 'below'} the threshold {number(edge)}"
    known = KNOWN.get(str(row.get("known", "")), "")
    if answer == NO_DATA:
        return "**No data**: there is no answer."
    return f"**{answer.capitalize()}** · {prob}; {why}. {known}".strip()


def attention_words(cams: gallery.Cams, patch_id: str) -> str:
    """How strong the attention is, in Markdown."""
    if weak := gallery.weakness(cams, patch_id):
        return f"**{weak.capitalize()}**. Mean of the folds' maps, each as a share of strong evidence in its fold."
    return "Bright: evidence of a landslide. Mean of the folds' maps, each as a share of strong evidence in its fold."


def probabilities(row: pd.Series, facts: Mapping[str, Any], positive: str) -> Any:
    """Each head's probability, the headline's first, with its threshold."""
    head = str(facts["head"])
    probs = {head: float(row["prob"])}
    names = [name for name in row.index if name.startswith("prob_") and not name.startswith(FOLD)]
    for name in names:
        if name not in ("prob_at_prevalence", "prob_highest") and pd.notna(row[name]):
            probs[name.removeprefix("prob_")] = float(row[name])
    return intervals.head_probabilities(probs, {head: float(facts["threshold"])}, positive, "threshold")


def folds_in_words(row: pd.Series) -> str:
    """The folds' probabilities."""
    folds = [float(row[name]) for name in row.index if name.startswith(FOLD)]
    return f"Folds by the first of them: {', '.join(f'{one:.2f}' for one in folds)}." if folds else ""


def _nearest(run: RunFolder, row: pd.Series, look: gallery.Look) -> None:
    ids = [str(row[name]) for name in row.index if name.startswith(NEAREST) and row[name]]
    if not ids:
        return
    st.markdown(
        "**Nearest training patches**",
        help=f"Nearest first, in the embedding of {theme.fold_title(0)}'s network, among the patches it learnt from.",
    )
    try:
        own = cache.dataset(run.dataset_path())
        index = own.index_of(ids)
        plain = gallery.Look(look.composite, look.stretch, smooth=look.smooth)
        drawn = gallery.pictures(own, ids, plain)
    except (LandslideLensError, OSError):
        st.caption(escape_markdown(", ".join(ids)))
        return
    made = [
        tiles.tile(one, rgb, chip=tiles.class_chip(own, int(own.labels[at])), name=gallery.short(one))
        for one, rgb, at in zip(ids, drawn, index, strict=True)
    ]
    sent = tiles.payload(made, "Nearest training patches", px=NEAR_PX, columns=len(made))
    tiles.draw(sent, "patch_card_near", lambda patch_id: None)
