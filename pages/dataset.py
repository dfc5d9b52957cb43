"""Dataset: what is in it, how it looks, what is wrong with it, and where new ones come from."""

import streamlit as st

from dashboard import components, data_view, state

VIEWS = {"Facts": ":material/info:", "Patches": ":material/grid_view:", "Check": ":material/fact_check:",
         "Import": ":material/drive_folder_upload:"}  # fmt: skip

st.title("Dataset")
data = components.chosen_dataset()
if data is None:
    components.no_dataset(with_import=False)
    data_view.import_folder()
    st.stop()

if asked := state.asked_view("dataset"):
    st.session_state["dataset_view"] = asked
st.session_state.setdefault("dataset_view", "Facts")
view = st.segmented_control(
    "View", list(VIEWS), required=True, label_visibility="collapsed", key="dataset_view",
    format_func=lambda name: f"{VIEWS[name]} {name}",
)  # fmt: skip
if view == "Patches":
    data_view.patches(data)
elif view == "Check":
    data_view.check(data)
elif view == "Import":
    data_view.importer()
else:
    data_view.facts(data)
