"""The Overview for people who decide: what the best run finds and misses, as squares and pictures, and the tour."""

from __future__ import annotations

import plotly.graph_objects as go
import streamlit as st

from core.data.bands import composites
from core.data.store import Dataset
from dashboard import state, theme
from dashboard.overview import briefing
from dashboard.overview.briefing import Briefing
from dashboard.patches import gallery
from dashboard.ui import downloads
from dashboard.ui.formatting import escape_markdown, interval, interval_percent, number, percent

SIDE = 10  # squares a row, of 100
SAID = {"TP": "Found", "FN": "Missed", "FP": "False alarm"}


def view(brief: Briefing, data: Dataset | None) -> None:
    """The view. data: the run's dataset, where it is there."""
    name = escape_markdown(brief.predicted.positive).replace("\\_", " ")
    with st.container(key="stakeholder_words"):
        st.markdown(briefing.sentence(brief))
    found, correct = shares(brief)
    rates, facts = brief.rates, brief.summary["heads"].get(brief.predicted.head, {})
    around = interval_percent(facts.get("intervals", {}).get("recall"))
    with st.grid(2, min_column_width=340, gap="medium"):
        with st.container():
            st.markdown(f"**Of 100 {name}s**")
            downloads.show(squares(found, ("Found", "TP"), ("Missed", "FN")), key="stakeholder_found")
            st.markdown(f"{found} are found ({around}, with 95% confidence).")
        with st.container():
            st.markdown("**Of 100 alarms**")
            downloads.show(squares(correct, ("Correct", "TP"), ("False", "FP")), key="stakeholder_alarms")
            st.markdown(f"{correct} are correct ({interval_percent(rates['intervals']['precision'])}).")
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


def shares(brief: Briefing) -> tuple[int, int]:
    """Of 100 landslides those that are found, and of 100 alarms those that are correct; whole numbers."""
    positives, hits = brief.predicted.labels == 1, brief.predicted.pred == 1
    precision = brief.rates["precision"] if hits.any() else 0.0
    return round(100 * float(hits[positives].mean())), round(100 * float(precision))


def squares(n: int, first: tuple[str, str], rest: tuple[str, str]) -> go.Figure:
    """100 squares, ``n`` of them of the first kind. first, rest: word and outcome, which gives the colour."""
    figure = go.Figure()
    for (word, outcome), places in ((first, range(n)), (rest, range(n, SIDE * SIDE))):
        figure.add_scatter(
            x=[place % SIDE for place in places], y=[-(place // SIDE) for place in places], mode="markers",
            name=f"{word}: {len(places)}", hoverinfo="skip",
            marker={"symbol": "square", "size": 20, "color": theme.OUTCOME[outcome]},
        )  # fmt: skip
    figure.update_xaxes(visible=False, range=[-0.6, SIDE - 0.4], constrain="domain", constraintoward="left")
    figure.update_yaxes(visible=False, range=[-SIDE + 0.4, 0.6], scaleanchor="x")
    return theme.apply(figure, 330)


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
