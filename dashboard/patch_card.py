"""Patches on a page: how to look at them, a gallery of them, and the card of one, opened by its id in the URL.

Comes in: an open dataset, a run or none, tables with patch ids. It draws with Streamlit and computes nothing but
pictures (``patch_view``) and figures (``charts``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import streamlit as st

from core.data.bands import Composite, composites
from core.data.store import Dataset
from core.errors import LandslideLensError
from core.explain.maps import dead_maps
from core.runs.store import RunFolder
from dashboard import cached, charts, components, outcomes, patch_view, theme

PATCH = "patch"  # name in the URL
TILE_PX = 140  # least width of a picture in a gallery, CSS pixels
BAND_PX = 100
STRETCHES = {"dataset": "Same for all patches", "patch": "Each patch by itself"}
HEATS = {"patch": "Each map by itself", "fold": "Same for all maps of a fold"}
BASELINES = {"mean": "the band's training mean", "zero_raw": "0 in the band's unit"}


@dataclass(frozen=True)
class Look:
    """How patches are drawn: composite, stretch (``STRETCHES``), Grad-CAM's opacity (0: none) and scale (``HEATS``)."""

    composite: Composite
    stretch: str = "dataset"
    opacity: float = 0.0
    heat: str = "patch"
    mask: bool = False
    smooth: bool = False


@dataclass(frozen=True)
class Cams:
    """A run's out-of-fold Grad-CAM maps by patch id; empty where the run has none."""

    rows: dict[str, int]
    maps: np.ndarray  # (N, h, w) float32, raw
    card: dict
    fold_of: np.ndarray  # (N,) of the maps

    def of(self, patch_id: str) -> np.ndarray | None:
        """The raw map (h, w) of a patch, or None."""
        row = self.rows.get(patch_id)
        return None if row is None else self.maps[row]

    def top_of(self, patch_id: str) -> float | None:
        """The brightest value among the maps of this patch's fold: networks of different folds have other scales."""
        row = self.rows.get(patch_id)
        if row is None:
            return None
        own = self.maps[self.fold_of == self.fold_of[row]]
        return float(np.max(own, where=np.isfinite(own), initial=0.0))


def cams_of(run: RunFolder | None) -> Cams:
    """The run's Grad-CAM maps; none where it has none yet or they cannot be read."""
    nothing = Cams({}, np.empty((0, 1, 1), np.float32), {}, np.empty(0, int))
    if run is None:
        return nothing
    try:
        index, maps, card = cached.cams(run)
    except LandslideLensError:
        return nothing
    rows = index["row"].to_numpy(int)
    fold_of = np.empty(len(maps), int)
    fold_of[rows] = index["fold"].to_numpy(int)
    return Cams(dict(zip(index["id"].astype(str), rows.tolist(), strict=True)), maps, card, fold_of)


# ----------------------------------------------------------------------------------------------------- pictures


def look_controls(data: Dataset, key: str, cams: Cams | None = None, overlay: bool = False) -> Look:
    """The choices of how to look, in one row; Grad-CAM and masks are offered where they exist."""
    ways = {way.name: way for way in composites(data.bands)}
    opacity, heat, mask = 0.0, "patch", False
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.selectbox("Shown as", list(ways), key=f"{key}_composite", width=300)
        if cams is not None and cams.rows and st.toggle("Grad-CAM", value=overlay, key=f"{key}_cam"):
            opacity = st.slider("Opacity", 0, 100, 70, 5, format="%d %%", key=f"{key}_opacity", width=150) / 100
        with st.popover("Picture", icon=":material/tune:", key=f"{key}_more"):
            stretch = st.radio(
                "Black to white", list(STRETCHES), format_func=STRETCHES.get, key=f"{key}_stretch",
                help="From the 2nd to the 98th percentile of the band: over the dataset, or over the patch alone.",
            )  # fmt: skip
            if opacity:
                heat = st.radio("Grad-CAM's brightest", list(HEATS), format_func=HEATS.get, key=f"{key}_heat")
            if data.has_masks:
                mask = st.toggle("Outline of the mask", key=f"{key}_mask")
            smooth = st.toggle("Smooth between pixels", key=f"{key}_smooth")
    return Look(ways[name], stretch, opacity, heat, mask, smooth)


