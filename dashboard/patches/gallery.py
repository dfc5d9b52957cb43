"""Patches as a gallery: how to look at them, pictures of many, legends, and the click that opens one.

The card of one patch is drawn by ``dashboard.patches.card``.
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
from core.runs.store import RunFolder
from dashboard import cache, theme
from dashboard.patches import band_values, derived_bands, outcomes, render
from dashboard.ui.formatting import escape_markdown
from dashboard.ui.messages import show_error

PATCH = "patch"  # name in the URL
TILE_PX = 140  # least width of a picture in a gallery, CSS pixels
STRETCHES = {"dataset": "Same for all patches", "patch": "Each patch by itself"}
METHOD_WORDS = {
    "gradcam": "Grad-CAM",
    "gradcam++": "Grad-CAM++",
    "xgradcam": "XGrad-CAM",
    "layercam": "Layer-CAM",
    "eigencam": "Eigen-CAM",
    "scorecam": "Score-CAM",
    "ablationcam": "Ablation-CAM",
}
HEATS = {"patch": "Each map by itself", "fold": "Same for all maps of a fold"}


@dataclass(frozen=True)
class Look:
    """How patches are drawn: composite, stretch (``STRETCHES``), maps' opacity (0: none), scale (``HEATS``), or raw."""

    composite: Composite
    stretch: str = "dataset"
    opacity: float = 0.0
    heat: str = "patch"
    mask: bool = False
    smooth: bool = False
    raw: bool = False


@dataclass(frozen=True)
class Cams:
    """A run's out-of-fold attention maps by patch id; empty where the run has none."""

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
    """The run's attention maps; none where it has none yet or they cannot be read."""
    nothing = Cams({}, np.empty((0, 1, 1), np.float32), {}, np.empty(0, int))
    if run is None:
        return nothing
    try:
        index, maps, card = run.cams()
    except LandslideLensError:
        return nothing
    return cams_from(index, maps, card)


def cams_from(index: pd.DataFrame, maps: np.ndarray, card: dict) -> Cams:
    """Maps with their index (id, fold, row) and card."""
    rows = index["row"].to_numpy(int)
    fold_of = np.empty(len(maps), int)
    fold_of[rows] = index["fold"].to_numpy(int)
    return Cams(dict(zip(index["id"].astype(str), rows.tolist(), strict=True)), maps, card, fold_of)


# ----------------------------------------------------------------------------------------------------- pictures


def look_controls(
    data: Dataset, key: str, cams: Cams | None = None, overlay: bool = False, stretch: bool = True
) -> Look:
    """The choices of how to look, in one row; attention maps and masks are offered where they exist.

    Without ``stretch`` all patches keep the dataset's, so that they can be compared.
    """
    ways = {way.name: way for way in composites(derived_bands.drawable(data.bands))}
    opacity, heat, mask, way, raw = 0.0, "patch", False, "dataset", False
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.selectbox("Shown as", list(ways), key=f"{key}_composite", width=300)
        if cams is not None and cams.rows and st.toggle(method_of(cams), value=overlay, key=f"{key}_cam"):
            raw = st.toggle("Map alone", key=f"{key}_raw", help="The raw cells, without the patch.")
            opacity = st.slider("Opacity", 0, 100, 70, 5, format="%d %%", key=f"{key}_opacity", width=150) / 100
        with st.popover("Picture", icon=":material/tune:", key=f"{key}_more"):
            if stretch:
                way = st.radio(
                    "Black to white", list(STRETCHES), format_func=STRETCHES.get, key=f"{key}_stretch",
                    help="From the 2nd to the 98th percentile of the band: over the dataset, or over the patch alone.",
                )  # fmt: skip
            if opacity:
                heat = st.radio("Brightest at", list(HEATS), format_func=HEATS.get, key=f"{key}_heat")
            if data.has_masks:
                mask = st.toggle("Outline of the mask", key=f"{key}_mask")
            smooth = st.toggle("Smooth between pixels", key=f"{key}_smooth")
    return Look(ways[name], way, opacity, heat, mask, smooth, raw)


