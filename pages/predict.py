"""Predict: a scene becomes a map that leaves the house; patches without labels; the model for other programs."""

import streamlit as st

from dashboard.predict import export, patches, scene
from dashboard.ui import guards
from dashboard.ui.view_switch import view_switch

VIEWS = {
    "scene": (":material/map: Scene", scene.scene_view),
    "patches": (":material/grid_view: Patches", patches.patches_view),
    "export": (":material/ios_share: Export", export.export_view),
}

st.title("Predict")
run = guards.need_finished_run("where a run finds landslides on new ground", shows_patches=False)
VIEWS[view_switch("predict", {name: label for name, (label, _) in VIEWS.items()}, "scene")][1](run)
