"""The card of one patch, opened by its id in the URL: picture, facts, probabilities, every band, band occlusion."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from core.data.bands import Composite
from core.data.store import Dataset
from core.errors import LandslideLensError
from core.explain.bands.replacements import BASELINES
from core.explain.cam.overlay import dead_maps
from core.runs.store import RunFolder
from dashboard import cache, theme
from dashboard.charts import base, intervals
from dashboard.patches import gallery, outcomes, render
from dashboard.patches.gallery import PATCH, Look
from dashboard.ui import downloads
from dashboard.ui.formatting import escape_markdown

BAND_PX = 100  # least width of a band's picture, CSS pixels


def _close() -> None:
    st.query_params.pop(PATCH, None)


def show_opened(data: Dataset, run: RunFolder | None, order: Sequence[str] = ()) -> None:
    """Draw the card of the patch that the URL names, if any. ``order``: the ids that "next" goes through."""
    patch_id = st.query_params.get(PATCH)
    if not patch_id:
        return
    if patch_id not in set(data.ids.tolist()):
        _close()
        st.warning(f"There is no patch “{escape_markdown(gallery.short(patch_id, 60))}” in this dataset.")
        return
    _dialog(data, run, [str(item) for item in order])


@st.dialog("Patch", width="large", on_dismiss=_close)
def _dialog(data: Dataset, run: RunFolder | None, order: list[str]) -> None:
    patch_id = st.query_params.get(PATCH)
    if patch_id is None:
        st.rerun()
    _stepper(patch_id, order)
    patch_card(data, run, patch_id)


def _stepper(patch_id: str, order: list[str]) -> None:
    if patch_id not in order or len(order) < 2:
        return
    place = order.index(patch_id)
    with st.container(horizontal=True, vertical_alignment="center"):
        for label, icon, to in (("Previous", "arrow_back", place - 1), ("Next", "arrow_forward", place + 1)):
            there = 0 <= to < len(order)
            st.button(
                label, icon=f":material/{icon}:", key=f"card_{label}", disabled=not there, on_click=gallery.open_patch,
                args=(order[to] if there else patch_id,),
            )  # fmt: skip
        st.caption(f"{place + 1:,} of {len(order):,} in the list behind", width="content")


def patch_card(data: Dataset, run: RunFolder | None, patch_id: str) -> None:
    """Everything known of one patch: picture, facts, heads' probabilities, every band, band occlusion."""
    row = int(data.index_of([patch_id])[0])
    cams = gallery.cams_of(run)
    scores = _scores(run, patch_id)
    st.markdown(_verdict(data, row, scores))
    look = gallery.look_controls(data, "card", cams, overlay=False)
    left, right = st.columns([5, 6], gap="medium")
    with left:
        rgb = gallery.pictures(data, [patch_id], look, cams, side=512)[0]
        st.image(rgb, width="stretch", alt=f"Patch {patch_id}, {look.composite.name}", output_format="PNG")
        cam = cams.of(patch_id)
        if look.opacity and cam is None:
            st.caption("No attention map: this patch was not held out in any fold.")
        elif look.opacity and dead_maps(cam[None])[0]:
            st.caption("Dead map: this layer shows no evidence of a landslide anywhere in the patch.")
        elif look.opacity:
            gallery.cam_legend(cams, look)
    with right:
        if scores is not None:
            downloads.show(
                intervals.head_probabilities(scores["probs"], scores["thresholds"], data.positive), key="card_heads"
            )
            st.caption(scores["sentence"])
        st.dataframe(_facts(data, row, scores), hide_index=True, width="stretch", height="content")
    _band_grid(data, row, look)
    _occlusion(data, run, patch_id, scores["head"] if scores else None)


def _scores(run: RunFolder | None, patch_id: str) -> dict | None:
    """Out-of-fold probability by head, each with its fold's threshold; None where the run has none for the patch."""
    if run is None:
        return None
    try:
        table, summary = run.oof(), run.summary()
    except LandslideLensError:
        return None
    rows = table[table["id"].astype(str) == patch_id]
    if rows.empty or int(rows.iloc[0]["fold"]) < 0:
        return None
    fold = int(rows.iloc[0]["fold"])
    probs = {head: float(rows.iloc[0][f"prob_{head}"]) for head in outcomes.heads_of(rows)}
    preds = {head: int(rows.iloc[0][f"pred_{head}"]) for head in probs}
    thresholds = {head: outcomes.thresholds_of(summary, head).get(fold, 0.5) for head in probs}
    called = sum(preds.values())
    return {
        "probs": probs, "preds": preds, "thresholds": thresholds, "fold": fold, "head": summary.get("head"),
        "sentence": f"Out of fold: by {theme.fold_title(fold)}'s network and heads, which did not see this patch "
        f"in training. {called} of {len(probs)} heads call it positive. Ticks: thresholds learnt on the other folds.",
    }  # fmt: skip


