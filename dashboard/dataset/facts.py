"""The facts of a dataset: counts, class balance in every part of it, where it comes from, every band with its unit."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from core.data.by_class import balance, parts
from core.data.store import Dataset
from dashboard.charts import counts
from dashboard.dataset import charts as data_charts
from dashboard.ui import downloads
from dashboard.ui.formatting import escape_markdown

MOST_PARTS = 12  # drawn; the table has them all
PART_WORDS = {"split": "Split", "group": "Group", "source": "Source"}


def facts(data: Dataset) -> None:
    """Counts, balance, where it comes from, and every band with its unit."""
    if data.facts.get("simulated"):
        st.info("These patches are simulated: good for trying things out, silent about real ground.",
                icon=":material/science:")  # fmt: skip
    _counts(data)
    beside = st.grid(2, min_column_width=340, gap="medium")
    with beside.cell():
        st.subheader("Class balance", anchor=False)
        downloads.show(counts.class_counts({"patches": class_counts(data)}, data.positive), key="dataset_balance")
        st.caption(
            f"All {len(data):,} patches of {escape_markdown(data.name)}. "
            f"Positive class: {escape_markdown(data.positive)}."
        )
    with beside.cell():
        st.subheader("Where it comes from", anchor=False)
        st.dataframe(_origin(data), hide_index=True, width="stretch", height="content",
                     column_config={"Value": st.column_config.TextColumn(width="large")})  # fmt: skip
    _balance_by_part(data)
    st.subheader("Bands", anchor=False)
    bands = band_table(data)
    st.dataframe(bands, hide_index=True, width="stretch", height="content")
    st.caption("Statistics over all usable pixels of all patches, in the band's unit; q05 to q95 are quantiles.")
    with st.container(horizontal=True):
        downloads.download(lambda: label_table(data), f"{data.name}_labels", "Labels")
        downloads.download(bands, f"{data.name}_bands", "Bands and statistics")
    if data.facts:
        with st.expander("What else the source recorded"):
            st.json(data.facts, expanded=1)


def _counts(data: Dataset) -> None:
    by_class = class_counts(data)
    labelled = max(int((data.labels >= 0).sum()), 1)
    with st.grid(min_column_width=116):
        st.metric("Patches", f"{len(data):,}", border=True, height="stretch")
        st.metric(
            escape_markdown(data.positive), f"{by_class[data.positive]:,}", border=True, height="stretch",
            delta=f"{by_class[data.positive] / labelled:.1%}", delta_color="off", delta_arrow="off",
            help="The positive class, and its share of the labelled patches.",
        )  # fmt: skip
        st.metric("Bands", len(data.bands), border=True, height="stretch")
        height, width = data.shape[1:]
        side = f"{height}" if height == width else f"{height}×{width}"
        st.metric("Side (pixels)", side, border=True, height="stretch")
        groups = None if data.groups is None else len(set(data.groups.tolist()))
        st.metric("Groups", "none" if groups is None else f"{groups:,}", border=True, height="stretch",
                  help="Patches of one group (a scene, an event) stay in one fold.")  # fmt: skip
        st.metric("Masks", "yes" if data.has_masks else "none", border=True, height="stretch")
        placed = 0 if data.lonlat is None else int(np.isfinite(data.lonlat).all(axis=1).sum())
        st.metric("Coordinates", f"{placed:,}" if placed else "none", border=True, height="stretch")


def _balance_by_part(data: Dataset) -> None:
    """The share of the positive class in each part, by whatever tells the patches apart."""
    st.subheader("Balance by part", anchor=False)
    found = parts(data)
    if not found:
        st.markdown("Nothing tells these patches apart: the source named no split, no group and no further column.")
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.selectbox(
            "By",
            list(found),
            format_func=lambda key: PART_WORDS.get(key, escape_markdown(key)),
            key="dataset_part",
            width=260,
        )
    table = balance(data.labels, found[name], data.groups)
    overall = float((data.labels == 1).sum() / max((data.labels >= 0).sum(), 1))
    beside = st.grid(2, min_column_width=340, gap="medium")
    with beside.cell():
        downloads.show(
            data_charts.share_by_part(table.head(MOST_PARTS), overall, data.positive), key="dataset_part_chart"
        )
    with beside.cell():
        shown = table.assign(share=100 * table["share"], low=100 * table["low"], high=100 * table["high"])
        shown = shown.drop(columns=[] if table["unlabelled"].any() else ["unlabelled"])
        st.dataframe(
            shown.rename(columns={"value": PART_WORDS.get(name, name)}), hide_index=True, width="stretch",
            height="content" if len(table) <= 10 else 380,
            column_config={
                "patches": st.column_config.NumberColumn("Patches", format="localized"),
                "positive": st.column_config.NumberColumn(data.positive, format="localized"),
                "negative": st.column_config.NumberColumn(data.class_names[0], format="localized"),
                "unlabelled": st.column_config.NumberColumn("Unlabelled", format="localized"),
                "share": st.column_config.NumberColumn("Share", format="%.1f %%"),
                "low": st.column_config.NumberColumn("95 % from", format="%.1f %%"),
                "high": st.column_config.NumberColumn("to", format="%.1f %%"),
            },
        )  # fmt: skip
    more = f"; the {MOST_PARTS} largest of {len(table):,} are drawn" if len(table) > MOST_PARTS else ""
    one_sided = int(((table["positive"] == 0) | (table["negative"] == 0)).sum())
    st.caption(
        f"Share of {escape_markdown(data.positive)} of the labelled patches in each part, with 95 % interval (Wilson)"
        f"{more}. Dotted: the overall share, {overall:.1%}. {one_sided:,} of {len(table):,} parts hold one class only."
    )
    downloads.download(table, f"{data.name}_balance_by_{name}", "Balance by part")


def class_counts(data: Dataset) -> dict[str, int]:
    """Patches by class name, the positive one first; unlabelled ones where there are any."""
    counts = {data.positive: int((data.labels == 1).sum()), data.class_names[0]: int((data.labels == 0).sum())}
    unlabelled = int((data.labels == -1).sum())
    return counts | ({"unlabelled": unlabelled} if unlabelled else {})


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


def band_table(data: Dataset) -> pd.DataFrame:
    """A row a band: what it is, its unit, its statistics, how much of it is unusable."""
    rows = []
    for band, numbers in zip(data.bands, data.statistics, strict=True):
        row = {"Band": band.title, "Name": band.name, "Sensor": band.sensor, "Orbit": band.orbit, "Unit": band.unit}
        digits = 0 if max(abs(numbers["min"]), abs(numbers["max"])) >= 100 else 2
        row |= {key: round(numbers[key], digits) for key in ("min", "q05", "mean", "q50", "q95", "max", "std")}
        rows.append(row | {"Not finite": numbers.get("n_nonfinite"), "No data": numbers.get("n_nodata")})
    return pd.DataFrame(rows)


def label_table(data: Dataset) -> pd.DataFrame:
    """A row a patch: id, label, class, and whatever else the dataset says of it."""
    names = np.array([*data.class_names, ""], dtype=object)
    table = {"id": data.ids, "label": data.labels, "class": names[data.labels]}
    table |= {name: values for name, values in (("group", data.groups), ("split", data.split)) if values is not None}
    if data.lonlat is not None:
        table |= {"longitude": data.lonlat[:, 0], "latitude": data.lonlat[:, 1]}
    return pd.DataFrame(table | data.columns)
