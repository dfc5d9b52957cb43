"""Report: a run, a scene or a comparison of runs as one file for others, made here and looked at here."""

import streamlit as st

from dashboard.report.view import report_view
from dashboard.ui import guards
from dashboard.ui.view_switch import view_switch

VIEWS = {"run": "This run", "scene": "A scene", "against": "Compare runs"}

st.title("Report")
run = guards.need_finished_run("a run as one file for others", shows_patches=False)
for read in (run.summary, run.oof):  # what every report begins with
    guards.or_stop(read)
report_view(run, view_switch("report", VIEWS, "run"))
