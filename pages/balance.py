"""Balance: how SSIM-SMOTE evened the classes, every synthetic patch beside its parents."""

import streamlit as st

from core.errors import LandslideLensError
from dashboard import balance_view, components
from dashboard.components import literal

st.title("Balance")
st.markdown(
    "SSIM-SMOTE makes landslide patches between structurally similar real ones, so that training sees the classes more "
    "evenly. Every synthetic patch is kept with its parents."
)
data = components.need_dataset()
run = components.chosen_run()
shown = False
if run is not None:
    try:
        shown = balance_view.of_run(data, run)
    except LandslideLensError as error:
        st.error(literal(error), icon=":material/error:")
if not shown:
    balance_view.preview(data)
