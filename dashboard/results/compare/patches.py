"""Patches that one of two decides rightly and the other does not, as pictures."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import streamlit as st

from core.data.bands import composites
from core.data.store import Dataset
from dashboard import url_state
from dashboard.patches import card, derived_bands, gallery, outcomes, pair
from dashboard.results.compare.sides import Side
from dashboard.review.versus.asked import ITSELF, Asked, open_versus
from dashboard.ui import downloads
from dashboard.ui.formatting import escape_markdown

SHOWN = 3
WORDS = {"fixed": "Fixed", "broken": "Broken"}


def patches_view(first: pd.DataFrame, second: pd.DataFrame, this: Side, other: Side, data: Dataset | None) -> None:
    """What the first has fixed and broken against the second. Both: tables of ``outcomes.judged``."""
    table = outcomes.against(first, second)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.header("Patches fixed and broken", anchor=False, width="stretch")
        cams = _both_maps(this, other, data)
    grid = st.grid(2, min_column_width=380, gap="medium")
    for versus, words in WORDS.items():
        rows = table[table["versus"] == versus].sort_values("confidence", ascending=False, kind="stable")
        with grid.cell():
            with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
                st.markdown(f"**{words} · {len(rows):,}**", width="content")
                if (
                    len(rows)
                    and other.is_run
                    and st.button(
                        "Open in Review", icon=":material/arrow_outward:", type="tertiary", key=f"compare_open_{versus}"
                    )
                ):
                    open_against(this, other, versus)
            st.caption(f"Right only with {escape_markdown((this if versus == 'fixed' else other).title)}.")
            _pictures(rows, versus, data, cams)
    changed = table[table["versus"].isin(WORDS)]
    downloads.download(changed, f"{this.run.name}_fixed_and_broken", "Fixed and broken (CSV)")
    if data is not None:
        card.show_opened(data, this.run, changed["id"].astype(str).tolist())


def open_against(this: Side, other: Side, cell: str = "") -> None:
    """Go to A against B of the Review page with these two. Does not return."""
    second = ITSELF if this.run.name == other.run.name else other.run.name
    open_versus(this.run, Asked(this.head, second, other.head), cell)


def _both_maps(this: Side, other: Side, data: Dataset | None) -> tuple[gallery.Cams, gallery.Cams] | None:
    """The attention maps of both runs, where both have some and they are wanted."""
    if data is None or this.run.name == other.run.name or not other.is_run:
        return None
    cams = gallery.cams_of(this.run), gallery.cams_of(other.run)
    if not all(one.rows for one in cams):
        return None
    words = "Each patch twice: left under the attention of this run, right of the other one."
    return cams if url_state.toggle("Attention of both", key="compare_attention", help=words) else None


def _pictures(
    rows: pd.DataFrame, versus: str, data: Dataset | None, cams: tuple[gallery.Cams, gallery.Cams] | None
) -> None:
    if rows.empty:
        st.caption("None.")
    elif data is None:
        st.caption(", ".join(escape_markdown(name) for name in rows["id"].head(12)))
    else:
        look = gallery.Look(composites(derived_bands.drawable(data.bands))[0])
        if cams is not None:
            seen = replace(look, opacity=gallery.OPACITY / 100)
            pair.attention(data, rows.head(SHOWN), seen, cams, f"compare_{versus}", gallery.score_caption)
            return
        gallery.gallery(data, rows.head(SHOWN), look, f"compare_{versus}", caption=gallery.score_caption)