def pictures(
    data: Dataset, ids: Sequence[str], look: Look, cams: Cams | None = None, side: int = render.PICTURE_PX
) -> list[np.ndarray]:
    """Each patch as an RGB picture (side, side x W/H, 3) uint8. Raises DataError for unknown ids."""
    rows = data.index_of(ids)
    wanted = look.composite.bands
    images, names = derived_bands.with_computed(cache.images(data, rows), data.bands, wanted)
    masks = cache.masks(data, rows) if look.mask else None
    shared = render.dataset_limits(data.statistics)
    if look.stretch != "patch":
        shared = derived_bands.with_computed_limits(
            shared, data.bands, wanted, lambda name: band_values.computed_limits(data, name)
        )
    drawn = []
    for place, (patch_id, image) in enumerate(zip(ids, images, strict=True)):
        limits = render.patch_limits(image) if look.stretch == "patch" else shared
        rgb = render.picture(image, names, look.composite, limits, side, look.smooth)
        cam = cams.of(str(patch_id)) if cams is not None and look.opacity else None
        if cam is not None:
            top = cams.top_of(str(patch_id)) if look.heat == "fold" else None
            rgb = render.cells(cam, side, top) if look.raw else render.overlay(rgb, cam, look.opacity, top)
        if masks is not None:
            rgb = render.outline(rgb, masks[place])
        drawn.append(rgb)
    return drawn


def gallery(
    data: Dataset,
    table: pd.DataFrame,
    look: Look,
    key: str,
    cams: Cams | None = None,
    caption: Callable[[pd.Series], str] | None = None,
) -> None:
    """Pictures that wrap with the width of the page; each opens its patch card.

    ``table``: id, and outcome where known (its colour underlines the picture). ``caption`` makes a line of Markdown
    from a row; what a user wrote in it must have passed :func:`escape_markdown`.
    """
    ids = [str(patch_id) for patch_id in table["id"]]
    try:
        drawn = pictures(data, ids, look, cams)
    except LandslideLensError as error:  # the dataset file is another one than the run's
        show_error(error, ":material/broken_image:")
        return
    with st.grid(min_column_width=TILE_PX, gap="small", key=f"{key}_gallery"):
        for (_, row), patch_id, rgb in zip(table.iterrows(), ids, drawn, strict=True):
            if "outcome" in row:
                rgb = render.underline(rgb, theme.OUTCOME[row["outcome"]])
            with st.container(gap=None):
                st.image(rgb, width="stretch", alt=f"Patch {patch_id}", output_format="PNG")
                st.button(
                    escape_markdown(short(patch_id)), key=f"{key}_open_{patch_id}", type="tertiary",
                    help=f"Open {escape_markdown(patch_id)}", on_click=open_patch, args=(patch_id,),
                    icon=":material/open_in_full:",
                )  # fmt: skip
                if caption:
                    st.caption(caption(row))


def outcome_legend() -> None:
    """What the colours under the pictures mean."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        for outcome in outcomes.OUTCOMES:
            with st.container(horizontal=True, vertical_alignment="center", gap="xxsmall", width="content"):
                st.image(render.swatch(theme.OUTCOME[outcome]), width=14, alt="")
                st.caption(theme.OUTCOME_WORDS[outcome], width="content")


def cam_legend(cams: Cams, look: Look) -> None:
    """The heat scale, and which layer, size and head the maps speak of."""
    whose = "the patch's" if look.heat == "patch" else "the fold's"
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption("no evidence", width="content")
        st.image(render.legend(), width=160, alt="Heat scale from dark (no evidence) to light (most evidence)")
        st.caption(f"{whose} strongest evidence", width="content")
    st.caption(cam_sentence(cams))


def method_of(cams: Cams) -> str:
    """The method that drew the maps, by its usual name."""
    return METHOD_WORDS.get(cams.card.get("method", "gradcam"), "Attention map")


def cam_sentence(cams: Cams) -> str:
    """Which network, layer, size and target the maps come from."""
    card, (height, width) = cams.card, cams.maps.shape[1:]
    method = method_of(cams)
    return (
        f"{method} of the network's own classifier ({theme.head_title('fc').lower()} head) for "
        f"{escape_markdown(card.get('target', 'the positive class'))}, layer "
        f"{escape_markdown(card.get('layer', 'unknown'))}, {height}×{width} cells, by the network of the patch's "
        "own fold, which has not trained on it."
    )


def open_patch(patch_id: str) -> None:
    """Callback: name the patch in the URL; ``patch_card`` draws its card."""
    st.query_params[PATCH] = patch_id


def score_caption(row: pd.Series) -> str:
    """Probability of the positive class and fold of a judged patch, for below its picture."""
    return f"p {row['prob']:.2f} · {theme.fold_title(row['fold'])}"


def short(text: str, most: int = 18) -> str:
    """``text`` with its middle left out where it is long."""
    return text if len(text) <= most else f"{text[: most // 2]}…{text[-most // 2 + 1 :]}"
