"""Patches as a gallery: how to look at them, pictures of many, legends, and the click that opens one.

The card of one patch is drawn by ``dashboard.patches.card``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np
import pandas as pd
import streamlit as st

from core.data.bands import Composite, composites
from core.data.pictures import thumbnails as core_thumbnails
from core.data.store import Dataset
from core.errors import LandslideLensError
from core.explain import why
from core.explain.cam.group_means import fold_levels
from core.runs.store import RunFolder
from dashboard import cache, theme, url_state
from dashboard.patches import chosen, derived_bands, outcomes, render, thumbnails, tiles
from dashboard.ui.formatting import escape_markdown
from dashboard.ui.messages import show_error

PATCH, open_patch, short = tiles.PATCH, tiles.open_patch, tiles.short
OPACITY = 70  # of maps at first, percent
TILE_PX = 140  # least width of a picture in a gallery, CSS pixels
ROW_PX = 690  # of a row whose number of pictures is fixed: from here on it holds them all
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
HEATS = {"fold": "Same for all maps of a fold", "patch": "Each map by itself"}


@dataclass(frozen=True)
class Look:
    """How patches are drawn: composite, stretch (``STRETCHES``), maps' opacity (0: none), scale (``HEATS``), or raw."""

    composite: Composite
    stretch: str = "dataset"
    opacity: float = 0.0
    heat: str = "fold"
    mask: bool = False
    smooth: bool = False
    raw: bool = False


@dataclass(frozen=True, eq=False)
class Cams:
    """A run's out-of-fold attention maps by patch id; empty where the run has none.

    index: id, fold and row of each. maps: (N, h, w) float32, raw.
    """

    index: pd.DataFrame
    maps: np.ndarray
    card: dict

    @cached_property
    def rows(self) -> dict[str, int]:
        """By patch id, the row of its map."""
        return dict(zip(self.index["id"].astype(str), self.index["row"].astype(int).tolist(), strict=True))

    @cached_property
    def fold_of(self) -> np.ndarray:
        """(N,) of the maps."""
        found = np.empty(len(self.maps), int)
        found[self.index["row"].to_numpy(int)] = self.index["fold"].to_numpy(int)
        return found

    def of(self, patch_id: str) -> np.ndarray | None:
        """The raw map (h, w) of a patch, or None."""
        row = self.rows.get(patch_id)
        return None if row is None else self.maps[row]

    @cached_property
    def levels(self) -> dict[int, float]:
        """By fold, what is drawn brightest (``core.explain.cam.group_means.fold_levels``), as in the mean maps."""
        return fold_levels(self.maps, self.fold_of)

    def level_of(self, patch_id: str) -> float | None:
        """The level of this patch's fold; None for a patch without a map, or where all maps of the fold are dead."""
        row = self.rows.get(patch_id)
        return None if row is None else self.levels.get(int(self.fold_of[row]))

    def share_of(self, patch_id: str) -> float | None:
        """The peak of a patch's map as a share of its fold's level; None where there is no such map or level."""
        level = self.level_of(patch_id)
        return None if level is None else float(np.max(self.maps[self.rows[patch_id]], initial=0.0)) / level


def cams_of(run: RunFolder | None) -> Cams:
    """The run's attention maps; none where it has none yet or they cannot be read."""
    nothing = Cams(pd.DataFrame(columns=["id", "fold", "row"]), np.empty((0, 1, 1), np.float32), {})
    if run is None:
        return nothing
    try:
        return Cams(*run.cams())
    except LandslideLensError:
        return nothing


# ----------------------------------------------------------------------------------------------------- pictures


def look_controls(
    data: Dataset,
    key: str,
    cams: Cams | None = None,
    overlay: bool = False,
    stretch: bool = True,
    outlined: bool = False,
    named: bool = True,
    kind: str = "",
) -> Look:
    """The choices of how to look, in one row; attention maps and masks are offered where they exist.

    overlay, outlined: whether maps and masks are drawn at first. Without ``stretch`` all patches keep the dataset's,
    so that they can be compared. named: whether the composite's label is seen. kind: of what is seen, where each kind
    keeps maps and masks on or off by itself.
    """
    with st.container(horizontal=True, vertical_alignment="bottom" if named else "center", gap="small"):
        return look_choices(data, key, cams, overlay, stretch, outlined, named, kind)


