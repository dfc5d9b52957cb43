"""The address of the page that Review took the place of: old links show it with everything that they name."""

import streamlit as st

from dashboard.review import page

st.title("Review")
page.show()
