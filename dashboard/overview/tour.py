"""From the Overview into the tour, one click a stop; and the link for those who decide."""

from __future__ import annotations

import streamlit as st

from dashboard import stakeholder, state, url_state
from dashboard.overview.briefing import Briefing
from dashboard.tour import parts
from dashboard.tour.page import STOPS, VIEW


def doors(brief: Briefing) -> None:
    """A button a stop, where there is simulated data to tell them on; the link to show the result to others."""
    with st.container(border=True, key="overview_tour"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown("**Tour** :gray[five demonstrations, a minute each]", width="stretch")
            st.link_button(
                "Show to stakeholders", stakeholder.link(dataset=state.choice().dataset, run=brief.run.name),
                icon=":material/co_present:", type="tertiary",
                help="Opens the result and the tour in large type, without any control that changes anything. Copy the "
                "address and send it.",
            )  # fmt: skip
        if parts.demo_run() is None:
            st.caption("It is told on simulated data: make the demo, below.")
            return
        with st.grid(len(STOPS), min_column_width=170, gap="small"):
            for name, stop in STOPS.items():
                if st.button(stop.short, icon=f":material/{stop.icon}:", key=f"overview_tour_{name}", width="stretch"):
                    url_state.forget(VIEW)
                    state.open_view("tour", filters={VIEW: name})
