"""How frequent landslides are where the model is used: stated once, and what the numbers become there."""

from __future__ import annotations

import streamlit as st

from core.errors import LandslideLensError
from core.runs.prevalence import Prevalence, prevalence_of, state_prevalence
from core.runs.store import RunFolder
from dashboard.results.predictions import Predictions
from dashboard.ui import guards
from dashboard.ui.formatting import escape_markdown, interval, number
from dashboard.ui.messages import show_error

KEY = "prevalence_per_1000"


def stated(run: RunFolder) -> Prevalence | None:
    """What was stated for the run or its dataset; a damaged statement is shown and counts as none."""
    try:
        return prevalence_of(run)
    except LandslideLensError as error:
        show_error(error)
        return None


def in_words(predictions: Predictions, known: Prevalence) -> str:
    """Precision, F1, alarms and misses at the stated prevalence, in Markdown."""
    own = float(predictions.labels.mean()) if len(predictions.labels) else 0.0
    found = predictions.there()
    ends = found["intervals"]
    alarms = ends["alarms_per_1000"]
    return (
        f"**With {known.words()}** (here {1000 * own:.0f}): precision {number(found['precision'])} "
        f"({interval(ends['precision'])}), F1 {number(found['f1'])} ({interval(ends['f1'])}), "
        f"{found['alarms_per_1000']:.0f} alarms per 1,000 patches ({interval(alarms, 0)}), "
        f"{number(found['missed_per_1000'], 1)} landslides missed."
    )


def prevalence_form(run: RunFolder, predictions: Predictions, known: Prevalence | None) -> None:
    """The form that states it, in a popover."""
    own, positive = float(predictions.labels.mean()) if len(predictions.labels) else 0.0, predictions.positive
    label = "Prevalence" if known is None else f"Prevalence: {1000 * known.share:.3g} per 1,000"
    with st.popover(label, icon=":material/percent:", help="How frequent landslides are where the model is used."):
        st.markdown(
            f"These patches hold {1000 * own:.0f} {escape_markdown(positive)} patches per 1,000. Where landslides are "
            "rarer, recall stays and precision falls. State the number once: it is used here, for the threshold, the "
            "safety target and predictions."
        )
        per_1000 = st.number_input(
            f"{escape_markdown(positive)} patches per 1,000 where the model is used", 0.1, 999.0,
            round(1000 * (known.share if known else max(own, 0.001)), 1), 1.0, format="%.1f", key=f"{KEY}_{run.name}",
        )  # fmt: skip
        with st.container(horizontal=True):
            if st.button("For this run", key=f"{KEY}_run", type="primary"):
                _state(run, per_1000 / 1000)
            data = guards.chosen_dataset()
            if data is not None and st.button("For every run on this dataset", key=f"{KEY}_dataset"):
                _state(data.path, per_1000 / 1000)
            if known is not None and st.button("Take it back", key=f"{KEY}_clear", type="tertiary"):
                _state(run if known.source == "run" else run.dataset_path(), None)


def _state(of: object, share: float | None) -> None:
    try:
        state_prevalence(of, share)
    except (LandslideLensError, OSError) as error:
        show_error(error)
    else:
        st.rerun()
