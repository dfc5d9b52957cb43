"""Review: the patches that a run gets wrong, judged by people until the labels are right."""

import streamlit as st

from dashboard.review import page

st.title("Review")
page.show()
