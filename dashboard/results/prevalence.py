"""How frequent landslides are where the model is used: stated once, and what the numbers become there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from core.errors import LandslideLensError
from core.evaluate.prevalence import with_intervals
from core.runs.prevalence import Prevalence, prevalence_of, state_prevalence
from core.runs.store import RunFolder
from core.wording.results import at_prevalence
from dashboard import allowed
from dashboard.results.predictions import Predictions
from dashboard.ui import guards
from dashboard.ui.formatting import MARKDOWN, escape_markdown, interval_percent, percent
from dashboard.ui.messages import show_error

KEY = "prevalence_per_1000"
LEAST = 0.0001  # of 1: the form takes 0.1 per 1,000 and more


def stated(run: RunFolder) -> Prevalence | None:
    """What was stated for the run or its dataset; a damaged statement is shown and counts as none."""
    try:
        return prevalence_of(run)
    except LandslideLensError as error:
        show_error(error)
        return None


def in_words(predictions: Predictions, known: Prevalence) -> str:
    """Precision, F1, alarms and misses at the stated prevalence, in Markdown."""
    return _words(predictions.there(), predictions.labels, known)


def of_patches(table: pd.DataFrame, known: Prevalence) -> str:
    """The same of decided patches: label (0/1), pred (0/1), and group where groups are known."""
    labels, groups = (
        table["label"].to_numpy(np.int8),
        table["group"].astype(str).to_numpy() if "group" in table else None,
    )
    groups = None if groups is None or (groups == "").any() else groups
    return _words(with_intervals(labels, table["pred"].to_numpy(np.int8), known.share, groups), labels, known)


def _words(found: Mapping[str, Any], labels: np.ndarray, known: Prevalence) -> str:
    return at_prevalence(found, float(labels.mean()) if len(labels) else 0.0, known, MARKDOWN)


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
            if st.button("For this run", key=f"{KEY}_run", type="primary", **allowed.to("organise")):
                _state(run, per_1000 / 1000)
            data = guards.chosen_dataset()
            if data is not None and st.button(
                "For every run on this dataset", key=f"{KEY}_dataset", **allowed.to("organise")
            ):
                _state(data.path, per_1000 / 1000)
            if known is not None and st.button(
                "Take it back", key=f"{KEY}_clear", type="tertiary", **allowed.to("organise")
            ):
                _state(run if known.source == "run" else run.dataset_path(), None)


def estimated(run: RunFolder, found: Mapping[str, Any], key: str, then: Callable[[float], None] | None = None) -> None:
    """How frequent landslides are in a place, told without labels, and the button that states it for the run.

    found: of ``core.predict.prevalence.share_there``. then: called with the share when it has been stated.
    """
    if found.get("share") is None:
        st.caption(f"How frequent landslides are there cannot be told: {escape_markdown(found.get('reason', ''))}")
        return
    share, ends = float(found["share"]), interval_percent((found["lo"], found["hi"]), 1)
    notes = [escape_markdown(note) for note in found.get("notes", [])]
    if not found.get("fits", True) or not (found.get("check") or {"holds": True})["holds"]:
        st.warning(
            f"**The share of landslides here cannot be told from the run's probabilities.** {' '.join(notes)}",
            icon=":material/warning:",
        )
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        st.markdown(
            f"**Estimated {percent(share)} ({ends}) landslides here**, from {found['n']:,} patches without their "
            "labels.",
            width="content",
            help="From how the run's probabilities for these patches mix those of its own landslides and other "
            "ground, out of fold. 95% interval: both sets, whole groups. A count above the threshold would say "
            f"{percent(found['counted'])}.",
        )
        if st.button(
            "Use it", icon=":material/percent:", key=f"{key}_use",
            help="States it for this run: summary, threshold, safety target and predictions are restated for it.",
        ):  # fmt: skip
            _state(run, min(max(share, LEAST), 1 - LEAST), then)
    if notes:
        st.caption(" ".join(notes))


def _state(of: object, share: float | None, then: Callable[[float], None] | None = None) -> None:
    try:
        state_prevalence(of, share)
    except (LandslideLensError, OSError) as error:
        show_error(error)
        return
    if then is not None and share is not None:
        then(share)
    st.rerun()
