"""The Patches view: probability and decision for patches without labels, as a table and a CSV."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import pandas as pd
import streamlit as st

from core.analyses.prediction import ANALYSIS, PredictionOptions
from core.io.plain_file import read_bytes
from core.io.safe_paths import slug
from core.jobs.analysis_folder import AnalysisFolder, list_for
from core.runs.store import RunFolder
from dashboard import cache, state, url_state
from dashboard.jobs import analyses
from dashboard.predict import asking, files
from dashboard.ui import downloads
from dashboard.ui.formatting import count, escape_markdown, number
from dashboard.ui.guards import or_stop, run_state

SHOWN = "predict_patches"
READING = ("format", "bands", "unit", "nodata")
DECIDING = ("prevalence", "miss_rate", "missed_per_1000", "submission")
MOST_ROWS = 2000  # of the table on the page
MOST_BYTES = 2**28  # of the CSV


def patches_view(run: RunFolder) -> None:
    """The form, the progress, and what came of the chosen question."""
    done = {job.path.name: job for job in list_for(run, ANALYSIS.name) if run_state(job)["state"] == "succeeded"}
    if not done:
        st.markdown("**Name a folder, archive or dataset of patches; this run says which are landslides.**")
    else:
        name = url_state.choose(
            st.selectbox, "Answered", list(done), key=SHOWN, default=next(iter(done)), width=420,
            format_func=lambda key: Path(done[key].options()["source"]).name, label_visibility="collapsed",
        )  # fmt: skip
        _answer(run, done[name])
        st.header("Other patches", anchor=False)
    analyses.follow(run, ANALYSIS.name)
    _form(run)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption("To see a few new patches among the training patches, place them on the map.", width="content")
        if st.button("Open the embedding", icon=":material/scatter_plot:", type="tertiary", key="predict_to_embedding"):
            state.open_view("embedding", run=run.name, view="map")


def _form(run: RunFolder) -> None:
    with st.form("predict_patches_form", border=False):
        chosen = asking.widgets(PredictionOptions, ("source",), "patches")
        with st.expander("How the patches are read: format, bands, units", icon=":material/layers:"):
            chosen |= asking.widgets(PredictionOptions, READING, "patches")
        with st.expander("How they are decided: frequency, safety target, submission", icon=":material/tune:"):
            chosen |= asking.widgets(PredictionOptions, DECIDING, "patches")
        pressed = st.form_submit_button(
            "Predict the patches", type="primary", icon=":material/play_arrow:",
            disabled=analyses.is_active(run, ANALYSIS.name),
        )  # fmt: skip
    if not pressed:
        return
    source = (chosen["source"] or "").strip()
    if not source:
        st.warning("Name the folder or file of the patches first.", icon=":material/edit:")
        return
    key = hashlib.sha256(repr(sorted(chosen.items())).encode()).hexdigest()[:8]
    out = run.results(ANALYSIS.name).path / f"{slug(Path(source).stem)}-{key}.csv"
    asking.ask(run, ANALYSIS.name, chosen | {"out": str(out)})


def _answer(run: RunFolder, job: AnalysisFolder) -> None:
    facts = or_stop(job.result)
    path = Path(facts["out"])
    st.markdown(
        f"**{count(facts['n_positive'])} of {count(facts['n'])} patches are called landslides**, at the threshold "
        f"{number(facts['threshold'])}."
    )
    if facts.get("triage"):
        st.caption(escape_markdown(facts["message"]))
    for text in facts.get("warnings", []):
        st.warning(escape_markdown(text), icon=":material/warning:")
    if not path.is_file():
        st.caption("Its table is not there any more. Predict the patches again.")
        return
    table = _table(str(path), cache.file_version(path))
    downloads.table(table.head(MOST_ROWS), hide_index=True, width="stretch", height=360)
    if len(table) > MOST_ROWS:
        st.caption(f"The first {MOST_ROWS:,} of {len(table):,}; the CSV holds all.")
    files.file_button("All patches (CSV)", path, f"{run.name}_{path.name}")
    if rejected := facts.get("rejected"):
        with st.expander(f"Set aside ({len(rejected):,})"):
            downloads.table(pd.DataFrame(rejected), hide_index=True, width="stretch")


@st.cache_data(max_entries=4, show_spinner=False)
def _table(path: str, version: cache.Version) -> pd.DataFrame:
    from pyarrow import csv

    return csv.read_csv(io.BytesIO(read_bytes(Path(path), MOST_BYTES))).to_pandas()
