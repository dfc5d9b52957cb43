"""An ensemble evaluated like a run: summary, errors, threshold and safety target, calibration, slices, curves."""

from __future__ import annotations

import streamlit as st

from core.text import list_names
from dashboard import state, url_state
from dashboard.results import predictions, summary
from dashboard.results.ensembles import kept
from dashboard.results.sources.uploaded_scores import VIEWS, draw
from dashboard.ui import guards
from dashboard.ui.formatting import escape_markdown


def ensemble_source_view() -> None:
    """The view: the chosen ensemble of the chosen dataset."""
    data = guards.need_dataset()
    found = kept.of_dataset(state.checkpoints(), data.name)
    if not found:
        st.info(
            "This dataset has no ensemble yet. Combine runs on the view Ensemble of a finished run.",
            icon=":material/merge:",
        )
        return
    ensemble = kept.chosen(found)
    card, titles = ensemble.card(), kept.titles(ensemble)
    members = list_names([titles[one["key"]] for one in card["members"]], 10)
    st.caption(f"{escape_markdown(card['title'])}: {titles[card['method']].lower()} of {escape_markdown(members)}.")
    facts, oof = guards.or_stop(ensemble.summary), guards.or_stop(ensemble.oof)
    answers = predictions.of_run(ensemble, facts, oof, facts["head"])
    summary.header(answers, facts["heads"][facts["head"]])
    view = url_state.choose(
        st.segmented_control, "View", list(VIEWS), key="csv_view", default="summary", required=True,
        format_func=VIEWS.get, wrap=True, label_visibility="collapsed",
    )  # fmt: skip
    draw(answers, view)
