"""Where links to the page of errors lead that Review took the place of: there, with everything that they name."""

import streamlit as st

from dashboard import state

BOUND = (state.DATASET, state.RUN)  # the sidebar's pickers keep these in the URL themselves

named = {name: st.query_params.get_all(name) for name in st.query_params if name not in BOUND}
state.open_view("review", filters=named)
