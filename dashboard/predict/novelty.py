"""Novelty of what was predicted: a sentence where the answers are not to be trusted, and a layer for the picture."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import streamlit as st

from dashboard import state
from dashboard.ui.formatting import escape_markdown, percent

OVERLAY = "novelty"
RAREST = 0.01  # p-value from which the layer is at its densest
TOP = 1.0  # value that the densest colour means
DENSEST = "rarer than 1 in 100 held-out patches"


def notice(run: str, facts: Mapping[str, Any]) -> None:
    """Above a scene's answer: a warning where it is unlike the training set, and the way to how surely that is told.

    facts: of the scene, as its job reports them.
    """
    found = facts.get("novelty")
    if not found or not found["is_off"]:
        return
    st.warning(escape_markdown(found["sentence"]), icon=":material/travel_explore:")
    if st.button("How surely this is told", icon=":material/fact_check:", type="tertiary", key="predict_novelty_rates"):
        state.open_view("results", run=run, view="external", filters={"external_which": "novelty"})


def basis(facts: Mapping[str, Any]) -> str:
    """For a caption, as Markdown: the share of windows or patches that are new to the run; "" where it is not known."""
    found = facts.get("novelty")
    if not found:
        return ""
    return f"{percent(found['n_new'] / found['n'], 1)} unlike training (expected: {percent(found['level'], 1)})"


def strangeness(p: np.ndarray) -> np.ndarray:
    """P-values (h, w) as 0 (usual) to 1 (one in 100 held-out patches is as far out); nan stays."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.clip(np.log10(p) / np.log10(RAREST), 0.0, 1.0)