def look_choices(
    data: Dataset,
    key: str,
    cams: Cams | None,
    overlay: bool,
    stretch: bool = True,
    outlined: bool = False,
    named: bool = True,
    kind: str = "",
) -> Look:
    """As :func:`look_controls`, in a row that the caller has begun."""
    ways = {way.name: way for way in composites(derived_bands.drawable(data.bands))}
    opacity, heat, mask, way, raw = 0.0, "fold", False, "dataset", False
    name = composite_picker(list(ways), key, named)
    has_maps = cams is not None and len(cams.maps) > 0
    shown = has_maps and url_state.toggle(method_of(cams), overlay, key=f"{key}{kind}_cam")
    if data.has_masks:
        mask = url_state.toggle(
            "Mask", outlined, key=f"{key}{kind}_mask", help="The outline of the labelled landslide."
        )
    with st.popover("Picture", icon=":material/tune:", key=f"{key}_more"):
        if shown:
            url_state.read_query_number(f"{key}_opacity", 0, 100, OPACITY)
            percent = st.slider("Opacity of the attention", 0, 100, step=5, format="%d%%", key=f"{key}_opacity")
            url_state.write_query_param(f"{key}_opacity", percent, OPACITY)
            opacity = percent / 100
            raw = url_state.toggle("Attention alone", key=f"{key}_raw", help="The raw cells, without the patch.")
        if stretch:
            way = url_state.choose(
                st.radio, "Black to white", list(STRETCHES), key=f"{key}_stretch", default="dataset",
                format_func=STRETCHES.get,
                help="From the 2nd to the 98th percentile of the band: over the dataset, or over the patch alone.",
            )  # fmt: skip
        if opacity:
            heat = url_state.choose(
                st.radio, "Brightest at", list(HEATS), key=f"{key}_heat", default="fold", format_func=HEATS.get,
                help="By itself, a map without evidence shines as brightly as one full of it.",
            )  # fmt: skip
        smooth = url_state.toggle("Smooth between pixels", key=f"{key}_smooth")
    return Look(ways[name], way, opacity, heat, mask, smooth, raw)


def composite_picker(names: Sequence[str], key: str, named: bool = True) -> str:
    """The choice among composites by name, kept as ``<key>_composite``."""
    return url_state.choose(
        st.selectbox,
        "Shown as",
        names,
        key=f"{key}_composite",
        default=next(iter(names)),
        width=220,
        label_visibility="visible" if named else "collapsed",
    )


def pictures(
    data: Dataset, ids: Sequence[str], look: Look, cams: Cams | None = None, side: int = render.PICTURE_PX
) -> list[np.ndarray]:
    """Each patch as an RGB picture (side, side x W/H, 3) uint8. Raises DataError for unknown ids."""
    mapped = cams is not None and bool(look.opacity)
    rows, style = data.index_of(ids), _style(data, look, look.mask and not mapped, side)
    drawn = core_thumbnails.draw(cache.dataset(data.path), rows, style)
    if not mapped:
        return drawn
    masks = cache.masks(data, rows) if look.mask else None
    for place, patch_id in enumerate(map(str, ids)):
        cam = cams.of(patch_id)
        if cam is not None:
            top = cams.level_of(patch_id) if look.heat == "fold" else None
            plain = drawn[place]
            drawn[place] = render.cells(cam, side, top) if look.raw else render.overlay(plain, cam, look.opacity, top)
        if masks is not None:
            drawn[place] = render.outline(drawn[place], masks[place])
    return drawn


def _style(data: Dataset, look: Look, mask: bool, side: int = render.PICTURE_PX) -> core_thumbnails.Style:
    return thumbnails.style_of(data, look.composite, look.stretch == "patch", look.smooth, mask, side)


