"""Asking for a search: what it starts from, what it varies, how, and what judges its winner."""

from __future__ import annotations

from typing import Any

import streamlit as st

from core.analyses.search import NAME, SearchOptions, check, listed
from core.config import PRESETS, preset
from core.config.preset_groups import sensible
from core.data.store import Dataset
from core.errors import LandslideLensError
from core.experiments.search.record import NAMES, SAMPLERS
from core.experiments.search.space import usual
from core.runs.targets import DatasetTarget
from core.text import count
from dashboard.jobs import analyses
from dashboard.ui.formatting import escape_markdown
from dashboard.ui.messages import show_error

JUDGES = {"held_back": "A held-back part", "nested": "Nested searches"}
FIELDS = SearchOptions.model_fields


def form(target: DatasetTarget, data: Dataset) -> None:
    """The form and its button. What is varied at first follows the preset, so that it is no ``st.form``."""
    usual_preset = sensible(int((data.labels >= 0).sum()), bool(data.facts.get("simulated")), data.has_pictures)
    names = list(PRESETS)
    left, middle, right = st.columns([3, 1, 2], vertical_alignment="bottom")
    with left:
        name = st.selectbox(
            "Start from", names, names.index(usual_preset), key="search_preset", help=FIELDS["preset"].description
        )
    with middle:
        trials = st.number_input("Trials", 1, 1000, 20, key="search_trials", help=FIELDS["trials"].description)
    with right:
        metric = st.segmented_control(
            "Search for the highest", list(NAMES), default="f1", required=True, format_func=NAMES.get,
            key="search_metric", help=FIELDS["metric"].description,
        )  # fmt: skip
    vary = st.text_area(
        "What to vary, one setting a line", "\n".join(usual(preset(name))), key=f"search_vary_{name}", height="content",
        help="section.key=low..high, section.key=log:low..high (logarithmic) or section.key=a,b,c. The names are those "
        "of the form under New run.",
    )  # fmt: skip
    options = {"preset": name, "trials": int(trials), "metric": metric, "vary": "; ".join(vary.splitlines())}
    options |= _more()
    st.caption(_cost(options))
    pressed = st.button(
        "Start the search", type="primary", icon=":material/play_arrow:", key="search_start",
        disabled=analyses.is_active(target, NAME),
    )  # fmt: skip
    if pressed:
        try:
            check(target, SearchOptions(**options))
        except (LandslideLensError, ValueError) as error:
            show_error(error)
            return
        analyses.begin(target, NAME, options)


def _more() -> dict[str, Any]:
    """What rarely has to be said, folded away."""
    with st.expander("Sampler, judgement and more", icon=":material/tune:"):
        sampler = st.segmented_control(
            "Sampler", list(SAMPLERS), default="tpe", required=True, format_func=SAMPLERS.get, key="search_sampler",
            help=FIELDS["sampler"].description,
        )  # fmt: skip
        judge = st.segmented_control(
            "The winner is judged by", list(JUDGES), default="held_back", required=True, format_func=JUDGES.get,
            key="search_judge", help=FIELDS["judge"].description,
        )  # fmt: skip
        found: dict[str, Any] = {"sampler": sampler, "judge": judge}
        if judge == "held_back":
            found["share"] = st.slider(
                "Share held back", 0.05, 0.5, 0.25, 0.05, key="search_share", help=FIELDS["share"].description
            )
        else:
            found["outer_folds"] = st.number_input(
                "Outer folds", 2, 10, 3, key="search_outer_folds", help=FIELDS["outer_folds"].description
            )
        found["settings"] = st.text_input(
            "Settings of every trial", key="search_settings", placeholder="train.epochs=5; folds.n_splits=3",
            help=FIELDS["settings"].description,
        )  # fmt: skip
        found["prune"] = st.toggle("Stop hopeless trials", True, key="search_prune", help=FIELDS["prune"].description)
        found["seed"] = st.number_input(
            "Seed of the sampler", 0, 2**31 - 1, 0, key="search_seed", help=FIELDS["seed"].description
        )
    return found


def _cost(options: dict[str, Any]) -> str:
    """How many trainings that is at most."""
    try:
        config = preset(options["preset"]).with_overrides(listed(options["settings"]))
    except LandslideLensError as error:
        return escape_markdown(error)
    searches = 1 if options["judge"] == "held_back" else int(options["outer_folds"])
    runs = searches * (options["trials"] + 3)
    return (
        f"At most {count(runs)} trainings of {config.folds.words} and {config.train.epochs} epochs each: the trials, "
        "the settings as they are, and both trained again for the judgement. For a first look set fewer epochs and "
        "folds."
    )
