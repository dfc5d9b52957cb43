"""Review: the patches that a run gets wrong, judged by people until the labels are right."""

import streamlit as st

from dashboard.review.patches import patches_view
from dashboard.ui import guards

st.title("Review")
run = guards.need_finished_run("the patches that a run misclassifies, and why")
data = guards.need_dataset()
patches_view(run, data)