def pictures(
    data: Dataset, ids: Sequence[str], look: Look, cams: Cams | None = None, side: int = patch_view.PICTURE_PX
) -> list[np.ndarray]:
    """Each patch as an RGB picture (side, side x W/H, 3) uint8. Raises DataError for unknown ids."""
    rows = data.index_of(ids)
    images = cached.images(data, rows)
    masks = cached.masks(data, rows) if look.mask else None
    shared = patch_view.dataset_limits(data.statistics)
    drawn = []
    for place, (patch_id, image) in enumerate(zip(ids, images, strict=True)):
        limits = patch_view.patch_limits(image, data.nodata) if look.stretch == "patch" else shared
        rgb = patch_view.picture(image, data.band_names, look.composite, limits, data.nodata, side, look.smooth)
        cam = cams.of(str(patch_id)) if cams is not None and look.opacity else None
        if cam is not None:
            top = cams.top_of(str(patch_id)) if look.heat == "fold" else None
            rgb = patch_view.overlay(rgb, cam, look.opacity, top)
        if masks is not None:
            rgb = patch_view.outline(rgb, masks[place])
        drawn.append(rgb)
    return drawn


def gallery(
    data: Dataset,
    table: pd.DataFrame,
    look: Look,
    key: str,
    cams: Cams | None = None,
    caption: Callable[[pd.Series], str] | None = None,
    lead: tuple[np.ndarray, str] | None = None,
) -> None:
    """Pictures that wrap with the width of the page; each opens its patch card.

    ``table``: id, and outcome where known (its colour underlines the picture). ``caption`` makes a line of Markdown
    from a row; what a user wrote in it must have passed :func:`components.literal`. ``lead``: a picture of something
    else, such as a mean, with its caption, that stands first.
    """
    ids = [str(patch_id) for patch_id in table["id"]]
    drawn = pictures(data, ids, look, cams)
    with st.grid(min_column_width=TILE_PX, gap="small", key=f"{key}_gallery"):
        if lead is not None:
            with st.container(gap=None):
                st.image(lead[0], width="stretch", alt="Mean map", output_format="PNG")
                st.caption(lead[1])
        for (_, row), patch_id, rgb in zip(table.iterrows(), ids, drawn, strict=True):
            if "outcome" in row:
                rgb = patch_view.underline(rgb, theme.OUTCOME[row["outcome"]])
            with st.container(gap=None):
                st.image(rgb, width="stretch", alt=f"Patch {patch_id}", output_format="PNG")
                st.button(
                    components.literal(_short(patch_id)), key=f"{key}_open_{patch_id}", type="tertiary",
                    help=f"Open {components.literal(patch_id)}", on_click=open_patch, args=(patch_id,),
                    icon=":material/open_in_full:",
                )  # fmt: skip
                if caption:
                    st.caption(caption(row))


