"""Runs: every run of this place in one table."""

import streamlit as st

from dashboard.runs.page import page

st.title("Runs")
page()
