"""Dataset: what is in it, how it looks, where it lies, what is wrong with it, and where new ones come from."""

import streamlit as st

from dashboard import state
from dashboard.dataset import bands, check, facts, import_form, leakage, map, patches
from dashboard.ui import empty_states, guards

VIEWS = {
    "Facts": (":material/info:", facts.facts),
    "Patches": (":material/grid_view:", patches.patches),
    "Bands": (":material/layers:", bands.bands),
    "Map": (":material/map:", map.places),
    "Check": (":material/fact_check:", check.check),
    "X-ray": (":material/radiology:", leakage.xray),
    "Import": (":material/drive_folder_upload:", lambda data: import_form.importer()),
}

st.title("Dataset")
data = guards.chosen_dataset()
if data is None:
    empty_states.no_dataset(with_import=False)
    import_form.import_source()
    st.stop()

if asked := state.asked_view("dataset"):
    st.session_state["dataset_view"] = asked
st.session_state.setdefault("dataset_view", "Facts")
view = st.segmented_control(
    "View", list(VIEWS), required=True, label_visibility="collapsed", key="dataset_view",
    format_func=lambda name: f"{VIEWS[name][0]} {name}",
)  # fmt: skip
VIEWS[view][1](data)
