"""Balance: how SSIM-SMOTE balanced the classes, every synthetic patch beside its parents."""

import streamlit as st

from core.errors import LandslideLensError
from dashboard.balance import page, preview
from dashboard.ui import guards
from dashboard.ui.messages import show_error

st.title(
    "Balance",
    help="SSIM-SMOTE adds synthetic landslide patches between structurally similar real ones, so that the classes are "
    "better balanced in training. The parents of every synthetic patch are recorded.",
)
data = guards.need_dataset()
run = guards.chosen_run()
shown = False
if run is None:
    st.markdown("SSIM-SMOTE mixes pairs of similar landslide patches, so that training sees more landslides.")
else:
    try:
        shown = page.of_run(data, run)
    except LandslideLensError as error:
        show_error(error)
if not shown:
    preview.section(data)
