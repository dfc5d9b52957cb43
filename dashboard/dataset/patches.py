"""The patches of a dataset as a gallery, filtered and paged; a click opens one with all its bands."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from core.data.store import Dataset
from dashboard import url_state
from dashboard.patches import card, gallery
from dashboard.ui import paging
from dashboard.ui.formatting import class_word, escape_markdown

PAGE_SIZES = (12, 24, 48, 96)


def patches(data: Dataset) -> None:
    """The gallery, filtered and paged; a click opens a patch with all its bands."""
    options = {"all": "All", 1: data.class_names[1], 0: data.class_names[0]}
    if (data.labels == -1).any():
        options[-1] = "unlabelled"
    found = st.container()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        wanted = url_state.choose(
            st.segmented_control, "Class", list(options), key="dataset_class", default="all", required=True,
            format_func=lambda k: escape_markdown(options[k]),
        )  # fmt: skip
        text = url_state.text("Id contains", key="dataset_id", width=180)
        size = url_state.choose(
            st.selectbox, "A page holds", PAGE_SIZES, key="dataset_size", default=PAGE_SIZES[1], width=130
        )
    rows = np.arange(len(data)) if wanted == "all" else np.flatnonzero(data.labels == wanted)
    if text:
        rows = rows[np.char.find(np.char.lower(data.ids[rows]), text.lower()) >= 0]
    if not len(rows):
        st.info("No matching patches. Choose another class, or clear the id.", icon=":material/search_off:")
        return
    table = pd.DataFrame({"id": data.ids[rows], "label": data.labels[rows]})
    page, number, pages = paging.of(table, "dataset_page", size)
    found.markdown(
        f"**{len(rows):,} of {len(data):,} patches**, page {number} of {pages}. Click a name to see all bands."
    )
    look = gallery.look_controls(data, "dataset_look")
    gallery.gallery(
        data, page, look, "dataset_gallery", caption=lambda row: class_word(data, int(row["label"])),
        ahead=paging.ahead(table, number, size),
    )  # fmt: skip
    with st.container(horizontal=True, horizontal_alignment="right"):
        paging.pages(pages, "dataset_page")
    card.show_opened(data, None, table["id"].tolist())
