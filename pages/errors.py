"""Where links to the page of errors lead that Review took the place of: there, with everything that they name."""

import streamlit as st

from dashboard import state

state.open_view("review", filters={name: st.query_params.get_all(name) for name in st.query_params})
