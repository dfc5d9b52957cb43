"""The Overview for people who decide: what the best run finds and misses, as squares and pictures, and the tour."""

from __future__ import annotations

import streamlit as st

from core.data.bands import composites
from core.data.store import Dataset
from dashboard import state
from dashboard.charts import scores
from dashboard.overview import briefing
from dashboard.overview.briefing import Briefing
from dashboard.patches import gallery
from dashboard.ui.formatting import escape_markdown, interval, interval_percent, number, percent

SAID = {"TP": "Found", "FN": "Missed", "FP": "False alarm"}


def view(brief: Briefing, data: Dataset | None) -> None:
    """The view. data: the run's dataset, where it is there."""
    name = brief.predicted.positive.replace("_", " ")
    with st.container(key="stakeholder_words"):
        st.markdown(briefing.sentence(brief))
    rates, facts = brief.rates, brief.summary["heads"].get(brief.predicted.head, {})
    hits = brief.predicted.pred == 1
    recall, precision = float(hits[brief.predicted.labels == 1].mean()), rates["precision"] if hits.any() else 0.0
    bounds = facts.get("intervals", {}).get("recall"), rates["intervals"]["precision"]
    with st.grid(2, min_column_width=340, gap="medium"):
        with st.container():
            _squares(
                scores.Squares(f"100 {name}s", recall, bounds[0], ("TP", "FN"), ("found", "missed")),
                f"{interval_percent(bounds[0])} are found, with 95% confidence.",
            )
        with st.container():
            _squares(
                scores.Squares("100 alarms", precision, bounds[1], ("TP", "FP"), ("correct", "false")),
                f"{interval_percent(bounds[1])} are correct, with 95% confidence.",
            )
    st.caption("Green: found, correct. Magenta: missed. Yellow: false. Faint squares: it could be either.")
    st.markdown(
        f"Of 1,000 images, somebody has to look at {number(rates['alarms_per_1000'], 0)} "
        f"({interval(rates['intervals']['alarms_per_1000'], 0)}). Where landslides are rarer than "
        f"{percent(rates['share'])} of the images, more of the alarms are false."
    )
    if data is not None and briefing.is_same_data(brief, data):
        _pictures(brief, data)
    st.caption(
        f"Tested on {len(brief.predicted.labels):,} images that the model had not seen, {briefing.frequency(brief)}. "
        "It says nothing about ground, sensors or seasons that are not among them."
    )
    if st.button("See what it can do: the tour", icon=":material/route:", type="primary", key="stakeholder_tour"):
        state.open_view("tour")


def _squares(panel: scores.Squares, around: str) -> None:
    """A hundred of something as squares. around: how sure its number is."""
    title, _, counted = panel.sentence().partition(": ")
    st.markdown(f"{escape_markdown(title)}: **{counted}**")
    st.image(scores.squares(panel), width="stretch", output_format="PNG", alt=panel.sentence())
    st.markdown(around)


def _pictures(brief: Briefing, data: Dataset) -> None:
    table = briefing.examples(brief.predicted.table)
    if table.empty:
        return
    ids = table["id"].astype(str).tolist()
    drawn = gallery.pictures(data, ids, gallery.Look(composites(data.bands)[0]), side=240)
    with st.grid(3, min_column_width=180, gap="small"):
        for patch_id, outcome, rgb in zip(ids, table["outcome"], drawn, strict=True):
            st.image(rgb, caption=SAID[outcome], width="stretch", alt=f"{SAID[outcome]}: image {patch_id}",
                     output_format="PNG")  # fmt: skip
