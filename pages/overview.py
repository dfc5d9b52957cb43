"""Overview: what this is, what is chosen, how it scores, and everything there is to open."""

import streamlit as st

from dashboard import state
from dashboard.jobs import progress
from dashboard.overview import cards as listing
from dashboard.overview import guided_path as path
from dashboard.overview import tables
from dashboard.ui import empty_states, guards

st.title("Landslide Lens")
st.markdown(
    "Landslide Lens trains classifiers that tell landslides from other ground in satellite patches, and judges them on "
    "patches they have not seen. It shows where they are wrong, which bands they rely on and where in the patch they "
    "look."
)

choice = state.choice()
if not choice.datasets and not choice.owner:
    empty_states.no_dataset()
    st.stop()

path.guided_path()

cards = st.grid(2, min_column_width=380, gap="medium")
with cards.cell():
    listing.run_card(guards.chosen_run())
with cards.cell():
    listing.dataset_card(guards.chosen_dataset())

progress.active_jobs()

st.subheader("Runs", anchor=False)
tables.runs_table()

st.subheader("Datasets", anchor=False)
tables.datasets_table()
