"""How well the run finds landslides, for people who have to decide with it and for people who have to check it."""

import streamlit as st

from dashboard import url_state
from dashboard.patches import outcomes
from dashboard.results import decision_summary, interpretation, predictions, published_metrics, uploaded_scores
from dashboard.results.calibration import calibration_view
from dashboard.results.curves import curves_view
from dashboard.results.external_validation import elsewhere_view
from dashboard.results.heads import heads_view
from dashboard.results.metrics import scores_view
from dashboard.results.risk_control import desk_view
from dashboard.results.significance import difference_view
from dashboard.results.threshold import threshold_view
from dashboard.results.training import training_view
from dashboard.ui import downloads, guards
from dashboard.ui.guards import or_stop
from dashboard.ui.head_picker import head_picker

SOURCES = {"run": "This run", "csv": "A CSV of probabilities", "paper": "Printed numbers"}
VIEWS = {
    "scores": "Scores", "heads": "Heads", "threshold": "Threshold", "curves": "Curves",
    "calibration": "Calibration", "desk": "Recall first", "difference": "Is it real?",
    "elsewhere": "Other data", "training": "Training",
}  # fmt: skip


def main() -> None:
    st.title("Results")
    with st.container(horizontal=True, vertical_alignment="bottom", horizontal_alignment="distribute"):
        url_state.read_query_param("results_of", list(SOURCES), "run")
        source = st.segmented_control("Of", list(SOURCES), required=True, format_func=SOURCES.get, key="results_of")
        url_state.write_query_param("results_of", source, "run")
        downloads.picture_format()
    if source == "csv":
        uploaded_scores.csv_view()
    elif source == "paper":
        published_metrics.paper_view()
    else:
        of_run()


def of_run() -> None:
    run = guards.need_finished_run("how many landslides a run finds, misses and imagines")
    summary, oof = or_stop(run.summary), or_stop(run.oof)
    head = head_picker("Head", outcomes.heads_of(oof), summary, "results_head")
    of = predictions.of_run(run, summary, oof, head)
    decision_summary.missing_class(of)
    decision_summary.story(of, interpretation.standing(summary, head), summary["heads"].get(head))
    short, sentence = interpretation.earns_its_place(summary)
    st.markdown(f"**Does the network earn its place? {short}.** {sentence}")
    for warning in interpretation.warnings_of(summary):
        st.warning(warning, icon=":material/warning:")
    url_state.read_query_param("results_view", list(VIEWS), "scores")
    view = st.segmented_control(
        "View", list(VIEWS), required=True, format_func=VIEWS.get, key="results_view", wrap=True,
        label_visibility="collapsed",
    )  # fmt: skip
    url_state.write_query_param("results_view", view, "scores")
    draw(view, run, summary, oof, of)


def draw(view, run, summary, oof, of) -> None:
    data = guards.chosen_dataset() if view in ("scores", "threshold") else None
    if view == "scores":
        scores_view(of, data)
    elif view == "heads":
        heads_view(run, summary)
    elif view == "threshold":
        threshold_view(of, data, run, summary["heads"].get(of.head, {}).get("threshold"))
    elif view == "curves":
        curves_view(of, oof, summary)
    elif view == "calibration":
        calibration_view(of)
    elif view == "desk":
        desk_view(of)
    elif view == "difference":
        difference_view(run, summary, of.head)
    elif view == "elsewhere":
        elsewhere_view(run, summary)
    else:
        training_view(run, summary, oof)


main()
