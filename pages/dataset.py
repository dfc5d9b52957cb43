"""Dataset: what is in it, how it looks, where it lies, what is wrong with it, and where new ones come from."""

import streamlit as st

from dashboard import (
    components,
    data_bands,
    data_check,
    data_facts,
    data_gallery,
    data_import,
    data_map,
    data_xray,
    state,
)

VIEWS = {
    "Facts": (":material/info:", data_facts.facts),
    "Patches": (":material/grid_view:", data_gallery.patches),
    "Bands": (":material/layers:", data_bands.bands),
    "Map": (":material/map:", data_map.places),
    "Check": (":material/fact_check:", data_check.check),
    "X-ray": (":material/radiology:", data_xray.xray),
    "Import": (":material/drive_folder_upload:", lambda data: data_import.importer()),
}

st.title("Dataset")
data = components.chosen_dataset()
if data is None:
    components.no_dataset(with_import=False)
    data_import.import_source()
    st.stop()

if asked := state.asked_view("dataset"):
    st.session_state["dataset_view"] = asked
st.session_state.setdefault("dataset_view", "Facts")
view = st.segmented_control(
    "View", list(VIEWS), required=True, label_visibility="collapsed", key="dataset_view",
    format_func=lambda name: f"{VIEWS[name][0]} {name}",
)  # fmt: skip
VIEWS[view][1](data)
