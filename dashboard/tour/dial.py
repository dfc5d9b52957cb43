"""The honest dial: how many landslides may be missed, how many hours that costs, and the map that changes with it."""

from __future__ import annotations

import numpy as np
import streamlit as st

from core.analyses import scene_map
from core.analyses.tour import earthquake
from core.errors import LandslideLensError
from core.evaluate.risk_control import Target
from core.runs.store import RunFolder
from dashboard import url_state
from dashboard.results import charts
from dashboard.results.predictions import Predictions
from dashboard.results.safety import decision
from dashboard.results.safety.decision import Inspections
from dashboard.tour import parts
from dashboard.tour.earthquake import drawn_map, legend
from dashboard.ui import downloads
from dashboard.ui.formatting import escape_markdown

MINUTES = 2.0  # to look at one patch
KEY, USUAL, LEAST, MOST = "tour_missed", 10, 1, 50


def view(run: RunFolder) -> None:
    """The stop."""
    predictions = parts.predictions_of(run)
    url_state.read_query_number(KEY, LEAST, MOST, USUAL)
    limit = st.slider("Of 100 landslides, how many may be missed?", LEAST, MOST, key=KEY)
    url_state.write_query_param(KEY, limit, USUAL)
    share = float(predictions.labels.mean())
    try:
        rule = predictions.triage(Target("miss_rate", limit / 100))
    except LandslideLensError as error:
        st.info(f"**This cannot be promised.** {escape_markdown(error)}", icon=":material/gpp_maybe:")
        return
    found = decision.decide(predictions, Target("miss_rate", limit / 100), rule, share, is_own=True)
    hours, *ends = (value * MINUTES / 60 for value in found.inspect)
    parts.said(
        f"To miss at most {limit} of 100 landslides, somebody has to look for {hours:.0f} hours at 1,000 images; "
        f"looking at all of them takes {1000 * MINUTES / 60:.0f}."
    )
    left, right = st.columns([1, 2], gap="medium")
    with left:
        parts.big_number(
            "Hours per 1,000 images", f"{hours:.1f}", f"{ends[0]:.1f}–{ends[1]:.1f}",
            f"{predictions.basis} {MINUTES:g} minutes an image; as many landslides as among these patches "
            f"({share:.1%}). {escape_markdown(rule.rests_on(predictions.n_models))}",
        )  # fmt: skip
        st.caption(
            f"The promise holds with 95% confidence: at most {100 * rule.miss_rate_upper:.1f} of 100 are missed; "
            f"{rule.missed:,} of {rule.n_positive:,} were, on images that the model had not seen."
        )
        kept = decision.record(found, Inspections(MINUTES, decision.TIME, 1000), predictions, run.name, "")
        parts.take_away(
            "The decision (JSON)", decision.as_json(kept), "decision.json", "application/json", "tour_dial_json"
        )
        downloads.download(decision.as_table(kept), "decision", "The same as a table (CSV)", key="tour_dial_csv")
    with right:
        if not _map(run, rule.threshold):
            _curve(predictions, limit, (100 * found.missed_most, found.inspect[0]))


def _map(run: RunFolder, threshold: float) -> bool:
    """The simulated valley at this threshold, where it has been answered; whether it was drawn."""
    report = earthquake.read(run)
    if report is None or not np.isfinite(threshold):
        return False
    try:
        arrays = scene_map.folder(run, report["map"]).arrays("picture")
        scars = run.results(earthquake.NAME).arrays("scars")["scars"]
    except LandslideLensError:
        return False
    probs = arrays["probability"]
    if probs.shape != scars.shape:
        return False  # a larger scene is drawn coarser, and cannot be judged by its picture
    landslides, _ = earthquake.judged(scars, probs, threshold)
    called = float((np.nan_to_num(probs, nan=-1.0) >= threshold).mean())
    st.image(
        drawn_map(arrays, threshold, landslides, report), width="stretch", output_format="PNG",
        alt=f"The map at this setting: {called:.0%} of the ground is to be looked at.",
    )  # fmt: skip
    st.markdown(
        f"**{called:.0%} of the valley** is to be looked at; {int(landslides['found'].sum())} of {len(landslides)} "
        "landslides lie in it."
    )
    legend("Orange: to be looked at, by the mean of the models.")
    return True


def _curve(predictions: Predictions, limit: int, point: tuple[float, float]) -> None:
    path = decision.path_at(predictions, predictions.tradeoff("miss_rate"), float(predictions.labels.mean()), 100.0)
    figure = charts.inspections(path, float(limit), point, "Missed at most, % of landslides", 60.0)
    downloads.show(figure, key="tour_dial_curve")
    st.caption("Each step is a setting of the dial. The first stop of the tour makes the map that belongs to it.")
