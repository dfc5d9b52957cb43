"""Novelty of what was predicted: a sentence where the answers are not to be trusted, and a layer for the picture."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import streamlit as st

from dashboard import state
from dashboard.ui.formatting import escape_markdown, percent

OVERLAY, TITLE = "novelty", "Unlike training"
RAREST = 0.01  # p-value from which the layer is at its densest
TOP = 1.0  # value that the densest colour means


def notice(facts: Mapping[str, Any]) -> None:
    """Above an answer: a warning where scene or patches are unlike the training set; nothing otherwise.

    facts: of a scene or of patches, as their jobs report them.
    """
    found = facts.get("novelty")
    if not found or not found["is_off"]:
        return
    st.warning(escape_markdown(found["sentence"]), icon=":material/travel_explore:")


def basis(facts: Mapping[str, Any]) -> str:
    """For a caption, as Markdown: the share of windows or patches that are new to the run; "" where it is not known."""
    found = facts.get("novelty")
    if not found:
        return ""
    return f"{percent(found['n_new'] / found['n'], 1)} unlike training (expected: {percent(found['level'], 1)})"


def has_layer(picture: Mapping[str, np.ndarray]) -> bool:
    """Whether the picture of a scene has the layer."""
    return OVERLAY in picture and bool(np.isfinite(picture[OVERLAY]).any())


def strangeness(p: np.ndarray) -> np.ndarray:
    """P-values (h, w) as 0 (usual) to 1 (one in 100 held-out patches is as far out); nan stays."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.clip(np.log10(p) / np.log10(RAREST), 0.0, 1.0)


def open_rates(run: str) -> None:
    """Callback: the view that shows how surely such things are found."""
    state.open_view("results", run=run, view="novelty")
