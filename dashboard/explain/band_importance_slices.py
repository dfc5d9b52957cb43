"""Which bands the model needs for some of the patches: by outcome, by slice; and where in a patch (windows)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import streamlit as st

from core.analyses.bands.importance import BandImportance
from core.data.store import Dataset
from core.errors import LandslideLensError
from core.explain.bands.occlusion import Windows
from core.runs.store import RunFolder
from dashboard import cache, theme, url_state
from dashboard.explain import charts, looks, tables
from dashboard.explain.band_rows import band_rows
from dashboard.patches import gallery, outcomes
from dashboard.ui import downloads
from dashboard.ui.formatting import difference, escape_markdown

PART_COLOURS = {charts.OUTCOME_TITLES[name]: colour for name, colour in theme.OUTCOME.items()}


def by_part(data: Dataset, run: RunFolder, summary: dict, oof: pd.DataFrame, head: str, baseline: str) -> None:
    """Drops, or shares of groups, of each outcome or of each value of a column, next to each other."""
    st.header("By outcome and by slice", anchor=False)
    judged = outcomes.judged(oof, head, outcomes.thresholds_of(summary, head))
    facts = cache.patch_metadata(data, tuple(judged["id"].astype(str)))
    columns = ["outcome", *[c for c in facts.columns if c not in ("id", "group")]]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        by = url_state.choose(
            st.selectbox, "Split patches by", columns, key="explain_by", default="outcome", width=220,
            format_func=lambda c: c.replace("_", " "),
        )  # fmt: skip
        unit = url_state.choose(
            st.segmented_control, "Show", ["group", "band"], key="explain_by_unit", default="group", required=True,
            format_func={"group": "Groups of bands", "band": "Each band"}.get, label_visibility="collapsed",
        )  # fmt: skip
    parts = tables.outcome_parts(judged) if by == "outcome" else tables.slice_parts(judged, facts, by)
    try:
        rows = band_rows(run, head, baseline, unit, parts) if parts else None
    except LandslideLensError:
        rows = None
    if rows is None:
        st.markdown("Nothing to compare: too few patches in each group, or band importance was not measured.")
        return
    if unit == "band":
        rows = tables.titled(rows, data.bands).rename(columns={"title": "name", "drop_mean": "value"})
        title = "Score lost when the band is removed"
    else:
        rows = rows.assign(name=rows["group"].map(charts.capital), value=rows["shapley"])
        title = "Share of the score lost (Shapley values)"
    colours = PART_COLOURS if by == "outcome" else dict(zip(dict.fromkeys(rows["part"]), theme.FOLD, strict=False))
    downloads.show(charts.dots(rows, title, colours, [(0.0, "")], "+.3f"), key=f"explain_by_{by}_{unit}")
    counts = ", ".join(
        f"{escape_markdown(part)} n = {int(n):,}" for part, n in rows.groupby("part", sort=False)["n"].first().items()
    )
    st.caption(
        f"{counts}; out of fold, {escape_markdown(theme.head_title(head))}, 95% interval, groups kept "
        "together. Where intervals overlap, the difference is not settled."
    )
    downloads.download(rows, f"{run.name}_{by}_{unit}_{head}_{baseline}", "Parts (CSV)")


# --------------------------------------------------------------------------------------------------- windows


def windows(data: Dataset, measured: BandImportance) -> list[str]:
    """Patches whose windows were replaced; the ids shown."""
    if measured.windows is None:
        return []
    index, drops = measured.windows
    side = data.shape[1:]
    size = int(index["window"].iloc[0])
    over = Windows.over(*side, size, int(measured.report["options"]["stride"]))
    if (len(over.rows), len(over.columns)) != drops.shape[1:]:
        return []  # of an earlier time, with another stride
    st.header("Places in the patch (windows)", anchor=False)
    cells = np.clip(over.to_pixels(drops, *side), 0, None)
    cams = gallery.Cams(index.assign(fold=0), cells, {})
    look = replace(looks.look_popover(data, "explain_spatial", maps=False), opacity=0.75, heat="fold")  # one scale
    shown = index.assign(most=drops.reshape(len(drops), -1).max(axis=1)[index["row"].to_numpy(int)])
    gallery.gallery(
        data, shown, look, "explain_spatial", cams,
        caption=lambda row: f"p {row['p0']:.2f} · at most {difference(row['most'], 2)}",
    )  # fmt: skip
    st.caption(
        f"Bright: covering the place lowers the probability of {escape_markdown(data.positive)}. Windows of {size} px, "
        "every band replaced by its training mean; one scale for all, brightest from the mean peak on. "
        f"{escape_markdown(theme.head_title(str(index['head'].iloc[0])))}, out of fold, n = {len(index):,} patches "
        "drawn at random."
    )
    return shown["id"].astype(str).tolist()