def gallery(
    data: Dataset,
    table: pd.DataFrame,
    look: Look,
    key: str,
    cams: Cams | None = None,
    caption: Callable[[pd.Series], str] | None = None,
    actions: Sequence[chosen.Action] = chosen.ACTIONS,
    bar: str = "below",
    everything: chosen.Table | None = None,
    columns: int | None = None,
    ahead: Sequence[str] = (),
) -> None:
    """Pictures that wrap with the width of the page: a click opens a patch's card, a box chooses it.

    ``table``: id, and outcome where known (a chip names it). ``caption`` makes lines of Markdown from a row; what a
    user wrote in it must have passed :func:`escape_markdown`. ``actions``: what can be done with the chosen, beside
    what can always be. ``bar``: "above", with a place of its own, or "below", there when patches are chosen.
    ``everything``: the table that ``table`` is a page of. ``columns``: how many pictures stand in a row at most.
    ``ahead``: ids of the pages that may be turned to next, drawn while this one is looked at.
    """
    ids = [str(patch_id) for patch_id in table["id"]]
    mapped = cams is not None and bool(look.opacity)
    try:
        style = _style(data, look, look.mask)
        drawn = pictures(data, ids, look, cams) if mapped else thumbnails.addresses(data, ids, style)
    except LandslideLensError as error:  # the dataset file is another one than the run's
        show_error(error, ":material/broken_image:")
        return
    made = []
    for (_, row), patch_id, seen in zip(table.iterrows(), ids, drawn, strict=True):
        words = caption(row) if caption else ""
        if look.opacity and cams is not None and (weak := weakness(cams, patch_id)):
            words += f"\n**{weak}**"
        made.append(tiles.tile(patch_id, seen, words, tiles.outcome_chip(row.get("outcome")), short(patch_id)))
    known = table if everything is None else everything
    draw = partial(pictures, data, look=look, cams=cams)
    _shown(data, known, made, key, tuple(actions), bar == "above", draw, columns)
    if ahead and not mapped:
        thumbnails.ahead(data, ahead, style)


@st.fragment
def _shown(
    data: Dataset,
    table: chosen.Table,
    made: list[dict],
    key: str,
    actions: tuple[chosen.Action, ...],
    above: bool,
    draw: chosen.Draw,
    columns: int | None,
) -> None:
    """The tiles and the bar of the chosen, by themselves: choosing draws nothing else anew."""
    if st.session_state.pop(chosen.OPENED, False):
        st.rerun()  # the page draws the card
    ids = [tile["id"] for tile in made]
    if above:
        chosen.bar(data, table, ids, key, actions, draw, idle=True)
    here = set(ids)
    sent = tiles.payload(
        made, "Patches", [patch_id for patch_id in chosen.ids(data, key) if patch_id in here], True, chosen.seen(key),
        min(TILE_PX, ROW_PX // (columns or 1)), columns,
    )  # fmt: skip
    tiles.draw(
        sent, f"{key}_tiles", chosen.open_card, lambda some, number: chosen.answered(data, key, ids, some, number)
    )
    if not above:
        chosen.bar(data, table, ids, key, actions, draw, idle=False)


def outcome_legend() -> None:
    """What the colours of the outcomes mean."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        for outcome in outcomes.OUTCOMES:
            with st.container(horizontal=True, vertical_alignment="center", gap="xxsmall", width="content"):
                st.image(render.swatch(theme.OUTCOME[outcome]), width=14, alt="")
                st.caption(theme.OUTCOME_WORDS[outcome], width="content")


def cam_legend(cams: Cams, look: Look) -> None:
    """The heat scale, and which layer, size and head the maps speak of."""
    most = "the patch's strongest evidence" if look.heat == "patch" else "the mean peak of the fold's maps, and more"
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption("no evidence", width="content")
        st.image(render.legend(), width=160, alt="Heat scale from dark (no evidence) to light (most evidence)")
        st.caption(most, width="content")
    st.caption(f"{cam_sentence(cams)} Weak evidence: a peak below {why.WEAK:.0%} of that mean.")


def weakness(cams: Cams, patch_id: str) -> str:
    """ "weak evidence" with the peak's share of the fold's level where it is low; "" where it is not, or has no map."""
    share = cams.share_of(patch_id) if cams.card else None
    return weak_words(share) if share is not None else ""


def weak_words(share: float) -> str:
    """What a peak of this share of the fold's level is called, if it is weak."""
    return f"weak evidence ({share:.0%})" if 0 < share < why.WEAK else ""


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


def score_caption(row: pd.Series) -> str:
    """Probability of the positive class and fold of a judged patch, for below its picture."""
    return f"p {row['prob']:.2f} · {theme.fold_title(row['fold'])}"
