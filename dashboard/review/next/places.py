"""Where one may choose from: unlabelled patches here and in other datasets, earlier predictions, maps of scenes."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from core.analyses import scene_map
from core.analyses.prediction import NAME as PREDICTION
from core.analyses.review.next_patches import NAME
from core.data.store import Dataset
from core.runs.store import RunFolder, datasets_path
from dashboard import cache, state
from dashboard.jobs import analyses
from dashboard.ui import other_datasets
from dashboard.ui.empty_states import open_import
from dashboard.ui.formatting import count, parse_time
from dashboard.ui.guards import or_stop

WHERE, MANY = "next_form_where", "next_form_n"
FIRST_N, MOST_N = 20, 1000


def places(run: RunFolder, data: Dataset) -> dict[str, str]:
    """Every place with something without a label, by what the analysis calls it: its title."""
    found = {}
    if here := int((data.labels < 0).sum()):
        found["own"] = f"Here: {count(here)} unlabelled {_patches(here)} of {data.name}"
    for name, path in other_datasets.fitting(run, labelled=False)[0].items():
        if n := int((cache.dataset(path).labels < 0).sum()):
            inside = path.parent == datasets_path(run.checkpoints).resolve()
            found[f"dataset:{path.stem if inside else path}"] = f"Dataset {name}: {count(n)} unlabelled {_patches(n)}"
    results = run.results(PREDICTION)
    for name in results.parts():
        report = or_stop(results.part(name).json, "report.json")
        source = Path(report["options"]["source"])
        if not report["options"].get("uploaded") and source.exists():
            found[f"prediction:{name}"] = (
                f"Prediction of {source.name}, {_day(report['made'])}: {count(report['n'])} {_patches(report['n'])}"
            )
    for name, report in (or_stop(scene_map.read, run) or {}).items():
        if report["triage"]:
            scene = Path(report["scene"]["scene"]).name
            found[f"scene:{name}"] = f"Scene {scene}, {_day(report['made'])}: cells of its map"
    return found


def _patches(n: int) -> str:
    return "patch" if n == 1 else "patches"


def _day(made: str) -> str:
    at = parse_time(made)
    return f"{at.day} {at:%b %H:%M}" if at else made


def form(run: RunFolder, found: dict[str, str], button: str) -> None:
    """Asks for a batch."""
    where = st.selectbox("Choose among", list(found), key=WHERE, format_func=found.get, width=460)
    n = st.number_input("How many to label", 1, MOST_N, FIRST_N, key=MANY, width=180)
    if st.button(
        button, type="primary", icon=":material/lightbulb:", key="next_go", disabled=analyses.is_active(run, NAME)
    ):
        analyses.begin(run, NAME, {"n": int(n), "where": where})


def nowhere() -> None:
    """Everything has a label: where else one may look, and how."""
    with st.container(border=True, horizontal_alignment="center", gap="small"):
        st.space("small")
        st.header("Every patch here has a label", icon=":material/task_alt:", anchor=False, text_alignment="center")
        st.markdown(
            "New ground teaches this run more: import patches without labels (as a dataset of their own), or predict "
            "patches or a whole scene, and come back. Then this view says which of them to label first.",
            text_alignment="center", width=560,
        )  # fmt: skip
        with st.container(horizontal=True, horizontal_alignment="center"):
            if st.button("Import patches", type="primary", key="next_import", icon=":material/drive_folder_upload:"):
                open_import()
            if st.button("Predict a scene", key="next_scene", icon=":material/satellite_alt:"):
                state.open_view("predict", view="scene")
            if st.button("Predict patches", key="next_predict", icon=":material/grid_view:"):
                state.open_view("predict", view="patches")
        st.space("small")
