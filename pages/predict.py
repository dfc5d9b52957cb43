"""Predict: a scene becomes a map that leaves the house; patches without labels; the model for other programs."""

import streamlit as st

from dashboard.predict import export, scene
from dashboard.predict.patches.view import patches_view
from dashboard.ui import guards
from dashboard.ui.view_switch import view_switch

VIEWS = {
    "scene": ":material/map: Scene",
    "patches": ":material/grid_view: Patches",
    "export": ":material/ios_share: Export",
}

st.title("Predict")
run = guards.need_finished_run("where a run finds landslides on new ground", shows_patches=False)
for read in (run.summary, run.oof):  # what a map's threshold and promise come from
    guards.or_stop(read)
with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
    view = view_switch("predict", VIEWS, "scene")
    shown = scene.picker(run) if view == "scene" else None
if view == "scene":
    scene.scene_view(run, shown)
elif view == "patches":
    patches_view(run)
else:
    export.export_view(run)
