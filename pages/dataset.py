"""Dataset: what is in it, how it looks, where it lies, what is wrong with it, and where new ones come from."""

import streamlit as st

from dashboard.dataset import bands, check, clouds, demo, facts, leakage, map, patches
from dashboard.dataset.importing import wizard
from dashboard.ui import empty_states, guards
from dashboard.ui.view_switch import view_switch

VIEWS = {
    "facts": (":material/info: Facts", facts.facts),
    "patches": (":material/grid_view: Patches", patches.patches),
    "bands": (":material/layers: Bands", bands.bands),
    "map": (":material/map: Map", map.places),
    "check": (":material/fact_check: Check", check.check),
    "leakage": (":material/compare: Leakage", leakage.leakage),
    "clouds": (":material/cloud: Clouds", clouds.clouds),
    "import": (":material/drive_folder_upload: Import", lambda data: wizard.importer()),
}

st.title("Dataset")
data = guards.chosen_dataset()
if data is None:
    if not demo.demo_job() and not wizard.is_under_way():
        empty_states.no_dataset(with_import=False)
    wizard.import_patches()
    st.stop()

VIEWS[view_switch("dataset", {name: label for name, (label, _) in VIEWS.items()}, "facts")][1](data)
