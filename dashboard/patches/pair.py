"""Two pictures side by side: two patches that may show the same ground, or what two networks attend to in one patch.

Pairs of patches come from ``core.data.leakage.split_audit``; they are aligned, and what they share is outlined.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import streamlit as st

from core.data.leakage.shifted_crops import TURNS
from core.data.store import Dataset
from core.text import list_names
from dashboard.patches import gallery, render, tiles
from dashboard.ui.formatting import class_word, escape_markdown

KIND_WORDS = {
    "identical": "Identical",
    "near": "Nearly identical",
    "shifted": "Shifted crop",
    "overlap": "Overlap by place",
    "synthetic": "Blend of two",
}
SIDE = 256  # pixels of a picture
GAP, BETWEEN = 6, 128  # pixels between two pictures of a tile, and their grey
ONE_PX = 125  # least width of one of the pictures of a tile, CSS pixels


def overlap_masks(dy: int, dx: int, height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Two (H, W) bool: the ground that both show, where ``a[y + dy, x + dx]`` is what ``b[y, x]`` is."""
    a, b = np.zeros((height, width), bool), np.zeros((height, width), bool)
    a[max(dy, 0) : height + min(dy, 0), max(dx, 0) : width + min(dx, 0)] = True
    b[max(-dy, 0) : height + min(-dy, 0), max(-dx, 0) : width + min(-dx, 0)] = True
    return a, b


def pair_pictures(data: Dataset, pair: pd.Series, look: gallery.Look) -> tuple[np.ndarray, np.ndarray]:
    """Both patches as pictures, b flipped or turned as a is seen, the shared ground outlined where it is not all."""
    first, second = gallery.pictures(data, [pair["a"], pair["b"]], look, side=SIDE)
    if pair["turn"]:
        second = np.ascontiguousarray(TURNS[pair["turn"]](second.transpose(2, 0, 1)).transpose(1, 2, 0))
    if pair["kind"] in ("shifted", "overlap") and (pair["dy"] or pair["dx"]):
        masks = overlap_masks(int(pair["dy"]), int(pair["dx"]), *data.shape[1:])
        first, second = (render.outline(rgb, mask) for rgb, mask in zip((first, second), masks, strict=True))
    return first, second


def pair_words(pair: pd.Series) -> str:
    """What makes two patches a pair, in a line of Markdown."""
    said = [f"**{KIND_WORDS.get(pair['kind'], escape_markdown(pair['kind']))}**"]
    if pair["turn"]:
        said.append(escape_markdown(pair["turn"]))
    if pair["kind"] in ("shifted", "overlap"):
        said.append(f"shift {int(pair['dx']):+d} columns, {int(pair['dy']):+d} rows")
        said.append(f"{pair['overlap']:.0%} shared")
    if np.isfinite(pair["ssim"]) and pair["kind"] != "identical":
        said.append(f"SSIM {pair['ssim']:.3f}")
    if pair["kind"] == "synthetic":
        said.append(f"{pair['weight']:.0%} of the left one, the rest of {escape_markdown(pair['partner'])}")
    if "part_a" in pair and pair["part_a"] is not None and pair["part_a"] == pair["part_a"]:
        said.append(f":red[{escape_markdown(pair['part_a'])} and {escape_markdown(pair['part_b'])}]")
    return " · ".join(said)


def pairs(data: Dataset, table: pd.DataFrame, look: gallery.Look, key: str) -> list[str]:
    """Pairs side by side, each with a box that chooses its second patch; the ids chosen."""
    chosen = []
    rows = data.index_of([*table["a"], *table["b"]])
    label = dict(zip([*table["a"], *table["b"]], data.labels[rows].tolist(), strict=True))
    with st.grid(min_column_width=330, gap="medium"):
        for _, pair in table.iterrows():
            with st.container(border=True, gap="small"):
                left, right = st.columns(2, gap="small")
                for column, patch_id, rgb in zip(
                    (left, right), (pair["a"], pair["b"]), pair_pictures(data, pair, look), strict=True
                ):
                    with column.container(gap=None):
                        st.image(rgb, width="stretch", alt=f"Patch {patch_id}", output_format="PNG")
                        st.button(
                            escape_markdown(gallery.short(patch_id, 20)), type="tertiary", on_click=gallery.open_patch,
                            key=f"{key}_{pair['kind']}_{pair['a']}_{pair['b']}_{patch_id}", args=(patch_id,),
                        )  # fmt: skip
                        st.caption(class_word(data, label[patch_id]))
                st.caption(pair_words(pair))
                if st.checkbox("Exclude the right one", key=f"{key}_out_{pair['kind']}_{pair['a']}_{pair['b']}"):
                    chosen.append(pair["b"])
    return list(dict.fromkeys(chosen))


# ------------------------------------------------------------------------------------------ attention of two networks


def attention_pictures(
    data: Dataset, ids: Sequence[str], look: gallery.Look, cams: Sequence[gallery.Cams], side: int = render.PICTURE_PX
) -> list[tuple[np.ndarray, ...]]:
    """Each patch under each run's attention maps, drawn alike; without a map, the patch alone."""
    return list(zip(*(gallery.pictures(data, ids, look, one, side) for one in cams), strict=True))


def attention(
    data: Dataset,
    table: pd.DataFrame,
    look: gallery.Look,
    cams: Sequence[gallery.Cams],
    key: str,
    caption: Callable[[pd.Series], str],
    letters: str = "AB",
) -> None:
    """A gallery in which each tile shows a patch under the attention of each, from left to right.

    table, caption: as ``gallery.gallery`` takes them. letters: what each of ``cams`` is called. A click opens the
    patch's card.
    """
    ids, made = [str(patch_id) for patch_id in table["id"]], []
    drawn = attention_pictures(data, ids, look, cams)
    order = list_names(list(letters))
    for (_, row), patch_id, some in zip(table.iterrows(), ids, drawn, strict=True):
        between = np.full((some[0].shape[0], GAP, 3), BETWEEN, np.uint8)
        parts = [part for rgb in some for part in (between, rgb)][1:]
        chip = tiles.outcome_chip(row.get("outcome"))
        more = f"from left to right the attention of {order}"
        rgb = np.concatenate(parts, axis=1)
        made.append(tiles.tile(patch_id, rgb, caption(row), chip, gallery.short(patch_id, 30), more))
    st.caption(f"From left to right: the attention of {order}. A click opens a patch.")
    sent = tiles.payload(made, f"Patches with the attention of {order}", px=ONE_PX * len(cams))
    tiles.draw(sent, f"{key}_attention", tiles.open_patch)


def two_attentions(data: Dataset, patch_id: str, look: gallery.Look, cams: Sequence[gallery.Cams]) -> None:
    """One patch, twice and large: under the attention of A and of B."""
    seen = look if look.opacity else replace(look, opacity=gallery.OPACITY / 100)
    two = attention_pictures(data, [patch_id], seen, cams, side=2 * SIDE)[0]
    for column, name, rgb, one in zip(st.columns(2), "AB", two, cams, strict=True):
        with column.container(gap=None):
            st.image(rgb, width=SIDE, alt=f"Patch {patch_id} under the attention of {name}", output_format="PNG")
            weak = gallery.weakness(one, patch_id)
            st.caption(f"{name}{f': {weak}' if weak else ''}", help=gallery.cam_sentence(one))
