"""The method view of the Train page: a run, or what the form holds, drawn as its framework and as its process."""

from __future__ import annotations

import streamlit as st

from core.config import RunConfig
from core.config.preset_groups import GROUPS, group_of, sensible
from core.data.label_versions import labels_of
from core.data.store import Dataset
from core.drawings import figures, steps
from core.drawings.facts import Facts, facts_of_data, facts_of_run
from core.errors import LandslideLensError
from core.runs.labels import title_of
from core.runs.store import RunFolder
from dashboard import url_state
from dashboard.train import draft
from dashboard.ui import guards, pictures
from dashboard.ui.formatting import escape_markdown
from dashboard.ui.messages import show_error

FIGURES = {"framework": "Framework", "process": "Training and inference"}
RUN, NEW = "run", "new"


def method_view(run: RunFolder | None, data: Dataset | None) -> None:
    """The picture, of the chosen run or of the settings of a new one, and what it says in words."""
    sources = ([RUN] if run is not None else []) + ([NEW] if data is not None else [])
    with st.container(horizontal=True, vertical_alignment="bottom"):
        figure = url_state.choose(
            st.segmented_control, "Figure", list(FIGURES), key="method_figure", default="framework", required=True,
            format_func=FIGURES.get, label_visibility="collapsed",
        )  # fmt: skip
        source = sources[0]
        if len(sources) > 1:
            source = url_state.choose(
                st.segmented_control, "Of", sources, key="method_of", default=RUN, required=True,
                format_func={RUN: "Chosen run", NEW: "New run's settings"}.get, label_visibility="collapsed",
            )  # fmt: skip
    try:
        config, facts = _of_run(run, data) if source == RUN else _of_form(data)
    except (LandslideLensError, OSError) as error:
        show_error(error)
        return
    title = title_of(run) if source == RUN else f"A new run with the preset {config.preset}"
    st.markdown(f"**{escape_markdown(title)}**: {_sentence(config, facts)}")
    draw = figures.framework if figure == "framework" else figures.process
    name = f"{run.name if source == RUN else config.preset}_{figure}"
    pictures.show(
        lambda dark, narrow: draw(config, facts, dark, narrow), "method", name, in_words(config, facts, FIGURES[figure])
    )
    st.caption(
        "Only what these settings switch on is drawn."
        + ("" if source == NEW or facts.result else " Numbers of the run appear as it gets on.")
    )


def _of_run(run: RunFolder, data: Dataset | None) -> tuple[RunConfig, Facts]:
    own = data if data is not None and not guards.changed_data(run, data) else None
    return run.config(), facts_of_run(run, own)


def _of_form(data: Dataset) -> tuple[RunConfig, Facts]:
    """What the form of a new run holds, of the preset chosen there."""
    n_labelled = int((data.labels >= 0).sum())
    usual = sensible(n_labelled, bool(data.facts.get("simulated")), data.has_pictures)
    group = st.session_state.get(draft.GROUP) or group_of(usual)
    names = list(GROUPS[group].presets) if group in GROUPS else [usual]
    asked = st.session_state.get(draft.PRESET)
    config = draft.Draft(asked if asked in names else names[0]).config()
    return config, facts_of_data(data, config, labels_of(data, config.data.labels)[0])


def _sentence(config: RunConfig, facts: Facts) -> str:
    """The method in one sentence."""
    balanced = {step.title for step in steps.balance_steps(config, facts)}
    online = [step.title for step in steps.online_steps(config)]
    parts = [f"{config.folds.words} of {config.train.epochs} epochs", *balanced]
    parts += [f"augmented batches ({', '.join(one.lower() if one == 'Geometry' else one for one in online)})"] * bool(
        online
    )
    return escape_markdown(f"{', '.join(parts)}; headline by {steps.head_title(config.heads.head)}.")


def in_words(config: RunConfig, facts: Facts, title: str) -> str:
    """The picture for those who do not see it."""
    parts = [
        *steps.data_steps(config, facts), *steps.network_steps(config, facts), *steps.head_steps(config, facts),
        *steps.decision_steps(config, facts), *steps.shown_steps(config, facts),
    ]  # fmt: skip
    return f"{title}: {'; '.join(' '.join([step.title, *step.lines[:2]]) for step in parts)}."[:1500]
