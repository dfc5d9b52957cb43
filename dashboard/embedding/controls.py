"""The choices of the Embedding page: fold, head, how points are drawn.

Whatever is slow to offer is offered below the map in the script, so that the map does not wait for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import streamlit as st

from core.data.bands import Composite, composites
from core.data.store import Dataset
from dashboard import cache, state, theme, url_state
from dashboard.embedding import points
from dashboard.embedding.projections import Drawn
from dashboard.patches import gallery
from dashboard.ui.head_picker import chosen_head

PARTS = {"held": "Held-out patches", "all": "Training patches too"}
COMPOSITE = "embedding_composite"
COLOUR, PART, SYNTHETIC = "embedding_colour", "embedding_part", "embedding_synthetic"
SWITCH = "embedding_switch"  # in the session: the head, as the pills above the map hold it


@dataclass(frozen=True)
class Look:
    """What is shown. by: how points are coloured; training: with the training part; synthetic: with such patches;
    composite: of pictures.
    """

    by: str
    training: bool
    synthetic: bool
    composite: Composite


def fold_switch(folds: Sequence[int]) -> int:
    """The fold whose network's space is shown."""
    return url_state.choose(
        st.segmented_control, "Fold", folds, key="embedding_fold", default=folds[0], required=True,
        format_func=lambda fold: theme.fold_title(fold).capitalize(), label_visibility="collapsed", width="content",
        wrap=True,
        help="Each fold's network has its own space: distances and neighbours are meaningful only within it.",
    )  # fmt: skip


def usual_heads(heads: Sequence[str], headline: str) -> list[str]:
    """The network's own head, the headline or first SVM, and boosted trees, as far as they are there."""
    svms = [name for name in heads if name.startswith("svm_")]
    svm = headline if headline in svms else (svms[-1] if svms else None)
    return [name for name in ("fc", svm, "lgbm") if name in heads] or list(heads[:2])


def head_switch(heads: Sequence[str], summary: Mapping) -> str:
    """The head whose boundary is drawn: the one chosen for all pages, which can be switched here too."""
    shown = chosen_head(heads, summary)
    st.session_state[SWITCH] = shown
    st.pills(
        "Head", heads, key=SWITCH, required=True, format_func=theme.head_title, label_visibility="collapsed",
        on_change=_choose_head,
    )  # fmt: skip
    return shown


def _choose_head() -> None:
    st.session_state[state.HEAD] = st.session_state[SWITCH]


def look_so_far(data: Dataset, drawn: Drawn) -> Look:
    """How points are drawn, before the widgets that choose it."""
    by = next((texts[0] for texts in (st.query_params.get_all(COLOUR),) if texts), "")
    held = st.session_state.get(COLOUR) or st.session_state.get(f"kept_{COLOUR}") or ""
    own = [name for name in (by, held) if name.startswith(points.COLUMN)]
    url_state.read_query_param(COLOUR, [*points.COLOURS, *own], "label")
    url_state.read_query_param(PART, list(PARTS), "held")
    url_state.read_query_param(SYNTHETIC, [True, False], False)
    synthetic = bool(st.session_state[SYNTHETIC]) and "synthetic" in drawn.arrays
    ways = {way.name: way for way in composites(data.bands)}
    url_state.read_query_param(COMPOSITE, list(ways), next(iter(ways)))
    way = ways.get(st.session_state[COMPOSITE]) or next(iter(ways.values()))
    return Look(st.session_state[COLOUR], st.session_state[PART] == "all", synthetic, way)


def look_controls(data: Dataset, drawn: Drawn) -> None:
    """The widgets that choose how points are drawn."""
    names = dict(points.COLOURS)
    if data.groups is None:
        names.pop("group")
    names |= {f"{points.COLUMN}{c}": c for c in facts(data) if c != "group"}
    url_state.choose(st.selectbox, "Coloured by", list(names), key=COLOUR, default="label", format_func=names.get)
    url_state.choose(
        st.segmented_control, "Shown", list(PARTS), key=PART, default="held", required=True, format_func=PARTS.get
    )
    has_synthetic = "synthetic" in drawn.arrays
    url_state.toggle(
        "Synthetic patches", key=SYNTHETIC, disabled=not has_synthetic,
        help="Made by SSIM-SMOTE; each is joined to its anchor and neighbour."
        if has_synthetic else "This projection has none: the run made none, or an earlier version kept none.",
    )  # fmt: skip
    gallery.composite_picker([way.name for way in composites(data.bands)], "embedding")


def facts(data: Dataset) -> dict[str, np.ndarray]:
    """Columns that patches can be coloured by."""
    return _facts(str(data.path), cache.dataset_version(data.path))


@st.cache_data(max_entries=8, show_spinner=False)
def _facts(path: str, version: cache.Version) -> dict[str, np.ndarray]:
    from core.data.tabular.patch_metadata import patch_facts, slicing_columns  # half a second that no map waits for

    return slicing_columns(patch_facts(cache.dataset(path), images=False))
