"""Tour: what the program can do, in five short demonstrations."""

import streamlit as st

from dashboard.tour.page import page
from dashboard.ui import guards

with st.container(horizontal=True, vertical_alignment="center"):
    st.title("Tour", width="content")
    guards.simulated_badge(guards.chosen_dataset())
page()
