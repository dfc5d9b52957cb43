"""What to do next with a finished run: a few steps, each with its reason and the way there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from core.analyses import showcase
from core.errors import LandslideLensError
from dashboard import state, url_state
from dashboard.overview.briefing import Briefing, sure_errors
from dashboard.ui.formatting import count, escape_markdown

MOST = 4


@dataclass(frozen=True)
class Step:
    """One thing to do. why: one line of Markdown below it."""

    name: str
    label: str
    why: str
    icon: str
    go: Callable[[], None]


def next_steps(brief: Briefing) -> None:
    """The first steps that make sense for this run, in a column."""
    with st.container(border=True, height="stretch", gap="small"):
        st.markdown("**What to do next**")
        for place, step in enumerate(steps(brief)[:MOST]):
            with st.container(gap="xsmall" if place == 0 else None):
                kind = "primary" if place == 0 else "tertiary"
                if st.button(step.label, key=f"next_{step.name}", icon=f":material/{step.icon}:", type=kind):
                    step.go()
                st.caption(step.why)


def steps(brief: Briefing) -> list[Step]:
    """All steps that make sense, in the order in which they are worth taking."""
    run, head = brief.run.name, brief.predicted.head
    found = []
    if wrong := sure_errors(brief.predicted.table):
        found.append(
            Step(
                "errors", f"Review {count(wrong)} sure error{'s' * (wrong != 1)}",
                "The model is sure and the label says otherwise. Some of these labels may be wrong.", "fact_check",
                lambda: _errors(run, head),
            )
        )  # fmt: skip
    found.append(
        Step(
            "safety", "Decide how many may be missed", "Sets the threshold, and how many patches have to be inspected.",
            "health_and_safety", lambda: state.open_view("results", run=run, view="safety"),
        )
    )  # fmt: skip
    if not brief.stated:
        found.append(
            Step(
                "prevalence", "State how frequent landslides are",
                "Where they are rarer than in these patches, more of the alarms are false.", "percent",
                lambda: state.open_view("results", run=run),
            )
        )  # fmt: skip
    found.append(
        Step(
            "predict", "Predict a scene", "A satellite scene becomes polygons, and the cells to look at first.",
            "travel_explore", lambda: state.open_view("predict", run=run, view="scene"),
        )
    )  # fmt: skip
    return found + _analyses(brief)


def _analyses(brief: Briefing) -> list[Step]:
    """The stops of the showcase: those with results by what they found, the others by what they would show."""
    try:
        stops = [stop for stop in showcase.stops(brief.run) if stop.analysis in ("attention_checks", "robustness")]
    except LandslideLensError:
        return []
    made = []
    for stop in stops:
        finding = stop.finding(brief.run)
        why = stop.look if finding is None else f"{escape_markdown(finding.short)}. {stop.look}"
        made.append(
            Step(
                stop.name, stop.title, why, "visibility" if stop.name == "attention" else "cloud", _opener(brief, stop)
            )
        )
    return made


def _opener(brief: Briefing, stop: showcase.Stop) -> Callable[[], None]:
    return lambda: state.open_view(stop.page, run=brief.run.name, view=stop.view)


def _errors(run: str, head: str) -> None:
    """The errors of this run, the surest first, whatever was chosen on that page before."""
    url_state.forget(state.HEAD, "errors_order", *state.ERRORS_FILTERS)
    state.open_view("review", run=run, filters={state.HEAD: head})