def outcome_legend() -> None:
    """What the colours under the pictures mean."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        for outcome in outcomes.OUTCOMES:
            with st.container(horizontal=True, vertical_alignment="center", gap="xxsmall", width="content"):
                st.image(patch_view.swatch(theme.OUTCOME[outcome]), width=14, alt="")
                st.caption(theme.OUTCOME_WORDS[outcome], width="content")


def cam_legend(cams: Cams, look: Look) -> None:
    """The heat scale, and which layer, size and head the maps speak of."""
    whose = "the patch's" if look.heat == "patch" else "the fold's"
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption("no evidence", width="content")
        st.image(patch_view.legend(), width=160, alt="Heat scale from dark (no evidence) to light (most evidence)")
        st.caption(f"{whose} strongest evidence", width="content")
    st.caption(cam_sentence(cams))


def cam_sentence(cams: Cams) -> str:
    """Which network, layer, size and target the Grad-CAM maps come from."""
    card, (height, width) = cams.card, cams.maps.shape[1:]
    return (
        f"Grad-CAM of the network's own classifier ({theme.head_title('fc').lower()} head) for "
        f"{components.literal(card.get('target', 'the positive class'))}, layer "
        f"{components.literal(card.get('layer', 'unknown'))}, {height}×{width} cells, by the network of the patch's "
        "own fold, which has not trained on it."
    )


def _short(text: str, most: int = 18) -> str:
    return text if len(text) <= most else f"{text[: most // 2]}…{text[-most // 2 + 1 :]}"


# ------------------------------------------------------------------------------------------------- the patch card


def open_patch(patch_id: str) -> None:
    """Callback: name the patch in the URL; :func:`show_opened` draws its card."""
    st.query_params[PATCH] = patch_id


def _close() -> None:
    st.query_params.pop(PATCH, None)


def show_opened(data: Dataset, run: RunFolder | None, order: Sequence[str] = ()) -> None:
    """Draw the card of the patch that the URL names, if any. ``order``: the ids that "next" goes through."""
    patch_id = st.query_params.get(PATCH)
    if not patch_id:
        return
    if patch_id not in set(data.ids.tolist()):
        _close()
        st.warning(f"There is no patch “{components.literal(_short(patch_id, 60))}” in this dataset.")
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
                label, icon=f":material/{icon}:", key=f"card_{label}", disabled=not there, on_click=open_patch,
                args=(order[to] if there else patch_id,),
            )  # fmt: skip
        st.caption(f"{place + 1:,} of {len(order):,} in the list behind", width="content")


def patch_card(data: Dataset, run: RunFolder | None, patch_id: str) -> None:
    """Everything known of one patch: picture, facts, heads' probabilities, every band, band occlusion."""
    row = int(data.index_of([patch_id])[0])
    cams = cams_of(run)
    scores = _scores(run, patch_id)
    st.markdown(_verdict(data, row, scores))
    look = look_controls(data, "card", cams, overlay=False)
    left, right = st.columns([5, 6], gap="medium")
    with left:
        rgb = pictures(data, [patch_id], look, cams, side=512)[0]
        st.image(rgb, width="stretch", alt=f"Patch {patch_id}, {look.composite.name}", output_format="PNG")
        cam = cams.of(patch_id)
        if look.opacity and cam is None:
            st.caption("No Grad-CAM map of this patch: it was out of no fold.")
        elif look.opacity and dead_maps(cam[None])[0]:
            st.caption("Dead map: the layer holds no evidence for landslide anywhere in this patch.")
        elif look.opacity:
            cam_legend(cams, look)
    with right:
        if scores is not None:
            components.show(
                charts.head_probabilities(scores["probs"], scores["thresholds"], data.positive), key="card_heads"
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
        table, summary = cached.oof(run), cached.summary(run)
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
        "sentence": f"Out of fold: by {theme.fold_title(fold)}'s network and heads, which have not trained on this "
        f"patch. {called} of {len(probs)} heads call it positive; ticks: thresholds learnt on the other folds.",
    }  # fmt: skip


def _verdict(data: Dataset, row: int, scores: dict | None) -> str:
    label, name = int(data.labels[row]), f"**{components.literal(data.ids[row])}**"
    truth = "without a label" if label < 0 else f"labelled **{components.literal(data.class_names[label])}**"
    if scores is None or scores["head"] not in scores["probs"]:
        return f"{name} is {truth}."
    head = scores["head"]
    called = components.literal(data.class_names[scores["preds"][head]])
    right = "" if label < 0 else (" Right." if label == scores["preds"][head] else " **Wrong.**")
    return (
        f"{name} is {truth}; {components.literal(theme.head_title(head))} calls it **{called}** with probability "
        f"{scores['probs'][head]:.3f} of {components.literal(data.positive)} "
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
    image = cached.images(data, [row])[0]
    limits = (
        patch_view.patch_limits(image, data.nodata)
        if look.stretch == "patch"
        else patch_view.dataset_limits(data.statistics)
    )
    with st.grid(6, min_column_width=BAND_PX, gap="small", key="card_bands"):
        for band, (low, _, high) in zip(data.bands, limits, strict=True):
            single = Composite(band.title, (band.name,))
            rgb = patch_view.picture(image, data.band_names, single, limits, data.nodata, side=192)
            with st.container(gap=None):
                st.image(rgb, width="stretch", alt=f"Band {band.title}", output_format="PNG")
                st.caption(f"{components.literal(band.label)}  \n{_value(low)} to {_value(high)}")


def _value(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}".replace("-", "−")


def _occlusion(data: Dataset, run: RunFolder | None, patch_id: str, first: str | None) -> None:
    """What this patch's probability loses band by band, by the head ``first`` unless another is chosen."""
    try:
        table = cached.occlusion(run) if run else None
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
    title = f"Drop of the probability of {charts.plain(data.positive)}"
    components.show(charts.occlusion_bars(bars, title), key="card_occlusion")
    st.caption(
        f"One patch, {theme.fold_title(rows['fold'].iloc[0])}'s network, {components.literal(theme.head_title(head))}: "
        f"{rows['p0'].iloc[0]:.3f} before, minus the probability with the band replaced by {BASELINES[baseline]}. "
        "Below 0: without the band it looks more like a landslide."
    )


def _unique(values: pd.Series) -> list[str]:
    return list(dict.fromkeys(values.astype(str)))
