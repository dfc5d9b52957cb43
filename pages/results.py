"""How well the run finds landslides, for people who have to decide with it and for people who have to check it."""

import streamlit as st

from core.data.leakage import ground_between
from core.errors import LandslideLensError
from core.runs import repeats
from dashboard import state, url_state
from dashboard.patches import outcomes
from dashboard.results import decision_summary, interpretation, predictions, prevalence
from dashboard.results.calibration import calibration_view
from dashboard.results.curves import curves_view
from dashboard.results.external_validation import external_validation_view
from dashboard.results.heads import heads_view
from dashboard.results.locked_test import locked_test_view
from dashboard.results.metrics import metrics_view
from dashboard.results.risk_control import risk_control_view
from dashboard.results.significance import significance_view
from dashboard.results.sources import published_metrics, uploaded_scores
from dashboard.results.threshold import threshold_view
from dashboard.results.training import training_view
from dashboard.ui import downloads, guards
from dashboard.ui.formatting import escape_markdown
from dashboard.ui.guards import or_stop
from dashboard.ui.head_picker import chosen_head
from dashboard.ui.view_switch import view_switch

SOURCES = {"run": "This run", "csv": "CSV of probabilities", "published": "Published metrics"}
VIEWS = {
    "metrics": "Metrics", "heads": "Heads", "threshold": "Threshold", "curves": "Curves",
    "calibration": "Calibration", "risk_control": "Safety target", "significance": "Compare",
    "external": "External test", "locked_test": "Locked test", "training": "Training",
}  # fmt: skip


def main() -> None:
    st.title("Results")
    if (asked := state.asked_view("results")) in VIEWS:
        st.session_state["results_of"], st.session_state["results_view"] = "run", asked
    bar = st.container(horizontal=True, vertical_alignment="bottom")
    with bar:
        source = url_state.choose(
            st.segmented_control, "Of", list(SOURCES), key="results_of", default="run", required=True,
            format_func=SOURCES.get,
        )  # fmt: skip
    if source == "csv":
        uploaded_scores.uploaded_scores_view()
    elif source == "published":
        published_metrics.published_metrics_view()
    else:
        of_run(bar)
    with bar:
        downloads.picture_format()


def of_run(bar) -> None:
    """The run in one row of numbers, and below it the views. bar: the row of choices at the top."""
    run = guards.need_finished_run("detections, misses and false alarms", shows_patches=False)
    summary, oof = or_stop(run.summary), or_stop(run.oof)
    head = chosen_head(outcomes.heads_of(oof), summary)
    known = prevalence.stated(run)
    predicted = predictions.of_run(run, summary, oof, head, known.share if known else None)
    decision_summary.missing_class(predicted)
    short, sentence = interpretation.against_baseline(summary)
    question = f"**Is the network better than a simple baseline? {short}.**"
    basis = interpretation.basis(summary, head, _spread(run, head))
    if "ground" in summary:
        basis += f" {escape_markdown(ground_between.sentence(summary['ground']))}"
    decision_summary.summary_view(predicted, basis, summary["heads"].get(head), [f"{question} {sentence}"])
    if warnings := interpretation.warnings_of(summary):
        st.warning("  \n".join(warnings), icon=":material/warning:")
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(question, width="content")
        prevalence.prevalence_view(run, predicted, known)
    view = view_switch("results", VIEWS, "metrics")
    draw(view, run, summary, oof, predicted)


def _spread(run, head):
    """How the finished trainings of this run's recipe spread; None where it is the only one."""
    try:
        trainings = repeats.repeats_of(run, state.choice().runs)
        return repeats.spread(trainings, head) if len(trainings) > 1 else None
    except (LandslideLensError, KeyError):
        return None


def draw(view, run, summary, oof, predicted) -> None:
    data = guards.chosen_dataset() if view in ("metrics", "threshold") else None
    if view == "metrics":
        metrics_view(predicted, data)
    elif view == "heads":
        heads_view(run, summary)
    elif view == "threshold":
        threshold_view(predicted, data, run, summary["heads"].get(predicted.head, {}).get("threshold"))
    elif view == "curves":
        curves_view(predicted, oof, summary)
    elif view == "calibration":
        calibration_view(predicted)
    elif view == "risk_control":
        risk_control_view(predicted)
    elif view == "significance":
        significance_view(run, summary, predicted.head)
    elif view == "external":
        external_validation_view(run, summary)
    elif view == "locked_test":
        locked_test_view(run, summary)
    else:
        training_view(run, summary, oof)


main()
