"""Asking for an analysis on a page: the button or form that queues it, and its progress.

All of it is read from files, so that a reload, a second tab or another server shows the same. The form is built from
the analysis's own options.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Any

import streamlit as st

from core.analyses.base import Analysis
from core.analyses.registry import analysis
from core.errors import LandslideLensError
from core.jobs import queue
from core.jobs.analysis_folder import AnalysisFolder, list_for
from core.runs.targets import CheckpointsTarget, Target
from dashboard import allowed, state
from dashboard.jobs import option_words, progress
from dashboard.ui.empty_states import empty_state
from dashboard.ui.fields import field_widget
from dashboard.ui.messages import show_error


def newest(target: Target, name: str) -> AnalysisFolder | None:
    """The job of this analysis and target that was asked for last."""
    return next(iter(list_for(target, name)), None)


def is_active(target: Target, name: str) -> bool:
    """Whether one of this name waits or runs."""
    job = newest(target, name)
    return job is not None and progress.is_active(job)


def begin(target: Target, name: str, options: Mapping[str, Any] | None = None) -> None:
    """Queue the analysis and draw the page anew; where it cannot be queued, the reason."""
    try:
        st.session_state[f"{state.ASKED}{name}"] = queue.submit_analysis(target, name, options).name
    except (LandslideLensError, OSError) as error:
        show_error(option_words.of_analysis(str(error), name))
        return
    st.rerun()


def asked_here(job: AnalysisFolder) -> bool:
    """Whether this session asked for it last, and has not been told yet what came of it (:func:`forget_asked`)."""
    return st.session_state.get(f"{state.ASKED}{job.analysis()}") == job.name


def forget_asked(job: AnalysisFolder) -> None:
    """This session has been told what came of it."""
    st.session_state.pop(f"{state.ASKED}{job.analysis()}", None)


def follow(target: Target, name: str) -> bool:
    """Draw the progress of the newest job of this analysis, or why it has no result; whether it waits or runs."""
    job = newest(target, name)
    if job is None:
        return False
    # What is asked of a run or a dataset concerns whoever looks at it; an import is its own session's business.
    return progress.watch(job, own=not isinstance(target, CheckpointsTarget) or asked_here(job))


def nothing_yet(target: Target, name: str, title: str, text: str, button: str, icon: str) -> None:
    """The empty state of a view whose results have not been computed, unless that is under way."""
    if not follow(target, name):
        empty_state(title, text, button, lambda: begin(target, name), icon, right="train")


def options_form(
    target: Target,
    name: str,
    button: str = "",
    given: Mapping[str, Any] | None = None,
    hidden: Container[str] = (),
    choices: Mapping[str, list[str]] | None = None,
    key: str = "",
) -> None:
    """A form of the analysis's options that queues it.

    given: what the widgets hold at first, instead of the defaults. hidden: options without a widget. choices: what can
    be chosen for options whose type does not say it.
    """
    asked: Analysis = analysis(name)
    values = asked.options(given)
    prefix = key or f"form_{name}"
    with st.form(f"{prefix}_form", border=False):
        chosen = values.model_dump()
        with st.grid(min_column_width=220, gap="medium"):
            for option, field in asked.Options.model_fields.items():
                if option not in hidden:
                    label = field.title or option.replace("_", " ").capitalize()
                    chosen[option] = field_widget(
                        label, field, getattr(values, option), f"{prefix}_{option}", (choices or {}).get(option)
                    )
        pressed = st.form_submit_button(
            button or asked.title, icon=":material/play_arrow:", **allowed.to("train", is_active(target, name))
        )
    if pressed:
        begin(target, name, chosen)