def _verdict(data: Dataset, row: int, scores: dict | None) -> str:
    label, name = int(data.labels[row]), f"**{escape_markdown(data.ids[row])}**"
    truth = "without a label" if label < 0 else f"labelled **{escape_markdown(data.class_names[label])}**"
    if scores is None or scores["head"] not in scores["probs"]:
        return f"{name} is {truth}."
    head = scores["head"]
    called = escape_markdown(data.class_names[scores["preds"][head]])
    right = "" if label < 0 else (" Right." if label == scores["preds"][head] else " **Wrong.**")
    return (
        f"{name} is {truth}; {escape_markdown(theme.head_title(head))} calls it **{called}** with probability "
        f"{scores['probs'][head]:.3f} of {escape_markdown(data.positive)} "
        f"(threshold {scores['thresholds'][head]:.3f}).{right}"
    )


def _facts(data: Dataset, row: int, scores: dict | None) -> pd.DataFrame:
    label = int(data.labels[row])
    facts = {"Id": data.ids[row], "Label": "none" if label < 0 else data.class_names[label]}
    if scores is not None:
        facts["Fold"] = scores["fold"] + 1
    if data.groups is not None:
        facts["Group"] = data.groups[row]
    if data.split is not None:
        facts["Split"] = data.split[row]
    if data.lonlat is not None:
        facts["Longitude, latitude (°)"] = "{:.5f}, {:.5f}".format(*data.lonlat[row])
    facts |= {name: values[row] for name, values in data.columns.items()}
    return pd.DataFrame({"Fact": list(facts), "Value": [str(value) for value in facts.values()]})


def _band_grid(data: Dataset, row: int, look: Look) -> None:
    """Every band in greys, with what black and white stand for."""
    st.markdown("**Every band**")
    image = cache.images(data, [row])[0]
    limits = render.patch_limits(image) if look.stretch == "patch" else render.dataset_limits(data.statistics)
    with st.grid(6, min_column_width=BAND_PX, gap="small", key="card_bands"):
        for band, (low, _, high) in zip(data.bands, limits, strict=True):
            single = Composite(band.title, (band.name,))
            rgb = render.picture(image, data.band_names, single, limits, side=192)
            with st.container(gap=None):
                st.image(rgb, width="stretch", alt=f"Band {band.title}", output_format="PNG")
                st.caption(f"{escape_markdown(band.label)}  \n{_value(low)} to {_value(high)}")


def _value(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}".replace("-", "−")


def _occlusion(data: Dataset, run: RunFolder | None, patch_id: str, first: str | None) -> None:
    """What this patch's probability loses band by band, by the head ``first`` unless another is chosen."""
    try:
        table = run.occlusion() if run else None
    except LandslideLensError:
        table = None
    if table is None:
        return
    mine = table[table["id"].astype(str) == patch_id]
    if mine.empty:
        return
    st.markdown("**Without one band**")
    with st.container(horizontal=True):
        heads = _unique(mine["head"])
        head = st.selectbox(
            "Head", heads, index=heads.index(first) if first in heads else 0, format_func=theme.head_title,
            key="card_occ_head", width=240,
        )  # fmt: skip
        baseline = st.selectbox(
            "Band replaced by", _unique(mine["baseline"]), format_func=lambda b: BASELINES.get(b, b),
            key="card_occ_baseline", width=240,
        )  # fmt: skip
    rows = mine[(mine["head"] == head) & (mine["baseline"] == baseline)]
    if rows.empty:
        return
    bands = {band.name: band for band in data.bands}
    bars = pd.DataFrame(
        {
            "band": rows["band"],
            "title": [bands[name].title if name in bands else name for name in rows["band"]],
            "family": [bands[name].family if name in bands else "other" for name in rows["band"]],
            "drop": rows["p0"] - rows["p_b"],
        }
    )
    title = f"Drop of the probability of {base.escape_html(data.positive)}"
    downloads.show(intervals.occlusion_bars(bars, title), key="card_occlusion")
    st.caption(
        f"One patch, {theme.fold_title(rows['fold'].iloc[0])}'s network, {escape_markdown(theme.head_title(head))}: "
        f"{rows['p0'].iloc[0]:.3f} before, minus the probability with the band replaced by "
        f"{escape_markdown(BASELINES.get(baseline, baseline))}. "
        "Below 0: without the band, the patch looks more like a landslide."
    )


def _unique(values: pd.Series) -> list[str]:
    return list(dict.fromkeys(values.astype(str)))
