"""The Patches view: what is asked for, what came of it, and whether a submission is in order."""

from __future__ import annotations

import hashlib
from pathlib import Path

import streamlit as st

from core.analyses.prediction import ANALYSIS, PredictionOptions
from core.errors import LandslideLensError
from core.io.safe_paths import slug
from core.jobs.analysis_folder import AnalysisFolder, list_for
from core.runs.store import RunFolder
from dashboard import allowed, state, url_state
from dashboard.jobs import analyses, option_words
from dashboard.predict import asking
from dashboard.predict.patches import answers, source, submission_check
from dashboard.ui.guards import run_state
from dashboard.ui.messages import show_error

SHOWN = "predict_patches"
NEWEST = "predict_patches_newest"  # in the session: the newest answer that was there
READING = ("format", "bands", "unit", "nodata")
DECIDING = ("prevalence", "miss_rate", "missed_per_1000", "false_per_1000", "submission")


def patches_view(run: RunFolder) -> None:
    """The form, the progress, and what came of the chosen question."""
    done = {job.path.name: job for job in list_for(run, ANALYSIS.name) if run_state(job)["state"] == "succeeded"}
    if not done:
        st.markdown("**Give this run new patches: it says which are landslides, and which a person should look at.**")
        _ask(run)
        return
    name = next(iter(done))
    if st.session_state.get(NEWEST, name) != name:  # an answer has come: it is shown, whatever was chosen before
        url_state.forget(SHOWN)
        st.query_params.pop(SHOWN, None)
    st.session_state[NEWEST] = name
    if len(done) > 1:
        name = url_state.choose(
            st.selectbox, "Answered", list(done), key=SHOWN, default=name, width=420,
            format_func=lambda key: called(done[key]), label_visibility="collapsed",
        )  # fmt: skip
    answers.answer(run, done[name])
    st.header("Other patches", anchor=False)
    _ask(run)


def called(job: AnalysisFolder) -> str:
    """What the patches of a job are called, and how they were decided where that was chosen.

    Their file or folder; of an upload the name that it came with.
    """
    options = job.options()
    name = Path(options["out"]).stem.rpartition("-")[0] if options.get("uploaded") else Path(options["source"]).name
    how = [name or "upload"]
    if share := options.get("prevalence"):
        how.append(f"{1000 * share:.3g} landslides per 1,000")
    if (rate := options.get("miss_rate")) is not None:
        how.append(f"at most {100 * rate:g}% missed")
    if (most := options.get("missed_per_1000")) is not None:
        how.append(f"at most {most:g} missed per 1,000")
    return " · ".join([*how, *(["submission"] if options.get("submission") else [])])


def _ask(run: RunFolder) -> None:
    analyses.follow(run, ANALYSIS.name)
    _form(run)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption("To see a few new patches among the training patches, place them on the map.", width="content")
        if st.button("Open the embedding", icon=":material/scatter_plot:", type="tertiary", key="predict_to_embedding"):
            state.open_view("embedding", run=run.name, view="map")
    submission_check.checked()


def _form(run: RunFolder) -> None:
    way = source.chosen_way()
    with st.form("predict_patches_form", border=False):
        where = source.widgets(run, way)
        chosen = {}
        if way != "dataset":
            with st.expander("How the patches are read: format, bands, units", icon=":material/layers:"):
                chosen |= asking.widgets(PredictionOptions, READING, "patches")
        with st.expander("How they are decided: frequency, safety target, submission", icon=":material/tune:"):
            chosen |= asking.widgets(PredictionOptions, DECIDING, "patches")
            st.caption(
                "With a safety target, what every fold's model clears is no landslide, what is accepted is one, and a "
                "person looks at the rest. Without one, the run's threshold decides."
            )
        pressed = st.form_submit_button(
            "Predict the patches", type="primary", icon=":material/play_arrow:",
            **allowed.to("train", analyses.is_active(run, ANALYSIS.name)),
        )  # fmt: skip
    if not pressed:
        return
    chosen = {name: value for name, value in chosen.items() if value not in (None, "")}
    try:
        ANALYSIS.options({"source": "-", "out": "-", **chosen})  # before an upload is stored
        given, name = source.source_of(run, where)
    except (LandslideLensError, OSError) as error:
        show_error(option_words.in_words_of(str(error), PredictionOptions), ":material/block:")
        return
    if not given["source"]:
        st.warning("Name the folder or file of the patches first.", icon=":material/edit:")
        return
    chosen = given | chosen | {"pictures": True}
    asking.ask(run, ANALYSIS.name, chosen | {"out": str(out_of(run, chosen, name))})


def out_of(run: RunFolder, chosen: dict, name: str) -> Path:
    """The CSV of a question, kept with the run."""
    key = hashlib.sha256(repr(sorted(chosen.items())).encode()).hexdigest()[:8]
    return run.results(ANALYSIS.name).path / f"{slug(name) or 'patches'}-{key}.csv"
