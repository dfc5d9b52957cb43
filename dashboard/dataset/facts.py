"""The facts of a dataset: a sentence, patches of each class, balance in every part of it, every band with its unit."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from core.data.bands import composites
from core.data.by_class import balance, drawn_rows, parts
from core.data.store import Dataset
from core.wording import datasets
from core.wording.datasets import band_table, class_counts, short_band_table
from dashboard import url_state
from dashboard.charts import counts
from dashboard.dataset import charts as data_charts
from dashboard.patches import card, gallery
from dashboard.ui import downloads
from dashboard.ui.formatting import MARKDOWN, class_word, escape_markdown

EXAMPLES = 6  # patches of each class
MOST_PARTS = 12  # drawn; the table has them all
PART_WORDS = {"split": "Split", "group": "Group", "source": "Source"}


def facts(data: Dataset) -> None:
    """A sentence, six patches of each class, the counts, then the tables."""
    st.markdown(sentence(data))
    _examples(data)
    _counts(data)
    _balance_by_part(data)
    st.header("Bands", anchor=False)
    downloads.table(short_band_table(data), hide_index=True, width="stretch", height="content")
    st.caption(
        "All usable pixels of all patches, in the band's unit; 5% and 95% are quantiles.",
        help="Standard deviations and the pixels without a usable value are in the download.",
    )
    with st.expander("Where it comes from"):
        downloads.show(counts.class_counts({"patches": class_counts(data)}, data.positive), key="dataset_balance")
        downloads.table(_origin(data), hide_index=True, width="stretch", height="content",
                     column_config={"Value": st.column_config.TextColumn(width="large")})  # fmt: skip
        if data.facts:
            st.json(data.facts, expanded=False)
    with st.container(horizontal=True):
        downloads.download(lambda: label_table(data), f"{data.name}_labels", "Labels")
        downloads.download(lambda: band_table(data), f"{data.name}_bands", "Bands and statistics")
    card.show_opened(data, None)


def sentence(data: Dataset) -> str:
    """``core.wording.datasets.sentence``, as Markdown."""
    return datasets.sentence(data, MARKDOWN)


def _examples(data: Dataset) -> None:
    """Six patches of each class, drawn at random with a fixed seed."""
    look = gallery.Look(composites(data.bands)[0])
    for label in (1, 0) if (data.labels >= 0).any() else (-1,):
        chosen = data.ids[drawn_rows(data.labels, label, EXAMPLES, 0)].tolist()
        if chosen:
            st.markdown(f"**{class_word(data, label)}**")
            gallery.gallery(data, pd.DataFrame({"id": chosen}), look, f"facts_{label}", columns=EXAMPLES)


def _counts(data: Dataset) -> None:
    """What a training asks for: groups, masks, places."""
    groups = None if data.groups is None else len(set(data.groups.tolist()))
    placed = 0 if data.lonlat is None else int(np.isfinite(data.lonlat).all(axis=1).sum())
    with st.grid(min_column_width=150):
        st.metric("Patches", f"{len(data):,}", border=True, height="stretch")
        st.metric("Groups", "none" if groups is None else f"{groups:,}", border=True, height="stretch",
                  help="Patches of one group (a scene, an event) stay in one fold.")  # fmt: skip
        st.metric("Masks", "yes" if data.has_masks else "none", border=True, height="stretch")
        st.metric("Coordinates", f"{placed:,}" if placed else "none", border=True, height="stretch")


def _balance_by_part(data: Dataset) -> None:
    """The share of the positive class in each part, by whatever tells the patches apart."""
    st.header("Balance by part", anchor=False)
    found = parts(data)
    if not found:
        st.markdown("Nothing tells these patches apart: the source named no split, no group and no further column.")
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = url_state.choose(
            st.selectbox, "By", list(found), key="dataset_part", default=next(iter(found)), width=260,
            format_func=lambda key: PART_WORDS.get(key, escape_markdown(key)),
        )  # fmt: skip
    table = balance(data.labels, found[name], data.groups)
    overall = float((data.labels == 1).sum() / max((data.labels >= 0).sum(), 1))
    beside = st.grid(2, min_column_width=340, gap="medium")
    with beside.cell():
        downloads.show(
            data_charts.share_by_part(table.head(MOST_PARTS), overall, data.positive), key="dataset_part_chart"
        )
    with beside.cell():
        shown = table.assign(share=100 * table["share"]).drop(columns=["low", "high"])
        shown = shown.drop(columns=[] if table["unlabelled"].any() else ["unlabelled"])
        downloads.table(
            shown.rename(columns={"value": PART_WORDS.get(name, name)}), hide_index=True, width="stretch",
            height="content" if len(table) <= 10 else 380,
            column_config={
                "patches": st.column_config.NumberColumn("Patches", format="localized"),
                "positive": st.column_config.NumberColumn(data.positive, format="localized"),
                "negative": st.column_config.NumberColumn(data.class_names[0], format="localized"),
                "unlabelled": st.column_config.NumberColumn("Unlabelled", format="localized"),
                "share": st.column_config.NumberColumn("Share", format="%.1f%%"),
            },
        )  # fmt: skip
    more = f"; the {MOST_PARTS} largest of {len(table):,} are drawn" if len(table) > MOST_PARTS else ""
    one_sided = int(((table["positive"] == 0) | (table["negative"] == 0)).sum())
    st.caption(
        f"Share of {escape_markdown(data.positive)} of the labelled patches in each part, with 95% interval (Wilson)"
        f"{more}. Dotted: the overall share, {overall:.1%}. {one_sided:,} of {len(table):,} parts hold one class only."
    )
    downloads.download(table, f"{data.name}_balance_by_{name}", "Balance by part")


def _origin(data: Dataset) -> pd.DataFrame:
    rows = {
        "Source": data.source or "not stated",
        "Licence": data.licence or "not stated",
        "Positive class": data.positive,
        "Other class": data.class_names[0],
        "No-data value": "none" if data.nodata is None else f"{data.nodata:g} in all bands",
        "Kept as": str(data.dtype),
        "Content hash": data.content_hash,
        "File": str(data.path),
    }
    return pd.DataFrame({"Fact": list(rows), "Value": list(rows.values())})


def label_table(data: Dataset) -> pd.DataFrame:
    """A row a patch: id, label, class, and whatever else the dataset says of it."""
    names = np.array([*data.class_names, ""], dtype=object)
    table = {"id": data.ids, "label": data.labels, "class": names[data.labels]}
    table |= {name: values for name, values in (("group", data.groups), ("split", data.split)) if values is not None}
    if data.lonlat is not None:
        table |= {"longitude": data.lonlat[:, 0], "latitude": data.lonlat[:, 1]}
    return pd.DataFrame(table | data.columns)
