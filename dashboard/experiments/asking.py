"""Asking for an experiment: which one, at what budget, and what else it takes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import streamlit as st

from core.analyses.ablate import NAME, AblateOptions, check
from core.config import PRESETS
from core.data.store import Dataset
from core.errors import LandslideLensError
from core.experiments.base import Kind
from core.experiments.registry import kinds
from core.runs.targets import DatasetTarget
from dashboard import allowed, state, url_state
from dashboard.jobs import analyses
from dashboard.ui.formatting import escape_markdown
from dashboard.ui.messages import show_error

BUDGETS = {"small": "Small", "full": "Full"}
FIRST = "unfreeze"  # runs on every dataset with pictures, with weights that come with the program
OWN = "The experiment's own"


def form(target: DatasetTarget, data: Dataset) -> None:
    """The form and its button. What it shows follows the kind, so that it is no ``st.form``."""
    known = kinds()
    usual = FIRST if FIRST in known else next(iter(known))
    left, right = st.columns([3, 1], vertical_alignment="bottom")
    with left:
        name = url_state.choose(
            st.selectbox, "Question", list(known), key="experiment_kind", default=usual,
            format_func=lambda one: known[one].title,
        )  # fmt: skip
    with right:
        budget = url_state.choose(
            st.segmented_control, "Budget", list(BUDGETS), key="experiment_budget", default="small", required=True,
            format_func=BUDGETS.get,
            help="Small: 2 folds, at most 5 epochs, smaller patches and networks; minutes to an hour on two cores. "
            "Full: as the papers have it; days without a GPU.",
        )  # fmt: skip
    st.caption(escape_markdown(known[name].summary))
    options = {"kind": name, "budget": budget} | _more(known[name], data)
    pressed = st.button(
        "Start the experiment", type="primary", icon=":material/play_arrow:", key="experiment_start",
        **allowed.to("train", analyses.is_active(target, NAME)),
    )  # fmt: skip
    if pressed:
        try:
            check(target, AblateOptions(**options))
        except (LandslideLensError, ValueError) as error:
            show_error(error)
            return
        analyses.begin(target, NAME, options)


def _more(kind: Kind, data: Dataset) -> dict[str, Any]:
    """What this kind needs, and, folded away, what any may have."""
    found: dict[str, Any] = {}
    if kind.needs == "vary":
        found["vary"] = st.text_input(
            "What to vary", "train.lr=0.001,0.003", key="experiment_vary",
            help="section.key=a,b; several settings with semicolons between. The names are those of the form under "
            "New run.",
        )  # fmt: skip
    if kind.needs == "others":
        others = {name: path for name, path in state.choice().datasets.items() if Path(path) != data.path.resolve()}
        chosen = st.multiselect("Further datasets", list(others), key="experiment_others")
        found["others"] = [str(others[name]) for name in chosen]
    with st.expander("More settings", icon=":material/tune:"):
        preset = st.selectbox("Preset", [OWN, *PRESETS], key="experiment_preset")
        found["preset"] = "" if preset == OWN else preset
        found["settings"] = st.text_input(
            "Settings of every row", key="experiment_settings", placeholder="train.epochs=3; model.image_size=64"
        )
        found["seeds"] = st.number_input(
            "Seeds", 1, 20, 1, key="experiment_seeds",
            help="Trainings of each row that differ in their seed alone. From 2 on a difference must hold for other "
            "trainings too, not only for other patches.",
        )  # fmt: skip
    return found
