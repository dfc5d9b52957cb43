"""One patch, large: the image, the attention laid over it and its mask side by side; a strip of others to choose from.

The chosen patch is ``explain_patch`` in the URL, here and where one patch is asked of all methods.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import streamlit as st

from core.data.store import Dataset
from dashboard import cache, theme
from dashboard.patches import drawn_once, gallery, render, tiles
from dashboard.patches.gallery import Cams, Look
from dashboard.ui.formatting import escape_markdown, percent

PATCH = "explain_patch"  # in the URL
PANEL_PX, PANEL_LEAST = 384, 140  # drawn side of a panel; its least width on the page
STRIP, STRIP_LEAST = 6, 110  # pictures of a strip; the least width of one
Panel = tuple[np.ndarray, str, str]  # picture, caption (Markdown), alternative text
GROUND = (52, 58, 66)  # of a mask


def choose_patch(patch_id: str) -> None:
    """Callback: show this patch."""
    st.session_state[PATCH] = patch_id


def panels(data: Dataset, patch_id: str, look: Look, cams: Cams) -> None:
    """Image, overlay and mask of a patch. Raises LandslideLensError where it cannot be drawn."""
    plain = drawn_once.mapped(data, [patch_id], replace(look, opacity=0.0), cams, PANEL_PX)[0]
    over = drawn_once.mapped(data, [patch_id], look, cams, PANEL_PX)[0]
    name, method = escape_markdown(look.composite.name), gallery.method_of(cams)
    shown = [(plain, f"Image, {name}", f"Patch {patch_id}, {look.composite.name}")]
    words = f"{method}, {cams.maps.shape[1]}×{cams.maps.shape[2]} cells" if look.raw else f"{method} over the image"
    shown.append((over, words, f"{method} of patch {patch_id}"))
    if data.has_masks:
        shown.append(mask_panel(data, patch_id))
    elif not look.raw:
        alone = drawn_once.mapped(data, [patch_id], replace(look, raw=True, mask=False), cams, PANEL_PX)[0]
        size = f"{cams.maps.shape[1]}×{cams.maps.shape[2]} cells"
        shown.append((alone, f"{method} alone, {size}", f"{method} of patch {patch_id} alone"))
    side_by_side(shown)


def mask_panel(data: Dataset, patch_id: str) -> Panel:
    """The mask of a patch and how much of the patch it covers."""
    mask = cache.masks(data, data.index_of([patch_id]))[0]
    share = float((mask > 0).mean())
    covers = f"covers {percent(share, 0)} of the patch" if share else "nothing outlined"
    return mask_picture(mask), f"Landslide mask, {covers}", f"Mask of patch {patch_id}"


def side_by_side(shown: Sequence[Panel]) -> None:
    """Large pictures in a row, as many as find room."""
    with st.grid(3, min_column_width=PANEL_LEAST, gap="small", key="explain_panels"):
        for picture, caption, alt in shown:
            with st.container(gap=None):
                drawn_once.image(picture, alt)
                st.caption(caption)


def mask_picture(mask: np.ndarray, side: int = PANEL_PX) -> np.ndarray:
    """A mask (h, w) in the colour of landslides on a dark ground: (side, side x w/h, 3) uint8."""
    inside = [int(theme.POSITIVE[i : i + 2], 16) for i in (1, 3, 5)]
    rgb = np.where((np.asarray(mask) > 0)[..., None], np.array(inside, np.uint8), np.array(GROUND, np.uint8))
    return render.enlarge(rgb.astype(np.uint8), side)


def scale(look: Look) -> None:
    """The colour scale and what its ends stand for."""
    most = "the patch's own peak" if look.heat == "patch" else "mean peak of the fold's maps, or more"
    which = "each patch by itself" if look.heat == "patch" else "same scale for all patches of a fold"
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption("No evidence", width="content")
        st.image(render.legend(), width=160, alt="Colour scale from dark (no evidence) to light (most evidence)")
        st.caption(f"{most} ({which})", width="content")


def stepper(ids: Sequence[str], patch_id: str, text: str) -> None:
    """Buttons to the patch before and after, where this one stands, and ``text`` (Markdown) beside them."""
    place = ids.index(patch_id)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        for label, icon, to in (("Previous", "arrow_back", place - 1), ("Next", "arrow_forward", place + 1)):
            there = 0 <= to < len(ids)
            st.button(
                label, icon=f":material/{icon}:", key=f"explain_{label.lower()}", disabled=not there,
                on_click=choose_patch, args=(ids[to] if there else patch_id,),
            )  # fmt: skip
        st.caption(f"{place + 1:,} of {len(ids):,}", width="content")
        st.markdown(text, width="content")
        st.button(
            "Open", key="explain_open", type="tertiary", icon=":material/open_in_full:", on_click=gallery.open_patch,
            args=(patch_id,), help="Every band of the patch, its probability by head, and what else is known of it",
        )  # fmt: skip


def strip(
    data: Dataset, table: pd.DataFrame, look: Look, cams: Cams, patch_id: str, words: Callable[[Mapping], str]
) -> None:
    """The chosen patch among its neighbours in the list; each opens as the large one."""
    ids = table["id"].astype(str).tolist()
    start = ids.index(patch_id) // STRIP * STRIP if patch_id in ids else 0
    part = table.iloc[start : start + STRIP]
    drawn = drawn_once.mapped(data, ids[start : start + STRIP], look, cams)
    made = [
        tiles.tile(str(row["id"]), rgb, words(row), name=gallery.short(str(row["id"]), 14))
        for row, rgb in zip(part.to_dict("records"), drawn, strict=True)
    ]
    sent = tiles.payload(made, "Patches; choose one to see it large", px=STRIP_LEAST, columns=STRIP, current=patch_id)
    tiles.draw(sent, "explain_strip_tiles", choose_patch)
