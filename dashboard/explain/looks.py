"""How the patches of this page are drawn: one popover of choices, each of them in the URL."""

from __future__ import annotations

import streamlit as st

from core.data.bands import composites
from core.data.store import Dataset
from dashboard import url_state
from dashboard.patches import derived_bands, gallery


def look_popover(data: Dataset, key: str, maps: bool = True) -> gallery.Look:
    """The choices of how to look. maps: whether attention maps are laid over the patches."""
    ways = {way.name: way for way in composites(derived_bands.drawable(data.bands))}
    opacity, heat, raw, mask = 0.0, "fold", False, False
    with st.popover("Picture", icon=":material/tune:", key=f"{key}_more"):
        name = gallery.composite_picker(list(ways), key)
        if maps:
            raw = url_state.toggle("Show the cells of the map alone", key=f"{key}_raw")
            url_state.read_query_number(f"{key}_opacity", 5, 100, gallery.OPACITY)
            percent = st.slider("Opacity of the map", 5, 100, step=5, format="%d%%", key=f"{key}_opacity")
            url_state.write_query_param(f"{key}_opacity", percent, gallery.OPACITY)
            opacity = percent / 100
            heat = url_state.choose(
                st.radio, "Colour scale", list(gallery.HEATS), key=f"{key}_heat", default="fold",
                format_func=gallery.HEATS.get,
                help="By itself, a map without evidence shines as brightly as one full of it.",
            )  # fmt: skip
        way = url_state.choose(
            st.radio, "Black to white", list(gallery.STRETCHES), key=f"{key}_stretch", default="dataset",
            format_func=gallery.STRETCHES.get,
            help="From the 2nd to the 98th percentile of the band: over the dataset, or over the patch alone.",
        )  # fmt: skip
        if data.has_masks:
            mask = url_state.toggle("Outline of the mask", True, key=f"{key}_mask")
        smooth = url_state.toggle("Smooth between pixels", key=f"{key}_smooth")
    return gallery.Look(ways[name], way, opacity, heat, mask, smooth, raw)
